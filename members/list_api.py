"""The member list for programs beside its rows: what it can be narrowed by, and saved views."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members import columns, facets, listing, saved
from members.models import SavedView
from scrm.staff.api import PoolViewSet


class ViewSerializer(serializers.ModelSerializer[SavedView]):
    is_own = serializers.SerializerMethodField()

    class Meta:
        model = SavedView
        fields = ["id", "name", "query", "columns", "is_dense", "is_shared", "is_own"]

    def get_is_own(self, view: SavedView) -> bool:
        return bool(view.owner_id == self.context["user"].pk)


class GivenView(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)
    query = serializers.CharField(max_length=1000, allow_blank=True, required=False)
    columns = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    is_dense = serializers.BooleanField(required=False)
    is_shared = serializers.BooleanField(required=False)


class MemberViewViewSet(PoolViewSet):
    """Saved views: one's own and the shared ones. Only one's own can be changed."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "members.view"}
    serializer_class = ViewSerializer
    queryset = SavedView.objects.none()
    lookup_value_regex = r"\d+"
    ordering = "id"

    def get_queryset(self) -> QuerySet[SavedView]:
        if not hasattr(self.request, "_request"):
            return SavedView.objects.none()
        return saved.visible(self.pool, self.request.user)  # type: ignore[arg-type]

    def _shown(self, view: SavedView) -> Any:
        return ViewSerializer(view, context={"user": self.request.user}).data

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([self._shown(view) for view in page or []])

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self._shown(get_object_or_404(self.get_queryset(), pk=pk)))

    @extend_schema(request=GivenView, responses=ViewSerializer)
    def create(self, request: Request) -> Response:
        """The name of another of one's own replaces that."""
        given = GivenView(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(self._save(given.validated_data, None), status=201)

    @extend_schema(request=GivenView, responses=ViewSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        view = get_object_or_404(self.get_queryset(), pk=pk)
        given = GivenView(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return Response(self._save(given.validated_data, view))

    def _save(self, given: dict[str, Any], view: SavedView | None) -> Any:
        known = columns.known(self.pool, self.role)
        wanted = given.get("columns", view.columns if view else [])
        kept = saved.Layout(tuple(key for key in wanted if key in known), given.get("is_dense", view.is_dense if view else False))
        made = saved.save_view(
            pool=self.pool,
            user=self.request.user,  # type: ignore[arg-type]
            name=given.get("name", view.name if view else ""),
            query=given.get("query", view.query if view else ""),
            is_shared=given.get("is_shared", view.is_shared if view else False),
            layout=kept,
            view=view,
        )
        return self._shown(made)

    def destroy(self, request: Request, pk: str) -> Response:
        view = get_object_or_404(self.get_queryset(), pk=pk)
        saved.delete_view(view=view, user=request.user)  # type: ignore[arg-type]
        return Response(status=204)

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def first(self, request: Request, pk: str) -> Response:
        """Open this one first."""
        view = get_object_or_404(self.get_queryset(), pk=pk)
        saved.choose_default(pool=self.pool, user=request.user, view=view)  # type: ignore[arg-type]
        return Response({"first": view.pk})


class MemberFilterViewSet(PoolViewSet):
    """What `GET /api/members/` can be narrowed and sorted by in this pool."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "members.view"}
    serializer_class = serializers.Serializer

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def list(self, request: Request) -> Response:
        """Every filter with its keys and, where there are choices, its values; every order; every column of the list."""
        found = facets.facets(self.pool)
        return Response(
            {
                "filters": [self._filter(facet) for facet in found],
                "sorts": sorted(listing.SORTS),
                "columns": [
                    {"key": key, "label": str(column.label)} for key, column in columns.known(self.pool, self.role).items()
                ],
            }
        )

    def _filter(self, facet: Any) -> dict[str, Any]:
        told = {"keys": list(facet.keys), "label": str(facet.label), "kind": facet.control or "set", "group": facet.group}
        if facet.control == "choice":
            told["values"] = [{"value": str(value), "label": str(label)} for value, label in facet.options(self.pool)]
        if facet.control == "range":
            told["unit"] = facet.unit
        return told

    @extend_schema(parameters=[OpenApiParameter("q", OpenApiTypes.STR)], responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["get"])
    def count(self, request: Request) -> Response:
        """How many members a query of the list finds, exactly."""
        asked = listing.ask(request.query_params, self.pool)
        asked.refuse_wrong()
        return Response({"count": asked.count()})


def routes(router: SimpleRouter) -> None:
    """Saved views and what can be asked for."""
    router.register("member-views", MemberViewViewSet, basename="member-view")
    router.register("member-filters", MemberFilterViewSet, basename="member-filter")
