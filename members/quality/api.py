"""Data quality over the API."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.models import Channel
from members.quality import behind, queries, services
from scrm.lib import clock
from scrm.staff.api import PoolViewSet


class FigureSerializer(serializers.Serializer[Any]):
    """`filter` is what `GET /api/members/?quality=` takes for the members behind it."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    members = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    filter = serializers.CharField()


class SourceSerializer(serializers.Serializer[Any]):
    """Counts of members; `source` is a channel's number, 0 the whole pool, -1 no channel."""

    source = serializers.IntegerField()  # type: ignore[assignment]
    name = serializers.CharField()
    members = serializers.IntegerField()
    figures = FigureSerializer(many=True)
    refused = serializers.DictField(child=serializers.IntegerField())


class QualityViewSet(PoolViewSet):
    """Coverage, invalid, duplicate, stale and contradictory data per source, as last counted."""

    permissions: ClassVar[dict[str, str]] = {"read": "insights.view", "write": "quality.count"}
    serializer_class = SourceSerializer
    queryset = Channel.objects.none()
    lookup_value_regex = r"-?\d+"
    lookup_url_kwarg = "source"

    def list(self, request: Request) -> Response:
        """All sources; `as_of` is when they were counted, null when they never were."""
        refused = queries.refusals(self.pool, clock.now())
        rows = [self._source(source, counts, refused) for source, counts in sorted(queries.latest(self.pool).items())]
        return Response({"as_of": queries.counted_at(self.pool), "results": rows})

    def _source(self, source: int, counts: dict[str, int], refused: Mapping[int, Sequence[queries.Refusal]]) -> dict[str, Any]:
        lines = [line for found in queries.sections(self.pool, source).values() for line in found]
        figures = [
            {
                "name": line.name,
                "label": line.label,
                "members": line.members,
                "share": line.share,
                "filter": behind.value(line.name, source),
            }
            for line in lines
        ]
        bad = [each for found in refused.values() for each in found] if source == 0 else refused.get(source, [])
        totals: dict[str, int] = {}
        for each in bad:
            totals[each.code] = totals.get(each.code, 0) + each.n
        name, members = behind.source_name(source), counts["members"]
        return {"source": source, "name": name, "members": members, "figures": figures, "refused": totals}

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"])
    def count(self, request: Request) -> Response:
        """Count again; `job` is the job that does it."""
        return Response({"job": services.ask(pool=self.pool, actor=request.user).pk}, status=202)  # type: ignore[arg-type]

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def trend(self, request: Request, source: str) -> Response:
        """One figure (`name`) of a source per day, for ninety days."""
        name = request.query_params.get("name", "members")
        rows = queries.trend(self.pool, int(source[:5]), [name], clock.now())
        found = [{"day": row["day"], "members": row["members"], "value": row.get(name)} for row in rows]
        return Response({"results": found})


def routes(router: SimpleRouter) -> None:
    router.register("quality", QualityViewSet, basename="quality")
