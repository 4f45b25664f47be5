"""Pools over the API. A token belongs to one pool: it sees its user's pools, and changes its own."""

from datetime import date
from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.access import pools_of
from members.attributes.queries import WORTH
from members.models import Pool, PoolTarget
from members.pools import queries, services
from scrm.lib import clock
from scrm.staff.api import PoolViewSet


class PoolSerializer(serializers.ModelSerializer[Pool]):
    """`worth` is the key of the number that stands for a member's value; empty: what they spent."""

    worth = serializers.SerializerMethodField()

    class Meta:
        model = Pool
        fields = ["id", "name", "slug", "time_zone", "currency", "color", "worth", "is_archived", "created_at"]

    def get_worth(self, pool: Pool) -> str:
        return str(pool.settings.get(WORTH, ""))


class GivenPool(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    slug = serializers.CharField(max_length=40)
    time_zone = serializers.CharField(max_length=40, required=False)
    currency = serializers.CharField(max_length=3, required=False)
    color = serializers.CharField(max_length=10, required=False)


class ChangedPool(GivenPool):
    name = serializers.CharField(max_length=60, required=False)
    slug = serializers.CharField(max_length=40, required=False)
    worth = serializers.CharField(max_length=40, required=False, allow_blank=True)


class TargetSerializer(serializers.ModelSerializer[PoolTarget]):
    """`month` is its first day; money in minor units; null where nothing is aimed at."""

    members = serializers.IntegerField(min_value=0, allow_null=True, default=None)
    active = serializers.IntegerField(min_value=0, allow_null=True, default=None)
    revenue = serializers.IntegerField(min_value=0, allow_null=True, default=None)

    class Meta:
        model = PoolTarget
        fields = ["month", "members", "active", "revenue"]


class PoolsViewSet(PoolViewSet):
    """The pools of the token's user."""

    permissions: ClassVar[dict[str, str]] = {"read": "insights.view", "write": "pools.edit", "targets": "insights.view"}
    serializer_class = PoolSerializer
    queryset = Pool.objects.none()
    lookup_value_regex = r"\d+"

    def _own(self, pk: str) -> Pool:
        if int(pk) != self.pool.pk:
            raise Http404("a token changes its own pool")
        return Pool.objects.get(pk=self.pool.pk)

    def list(self, request: Request) -> Response:
        return Response({"results": PoolSerializer(pools_of(request.user), many=True).data})  # type: ignore[arg-type]

    @extend_schema(request=GivenPool, responses=PoolSerializer)
    def create(self, request: Request) -> Response:
        """A new pool that the token's user administers; make a token for it on its pages."""
        given = GivenPool(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.create_pool(actor=request.user, **given.validated_data)  # type: ignore[arg-type]
        return Response(PoolSerializer(made).data, status=201)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(PoolSerializer(self._own(pk)).data)

    @extend_schema(request=ChangedPool, responses=PoolSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another time zone has everything that counts days computed again."""
        given = ChangedPool(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(PoolSerializer(services.edit_pool(pool=self._own(pk), actor=request.user, **given.validated_data)).data)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """Nobody enters it any more, this token neither."""
        services.archive_pool(pool=self._own(pk), actor=request.user)  # type: ignore[arg-type]
        return Response(status=204)

    @extend_schema(responses=TargetSerializer(many=True))
    @action(detail=True, methods=["get"])
    def targets(self, request: Request, pk: str) -> Response:
        """Targets of this and the coming eleven months."""
        return self._targets(self._own(pk))

    def _targets(self, pool: Pool) -> Response:
        months: list[date] = queries.coming_months(clock.now().astimezone(pool.zone).date())
        rows = PoolTarget.objects.filter(pool=pool, month__in=months).order_by("month")
        return Response({"results": TargetSerializer(rows, many=True).data})

    @extend_schema(request=TargetSerializer(many=True), responses=TargetSerializer(many=True))
    @targets.mapping.put
    def set_targets(self, request: Request, pk: str) -> Response:
        """Set the targets of the months given; others stay."""
        pool = self._own(pk)
        given = TargetSerializer(data=request.data, many=True)
        given.is_valid(raise_exception=True)
        said = {row["month"]: services.Target(row["members"], row["active"], row["revenue"]) for row in given.validated_data}
        services.set_targets(pool=pool, targets=said, actor=request.user)
        return self._targets(pool)


def routes(router: SimpleRouter) -> None:
    router.register("pools", PoolsViewSet, basename="pool")
