"""Stores over the API."""

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.models import Store
from members.stores import queries, services
from members.team import queries as team
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet


class StoreSerializer(serializers.ModelSerializer[Store]):
    """`manager` is a user name of the pool. `is_registered` false: only orders know the code."""

    manager = serializers.CharField(source="manager.username", allow_null=True, default=None)

    class Meta:
        model = Store
        fields = [
            "id",
            "code",
            "name",
            "region",
            "province",
            "city",
            "manager",
            "opened_on",
            "closed_on",
            "is_active",
            "is_registered",
        ]
        read_only_fields = ["closed_on", "is_active", "is_registered"]
        validators: ClassVar[list[Any]] = []  # the service names the store that has the code


class CloseSerializer(serializers.Serializer[Any]):
    on = serializers.DateField()


class HomesSerializer(serializers.Serializer[Any]):
    """Give members a home store; null takes it away."""

    members = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=10_000)
    store = serializers.CharField(max_length=40, allow_null=True)


class ChangedSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField()


class StoreViewSet(PoolViewSet):
    """Stores of the pool."""

    permissions: ClassVar[dict[str, str]] = {"read": "stores.view", "write": "stores.edit"}
    serializer_class = StoreSerializer
    queryset = Store.objects.none()
    lookup_value_regex = r"\d+"
    ordering = "id"

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(Store.objects.filter(pool=self.pool).select_related("manager"))
        return self.get_paginated_response(StoreSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(StoreSerializer(queries.store_of(self.pool, int(pk))).data)

    def create(self, request: Request) -> Response:
        return Response(self._save(request, None), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._save(request, queries.store_of(self.pool, int(pk))))

    def _save(self, request: Request, store: Store | None) -> Any:
        given = StoreSerializer(store, data=request.data, partial=store is not None)
        given.is_valid(raise_exception=True)
        facts = dict(given.validated_data)
        if "manager" in facts:
            facts["manager_id"] = self._manager(facts.pop("manager"))
        saved = services.save_store(pool=self.pool, store=store, facts=facts, actor=request.user, as_of=clock.now())
        return StoreSerializer(saved).data

    def _manager(self, said: Any) -> int | None:
        name = said.get("username") if isinstance(said, dict) else None
        if not name:
            return None
        found = next((row for row in team.colleagues(self.pool) if row.user.username == name), None)
        if found is None:
            raise Problem("store.no_such_manager", f"nobody here is called {name}", {"manager": ["unknown"]})
        return found.pk

    @extend_schema(request=CloseSerializer, responses=StoreSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        store = queries.store_of(self.pool, int(pk))
        given = CloseSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(
            StoreSerializer(services.close_store(store=store, on=given.validated_data["on"], actor=request.user)).data
        )

    @extend_schema(request=HomesSerializer, responses=ChangedSerializer)
    @action(detail=False, methods=["post"])
    def homes(self, request: Request) -> Response:
        """Home stores of up to 10,000 members."""
        given = HomesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        code = given.validated_data["store"]
        store = get_object_or_404(Store, pool=self.pool, code=code) if code else None
        members = given.validated_data["members"]
        changed = services.set_home(pool=self.pool, members=members, store=store, actor=request.user, as_of=clock.now())
        return Response({"changed": len(changed)})


def routes(router: SimpleRouter) -> None:
    router.register("stores", StoreViewSet, basename="store")
