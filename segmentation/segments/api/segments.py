"""Segments for programs: rules as JSON in and out, live counts, members by keyset, what segments share."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from scrm.lib import clock, formats
from scrm.staff.api import PoolViewSet
from segmentation import evaluate, own
from segmentation.choices import namer
from segmentation.models import Segment
from segmentation.portraits.api import Portraits
from segmentation.rules import catalog
from segmentation.segments import algebra, computing, queries, services, usage
from segmentation.segments.api import shapes
from segmentation.segments.api.paging import paged
from segmentation.segments.api.through_time import ThroughTime
from segmentation.segments.overlap import MOST, Together
from segmentation.standings import rules as standings


class SegmentViewSet(ThroughTime, Portraits, PoolViewSet):
    """Segments of the token's pool. A rule that cannot be read is refused with the JSON path of every fault."""

    permissions: ClassVar[dict[str, str]] = {"read": "segments.view", "write": "segments.edit", "count": "segments.view"}
    serializer_class = shapes.SegmentOut
    queryset = Segment.objects.none()
    ordering = "-id"
    lookup_value_regex = r"\d+"

    def get_serializer_context(self) -> dict[str, Any]:
        pool = getattr(self.request._request, "pool", None) if self.request else None
        return {**super().get_serializer_context(), "pool": pool, "names": namer(pool) if pool else None}

    def _one(self) -> Segment:
        return get_object_or_404(Segment.objects.select_related("pool"), pool=self.pool, pk=self.kwargs["pk"])

    def _shown(self, segment: Segment, code: int = status.HTTP_200_OK) -> Response:
        shown = queries.segments(self.pool, archived=None).get(pk=segment.pk)
        return Response(shapes.SegmentOut(shown, context=self.get_serializer_context()).data, status=code)

    def _said(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        form = shape(data=self.request.data)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    @extend_schema(
        responses=shapes.SegmentOut(many=True),
        parameters=[OpenApiParameter(name, OpenApiTypes.STR) for name in ("q", "kind", "status", "fact", "archived")],
    )
    def list(self, request: Request) -> Response:
        """Segments of the pool; `?archived=1` for those put away, `?q=` by name, `?kind=`, `?status=`, `?fact=` asked for."""
        asked = {name: request.query_params.get(name, "") for name in ("q", "kind", "status", "fact")}
        found = queries.segments(self.pool, archived=request.query_params.get("archived") == "1", **asked)
        page = self.paginate_queryset(found)
        return self.get_paginated_response(shapes.SegmentOut(page, many=True, context=self.get_serializer_context()).data)

    @extend_schema(responses=shapes.SegmentOut)
    def retrieve(self, request: Request, pk: int) -> Response:
        """One segment with its rule and sentence."""
        return self._shown(self._one())

    def _listed_new(self, made: services.ListMade) -> Response:
        """A new list, and what of what was given names nobody."""
        shown = self._shown(made.segment, status.HTTP_201_CREATED)
        shown.data |= {"unknown": made.unknown, "missing": made.missing}
        return shown

    @extend_schema(request=shapes.SegmentIn, responses={201: shapes.SegmentMade})
    def create(self, request: Request) -> Response:
        """A live segment (computed right after), a snapshot of a rule, or a static list (with what of it names nobody)."""
        data, now = self._said(shapes.SegmentIn), clock.now()
        named = {"pool": self.pool, "name": data["name"], "note": data["note"], "actor": request.user}
        if data["kind"] == Segment.Kind.LIST:
            return self._listed_new(services.save_list(text="\n".join(data["members"]), as_of=now, **named))
        elif data["kind"] == Segment.Kind.SNAPSHOT:
            tree = services.checked(self.pool, data["rule"])
            segment = services.fix(ids=evaluate.members_of(tree, self.pool, now), as_of=now, rule=data["rule"], **named)
        else:
            segment = services.save(rule=data["rule"], **named)
        return self._shown(segment, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.SegmentChange, responses=shapes.SegmentOut)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Another name, another cadence, or another rule: a new version."""
        segment, data = self._one(), self._said(shapes.SegmentChange)
        named = {"name": data.get("name", segment.name), "note": data.get("note", segment.note), "actor": request.user}
        with transaction.atomic():
            if "rule" in data:
                given = {"rule": data["rule"], "based_on": data.get("based_on")}
                segment = services.save(pool=self.pool, segment=segment, **given, **named)
            elif {"name", "note"} & set(data):
                segment = services.rename(segment=segment, **named)
            if {"cadence", "every", "daily_at"} & set(data):
                kept = {name: data.get(name, getattr(segment, name)) for name in ("cadence", "every", "daily_at")}
                services.set_cadence(segment=segment, actor=request.user, as_of=clock.now(), **kept)
        return self._shown(segment)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Put away; refused with the list of users while something needs it."""
        services.archive(segment=self._one(), actor=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=shapes.CountIn, responses=shapes.CountOut)
    @action(detail=False, methods=["post"])
    def count(self, request: Request) -> Response:
        """How many members a rule selects now, and how many are left after each condition."""
        tree = services.checked(self.pool, self._said(shapes.CountIn)["rule"])
        found = evaluate.count(self.pool, tree)
        data = {
            **{name: getattr(found, name) for name in ("size", "total", "share", "ms", "from_cache", "as_of")},
            "per_node": {path: {"own": node.own, "after": node.after} for path, node in found.per_node.items()},
            "sentence": queries.sentence(self.pool, tree),
            "sentences": {language: queries.sentence(self.pool, tree, language=language) for language in ("zh-hans", "en")},
            "sample": [member.pk for member in queries.sample(found.bitmap)],
        }
        return Response(shapes.CountOut(data).data)

    @extend_schema(responses=shapes.FACT)
    @action(detail=False, pagination_class=None)
    def facts(self, request: Request) -> Response:
        """Everything a rule can ask, the pool's own fields included: labels, operators, choices, units."""
        asked = (*catalog.facts().values(), *own.facts(self.pool), *standings.facts(self.pool))
        return Response([catalog.as_json(fact, formats.currency_sign()) for fact in asked])

    @extend_schema(
        parameters=[OpenApiParameter("after", OpenApiTypes.INT), OpenApiParameter("limit", OpenApiTypes.INT)],
        responses=shapes.MEMBERS,
    )
    @action(detail=True, pagination_class=None)
    def members(self, request: Request, pk: int) -> Response:
        """Ids of the members in rising order: give `next` as `after` until it is null."""
        found = queries.members_now(self._one(), clock.now())
        return Response({**paged(request, found), "size": len(found)})

    @extend_schema(request=None, responses={202: shapes.SegmentOut})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: int) -> Response:
        """Compute a live segment again; the answer carries its status, ask `GET` until it is ready."""
        segment = self._one()
        if segment.kind == Segment.Kind.LIVE:
            computing.ask_refresh(segment=segment, actor=request.user)
        return self._shown(segment, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=shapes.SegmentOut)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Stop computing; a running one stops at its next step, the figures of the last time stay."""
        segment = self._one()
        computing.cancel(segment=segment, actor=request.user)
        return self._shown(segment)

    @extend_schema(request=None, responses=shapes.SegmentOut)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: int) -> Response:
        """Bring back one that was put away."""
        segment = self._one()
        services.restore(segment=segment, actor=request.user)
        return self._shown(segment)

    @extend_schema(request=shapes.FreezeIn, responses={201: shapes.SegmentOut})
    @action(detail=True, methods=["post"])
    def freeze(self, request: Request, pk: int) -> Response:
        """A snapshot of its members now, as a segment of its own."""
        name = self._said(shapes.FreezeIn)["name"]
        made = services.freeze(segment=self._one(), name=name, actor=request.user, as_of=clock.now())
        return self._shown(made, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.CombineIn, responses={201: shapes.SegmentOut})
    @action(detail=False, methods=["post"])
    def combine(self, request: Request) -> Response:
        """A new segment of others: union, intersection, difference, or exactly one of them."""
        data = self._said(shapes.CombineIn)
        data["segments"] = _known(self.pool, data["segments"])
        made = algebra.combine(pool=self.pool, actor=request.user, as_of=clock.now(), **data)
        return self._shown(made, status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[OpenApiParameter("segments", OpenApiTypes.STR, description="ids with commas, two to five")],
        responses=shapes.OVERLAP,
    )
    @action(detail=False, pagination_class=None)
    def overlap(self, request: Request) -> Response:
        """What segments share: every pair, and every field of their Venn diagram; as they were last computed."""
        numbers = [int(text) for text in request.query_params.get("segments", "").split(",") if text.strip().isdecimal()]
        chosen = _known(self.pool, numbers)
        if not 2 <= len(chosen) <= MOST:
            raise ValidationError({"segments": [_("请选择 2 到 5 个不同的分群")]})
        return Response(overlap_of(Together.of(self.pool, chosen, clock.now())))

    @extend_schema(
        responses=inline_serializer("SegmentUse", {"kind": serializers.CharField(), "name": serializers.CharField()}, many=True)
    )
    @action(detail=True, pagination_class=None)
    def uses(self, request: Request, pk: int) -> Response:
        """What would miss the segment."""
        return Response([{"kind": str(use.kind), "name": use.name} for use in usage.uses(self._one())])


def _known(pool: Any, numbers: Sequence[int]) -> "list[Segment]":
    """The segments of these numbers in their order; 400 for one that is not there."""
    found = Segment.objects.filter(pool=pool).select_related("pool").in_bulk(list(dict.fromkeys(numbers)))
    if gone := [number for number in numbers if number not in found]:
        raise ValidationError({"segments": [_("没有这个分群：%(n)s") % {"n": gone[0]}]})
    return [found[number] for number in dict.fromkeys(numbers)]


def overlap_of(together: Together) -> dict[str, Any]:
    """As `GET /segments/overlap/` answers."""
    pairs = [pair for _row, _size, pairs in together.matrix for pair in pairs]
    return {
        "as_of": together.as_of,
        "total": together.total,
        "union": len(together.union),
        "pairs": shapes.PairOut(pairs, many=True).data,
        "regions": [
            {
                "inside": [segment.pk for segment in region.inside],
                "outside": [segment.pk for segment in region.outside],
                "size": region.size,
                "share": region.share,
            }
            for region in together.regions
        ],
    }
