"""A segment through time for programs: as of a date, moves, sizes, versions; and who is on a list."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from members.models import Member
from scrm.lib import clock
from segmentation.models import Segment, SegmentVersion
from segmentation.segments import history, queries, services, versions
from segmentation.segments.api import shapes
from segmentation.segments.api.paging import paged, whole
from segmentation.segments.lists import resolve

PAGED = [OpenApiParameter(name, OpenApiTypes.INT) for name in ("after", "limit")]
DAY = "a day (its end in the pool's zone) or an instant"


def _instant(request: Request, name: str, segment: Segment) -> Any:
    text = request.query_params.get(name, "")
    return history.needed(text, segment) if text else clock.now()


def _snapshot(found: history.Standing) -> dict[str, Any]:
    row = found.snapshot
    return {
        "asked": found.asked,
        "as_of": row.as_of if row else None,
        "until": found.until,
        "version": row.version if row else None,
        "size": found.size,
    }


class ThroughTime:
    """Mixed into the viewset of segments."""

    _one: Any
    _said: Any
    _shown: Any
    pool: Any
    get_serializer_context: Any

    @extend_schema(parameters=[OpenApiParameter("on", OpenApiTypes.STR, description=DAY), *PAGED], responses=shapes.AT)
    @action(detail=True, pagination_class=None)
    def at(self, request: Request, pk: int) -> Response:
        """Who was in it then, and which snapshot says so; now unless `?on=` names a day."""
        segment = self._one()
        found = history.standing(segment, _instant(request, "on", segment))
        return Response({"snapshot": _snapshot(found), **paged(request, found.ids)})

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.STR, description=DAY),
            OpenApiParameter("to", OpenApiTypes.STR, description=DAY),
            OpenApiParameter("way", OpenApiTypes.STR, enum=history.WAYS, description="whose ids to list"),
            *PAGED,
        ],
        responses=shapes.MOVES,
    )
    @action(detail=True, pagination_class=None)
    def moves(self, request: Request, pk: int) -> Response:
        """How many entered, left and stayed between two days, and the ids of one of them."""
        segment = self._one()
        if not request.query_params.get("from"):
            raise ValidationError({"from": [_("请给出起始日期")]})
        found = history.moves(segment, _instant(request, "from", segment), _instant(request, "to", segment))
        counts = {way: len(found.of(way)) for way in history.WAYS}
        ids = paged(request, found.of(request.query_params.get("way", "entered")))
        return Response({"before": _snapshot(found.before), "after": _snapshot(found.after), **counts, **ids})

    @extend_schema(responses=shapes.SIZE)
    @action(detail=True, pagination_class=None)
    def sizes(self, request: Request, pk: int) -> Response:
        """How large it was each time somebody moved."""
        return Response([{"as_of": at, "size": size} for at, size in history.sizes(self._one())])

    @extend_schema(parameters=[OpenApiParameter("member", OpenApiTypes.STR, required=True)], responses=shapes.WHY)
    @action(detail=True, pagination_class=None)
    def why(self, request: Request, pk: int) -> Response:
        """Why a member is in or is not: each condition with the member's value; and when they were in it."""
        segment, text = self._one(), request.query_params.get("member", "")
        ids = resolve(self.pool, text).ids
        member = Member.objects.filter(pool=self.pool, pk=ids[0]).first() if ids else None
        if member is None:
            raise NotFound(_("没有这位会员"))
        rule = versions.current(segment).rule
        told = queries.why(segment, rule, member.pk, clock.now())
        reasons = [
            {name: getattr(each, name) for name in ("path", "holds", "sentence", "value", "wanted")} for each in told["reasons"]
        ]
        periods = history.periods_of(segment, member.pk)
        return Response({"inside": told["inside"], "holds": told["holds"], "reasons": reasons, "periods": periods})

    # -- Versions --------------------------------------------------------------------------------
    @extend_schema(responses=shapes.VersionOut(many=True))
    @action(detail=True, pagination_class=None)
    def versions(self, request: Request, pk: int) -> Response:
        """The latest rules the segment had, the latest first."""
        found = [version.row for version in versions.versions(self._one())]
        return Response(shapes.VersionOut(found, many=True, context=self.get_serializer_context()).data)

    @extend_schema(parameters=[OpenApiParameter(name, OpenApiTypes.INT) for name in ("old", "new")], responses=shapes.DIFF)
    @action(detail=True, pagination_class=None)
    def diff(self, request: Request, pk: int) -> Response:
        """What changed between two versions, condition by condition; the last two unless others are named."""
        segment = self._one()
        pair = versions.pair(segment, whole(request, "old", 0), whole(request, "new", 0))
        if pair is None:
            raise NotFound(_("没有可以比较的两个版本"))
        lines = versions.difference(segment, *pair)
        told = [{name: getattr(line, name) for name in ("what", "depth", "before", "after")} for line in lines]
        return Response({"old": pair[0].n, "new": pair[1].n, "lines": told})

    @extend_schema(request=shapes.RollBackIn, responses=shapes.SegmentOut)
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, pk: int) -> Response:
        """The rule of an earlier version again, as a new version."""
        segment, n = self._one(), self._said(shapes.RollBackIn)["version"]
        get_object_or_404(SegmentVersion, segment=segment, n=n)
        return self._shown(services.roll_back(segment=segment, n=n, actor=request.user))  # type: ignore[arg-type, no-any-return]

    # -- Lists -----------------------------------------------------------------------------------
    @extend_schema(request=shapes.Named, responses=shapes.LISTED)
    @action(detail=True, methods=["post"])
    def add(self, request: Request, pk: int) -> Response:
        """Put members on a static list; those on it already stay as they are."""
        return self._listed(request, remove=False)

    @extend_schema(request=shapes.Named, responses=shapes.LISTED)
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: int) -> Response:
        """Take members off a static list."""
        return self._listed(request, remove=True)

    def _listed(self, request: Request, *, remove: bool) -> Response:
        segment = self._one()
        named = resolve(self.pool, "\n".join(self._said(shapes.Named)["members"]))
        who = {"actor": request.user, "as_of": clock.now()}
        made = services.edit_list(segment=segment, ids=named.ids, remove=remove, **who)  # type: ignore[arg-type]
        size = Segment.objects.values_list("size", flat=True).get(pk=segment.pk)
        told = {"unknown": named.unknown, "missing": named.missing, "size": size}
        return Response({"found": made.found, "changed": made.changed, **told})
