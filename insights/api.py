"""Figures over the API: the same catalogue and charts as the pages."""

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from insights import catalog, pool
from insights.models import Figure
from insights.period import asked
from scrm.lib import clock
from scrm.lib.charts import CHARTS
from scrm.staff.api import PoolViewSet
from scrm.staff.permissions import may

PERIOD = [
    OpenApiParameter("days", int, description="the last n days"),
    OpenApiParameter("since", str, description="first day, ISO"),
    OpenApiParameter("until", str, description="last day, ISO"),
]


class ReadingSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(source="metric.key")
    label = serializers.CharField(source="metric.label")  # type: ignore[assignment]
    definition = serializers.CharField(source="metric.definition")
    unit = serializers.CharField(source="metric.unit")
    value = serializers.FloatField(allow_null=True)
    before = serializers.FloatField(allow_null=True)
    change = serializers.FloatField(allow_null=True)
    series = serializers.ListField(child=serializers.FloatField())


class MetricViewSet(PoolViewSet):
    """The metric catalogue, read for a period."""

    permissions: ClassVar[dict[str, str]] = {"read": "insights.view"}
    serializer_class = ReadingSerializer
    queryset = Figure.objects.none()
    lookup_value_regex = r"[a-z_]+"

    @extend_schema(parameters=PERIOD, responses=ReadingSerializer(many=True))
    def list(self, request: Request) -> Response:
        period = asked(request._request, clock.now())
        return Response(ReadingSerializer([catalog.read(key, period) for key in catalog.metrics], many=True).data)

    @extend_schema(parameters=PERIOD)
    def retrieve(self, request: Request, pk: str) -> Response:
        if pk not in catalog.metrics:
            raise Http404(pk)
        return Response(ReadingSerializer(catalog.read(pk, asked(request._request, clock.now()))).data)


class ChartSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    note = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField())


class ChartViewSet(PoolViewSet):
    """Every chart's rows, as its table shows them."""

    permissions: ClassVar[dict[str, str]] = {"read": "insights.view"}
    serializer_class = ChartSerializer
    queryset = Figure.objects.none()
    lookup_value_regex = r"[a-z_]+"

    @action(detail=False)
    def names(self, request: Request) -> Response:
        return Response(sorted(CHARTS))

    @extend_schema(parameters=PERIOD)
    def retrieve(self, request: Request, pk: str) -> Response:
        if pk not in CHARTS:
            raise Http404(pk)
        if not may(self.role, CHARTS[pk].permission):
            raise PermissionDenied(CHARTS[pk].permission)
        made = CHARTS[pk].build(request._request)
        shown = {"title": made.title, "note": made.note, "columns": [str(head.label) for head in made.heads], "rows": made.rows}
        return Response(ChartSerializer(shown).data)


class PoolFiguresViewSet(PoolViewSet):
    """How the pool stands: totals, reach, identities and their overlaps, sources, targets."""

    permissions: ClassVar[dict[str, str]] = {"read": "insights.view"}
    serializer_class = ChartSerializer
    queryset = Figure.objects.none()

    @extend_schema(parameters=PERIOD, responses=OpenApiTypes.OBJECT)
    def list(self, request: Request) -> Response:
        """Counts of members; `since_morning` are their changes since the day began; money in minor units."""
        now, period = clock.now(), asked(request._request, clock.now())
        stands = pool.standing(self.pool, now)
        overlaps = pool.overlaps(self.pool, stands)
        pairs = [cell for row, cells in enumerate(overlaps.pairs) for cell in cells[row + 1 :] if cell]
        said = {
            "as_of": stands.at,
            "counts": stands.counts,
            "since_morning": {name: stands.change(name) for name in pool.SNAPSHOT},
            "reachable": {row["carrier"]: row["members"] for row in pool.reachable(self.pool, now)[0]},
            "identities": {bar.label: bar.members for bar in overlaps.kinds},
            "overlaps": {bar.label: bar.members for bar in pairs},
            "without_identity": overlaps.nobody.members,
            "sources": [
                {"name": bar.label, "members": bar.members, "joined": joined} for bar, joined in pool.sources(period, stands)
            ],
            "targets": {aim.name: {"now": aim.now, "target": aim.target} for aim in pool.aims(self.pool, stands, now)},
            "open_reviews": pool.open_reviews(self.pool),
        }
        return Response(said)


def routes(router: SimpleRouter) -> None:
    router.register("insights/pool", PoolFiguresViewSet, basename="pool-figures")
    router.register("insights/metrics", MetricViewSet, basename="metric")
    router.register("insights/charts", ChartViewSet, basename="chart")
