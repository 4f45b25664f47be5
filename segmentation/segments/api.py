"""Segments for programs: rules as JSON in and out, live counts, members by keyset."""

from typing import Any, ClassVar

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from segmentation import evaluate, own
from segmentation.models import Segment, SegmentVersion
from segmentation.rules import catalog
from segmentation.segments import queries, services, usage

LIMIT, MOST = 1000, 10_000


class Rule(serializers.JSONField):
    """`{"all": […]}`, `{"any": […]}`, `{"not": {…}}` or `{"fact", "op", "value", "of", "window"}`; see `GET /segments/facts/`."""


class SegmentOut(serializers.ModelSerializer[Segment]):
    rule = serializers.SerializerMethodField()
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = Segment
        fields = [
            *("id", "name", "note", "kind", "version", "status", "error", "size", "as_of", "is_archived"),
            *("created_at", "updated_at", "rule", "sentence"),
        ]

    def _rule(self, segment: Segment) -> Any:
        return SegmentVersion.objects.values_list("rule", flat=True).get(segment_id=segment.pk, n=segment.version)

    def get_rule(self, segment: Segment) -> dict[str, Any]:
        return self._rule(segment) or {}

    def get_sentence(self, segment: Segment) -> str:
        return queries.sentence_of(self.context["pool"], self._rule(segment))


class SegmentIn(serializers.Serializer[Any]):
    """A live segment or a snapshot has a rule; a list has `members`: ids, phones, e-mails or card numbers."""

    name = serializers.CharField(max_length=80)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    kind = serializers.ChoiceField(choices=Segment.Kind.choices, default=Segment.Kind.LIVE)
    rule = Rule(required=False)
    members = serializers.ListField(child=serializers.CharField(max_length=120), required=False, max_length=100_000)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        wanted = "members" if data["kind"] == Segment.Kind.LIST else "rule"
        if wanted not in data:
            raise ValidationError({wanted: serializers.Field.default_error_messages["required"]})
        return data


class SegmentChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    rule = Rule(required=False)


class CountIn(serializers.Serializer[Any]):
    rule = Rule()


class NodeOut(serializers.Serializer[Any]):
    own = serializers.IntegerField(help_text="members that satisfy the node by itself")
    after = serializers.IntegerField(help_text="members left once it is applied, in the order of the rule")


class CountOut(serializers.Serializer[Any]):
    size = serializers.IntegerField()
    total = serializers.IntegerField()
    share = serializers.FloatField()
    per_node = serializers.DictField(child=NodeOut(), help_text="JSON path → counts")
    sentence = serializers.CharField()
    ms = serializers.FloatField()
    from_cache = serializers.BooleanField()
    sample = serializers.ListField(child=serializers.IntegerField())
    as_of = serializers.DateTimeField()


class VersionOut(serializers.ModelSerializer[SegmentVersion]):
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = SegmentVersion
        fields = ["n", "rule", "created_at", "actor", "sentence"]

    def get_sentence(self, version: SegmentVersion) -> str:
        return queries.sentence_of(self.context["pool"], version.rule)


FACT = inline_serializer(
    "Fact",
    {
        "key": serializers.CharField(),
        "label": serializers.DictField(),
        "group": serializers.DictField(),
        "kind": serializers.CharField(),
        "operators": serializers.ListField(child=serializers.CharField()),
        "unit": serializers.DictField(allow_null=True),
        "choices": serializers.ListField(child=serializers.DictField()),
        "source": serializers.CharField(),
        "of": serializers.DictField(allow_null=True),
        "window": serializers.BooleanField(),
        "domains": serializers.ListField(child=serializers.CharField()),
        "note": serializers.DictField(allow_null=True),
    },
    many=True,
)
MEMBERS = inline_serializer(
    "SegmentMembers",
    {
        "ids": serializers.ListField(child=serializers.IntegerField()),
        "next": serializers.IntegerField(allow_null=True, help_text="give it as `after` for the next page"),
        "size": serializers.IntegerField(),
    },
)
CHANGES = inline_serializer(
    "SegmentMoves",
    {"before": serializers.DateTimeField(), "after": serializers.DateTimeField(), "entered": serializers.IntegerField(),
     "left": serializers.IntegerField(), "stayed": serializers.IntegerField()},
)  # fmt: skip


class SegmentViewSet(PoolViewSet):
    """Segments of the token's pool. A rule that cannot be read is refused with the JSON path of every fault."""

    permissions: ClassVar[dict[str, str]] = {"read": "segments.view", "write": "segments.edit", "count": "segments.view"}
    serializer_class = SegmentOut
    queryset = Segment.objects.none()
    ordering = "-id"
    lookup_value_regex = r"\d+"

    def get_serializer_context(self) -> dict[str, Any]:
        return {
            **super().get_serializer_context(),
            "pool": getattr(self.request._request, "pool", None) if self.request else None,
        }

    def _one(self) -> Segment:
        return get_object_or_404(Segment.objects.select_related("pool"), pool=self.pool, pk=self.kwargs["pk"])

    def _shown(self, segment: Segment, code: int = status.HTTP_200_OK) -> Response:
        return Response(SegmentOut(segment, context=self.get_serializer_context()).data, status=code)

    @extend_schema(responses=SegmentOut(many=True))
    def list(self, request: Request) -> Response:
        """Segments of the pool; `?archived=1` for those put away, `?q=` by name."""
        found = queries.segments(
            self.pool, q=request.query_params.get("q", ""), archived=request.query_params.get("archived") == "1"
        )
        page = self.paginate_queryset(found)
        return self.get_paginated_response(SegmentOut(page, many=True, context=self.get_serializer_context()).data)

    @extend_schema(responses=SegmentOut)
    def retrieve(self, request: Request, pk: int) -> Response:
        """One segment with its rule and sentence."""
        return self._shown(self._one())

    @extend_schema(request=SegmentIn, responses={201: SegmentOut})
    def create(self, request: Request) -> Response:
        """A live segment (computed right after), a snapshot of a rule, or a static list."""
        form = SegmentIn(data=request.data)
        form.is_valid(raise_exception=True)
        data, now = form.validated_data, clock.now()
        named = {"pool": self.pool, "name": data["name"], "note": data["note"], "actor": request.user}
        if data["kind"] == Segment.Kind.LIST:
            segment = services.save_list(text="\n".join(data["members"]), as_of=now, **named).segment
        elif data["kind"] == Segment.Kind.SNAPSHOT:
            tree = services.checked(self.pool, data["rule"])
            segment = services.fix(ids=evaluate.members_of(tree, self.pool, now), as_of=now, rule=data["rule"], **named)
        else:
            segment = services.save(rule=data["rule"], **named)
        return self._shown(segment, status.HTTP_201_CREATED)

    @extend_schema(request=SegmentChange, responses=SegmentOut)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Another name, or another rule: a new version."""
        segment, form = self._one(), SegmentChange(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        rule = data.get("rule") or evaluate.rule_of(segment)
        named = {"name": data.get("name", segment.name), "note": data.get("note", segment.note)}
        saved = services.save(pool=self.pool, segment=segment, rule=rule, actor=request.user, **named)
        return self._shown(saved)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Put away; refused with the list of users while something needs it."""
        services.archive(segment=self._one(), actor=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=CountIn, responses=CountOut)
    @action(detail=False, methods=["post"])
    def count(self, request: Request) -> Response:
        """How many members a rule selects now, and how many are left after each condition."""
        form = CountIn(data=request.data)
        form.is_valid(raise_exception=True)
        tree = services.checked(self.pool, form.validated_data["rule"])
        found = evaluate.count(self.pool, tree)
        data = {
            **{name: getattr(found, name) for name in ("size", "total", "share", "ms", "from_cache", "as_of")},
            "per_node": {path: {"own": node.own, "after": node.after} for path, node in found.per_node.items()},
            "sentence": queries.sentence(self.pool, tree),
            "sample": [member.pk for member in queries.sample(found.bitmap)],
        }
        return Response(CountOut(data).data)

    @extend_schema(responses=FACT)
    @action(detail=False, pagination_class=None)
    def facts(self, request: Request) -> Response:
        """Everything a rule can ask, the pool's own fields included: labels, operators, choices, units."""
        return Response([catalog.as_json(fact) for fact in (*catalog.facts().values(), *own.facts(self.pool))])

    @extend_schema(
        parameters=[OpenApiParameter("after", OpenApiTypes.INT), OpenApiParameter("limit", OpenApiTypes.INT)], responses=MEMBERS
    )
    @action(detail=True, pagination_class=None)
    def members(self, request: Request, pk: int) -> Response:
        """Ids of the members in rising order: give `next` as `after` until it is null."""
        segment = self._one()
        after, limit = _whole(request, "after", -1), min(_whole(request, "limit", LIMIT), MOST)
        found = queries.members_now(segment, clock.now())
        ids = queries.page(found, after, limit)
        return Response({"ids": ids, "next": ids[-1] if len(ids) == limit else None, "size": len(found)})

    @extend_schema(responses=VersionOut(many=True))
    @action(detail=True, pagination_class=None)
    def versions(self, request: Request, pk: int) -> Response:
        """All rules the segment ever had, the latest first."""
        found = [version for version, _said in queries.versions(self._one())]
        return Response(VersionOut(found, many=True, context=self.get_serializer_context()).data)

    @extend_schema(
        parameters=[OpenApiParameter("before", OpenApiTypes.INT), OpenApiParameter("after", OpenApiTypes.INT)], responses=CHANGES
    )
    @action(detail=True, pagination_class=None)
    def moves(self, request: Request, pk: int) -> Response:
        """How many entered and left between two snapshots, the last two unless others are named."""
        found = queries.compared(self._one(), _whole(request, "before", 0), _whole(request, "after", 0))
        if found is None:
            raise Http404
        counts = {"entered": len(found.entered), "left": len(found.left), "stayed": found.stayed}
        return Response({"before": found.before.as_of, "after": found.after.as_of, **counts})

    @extend_schema(request=None, responses={202: SegmentOut})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: int) -> Response:
        """Compute a live segment again; the answer carries its status, ask `GET` until it is ready."""
        segment = self._one()
        if segment.kind == Segment.Kind.LIVE:
            services.ask_refresh(segment=segment, actor=request.user)
        return self._shown(segment, status.HTTP_202_ACCEPTED)

    @extend_schema(
        responses=inline_serializer("SegmentUse", {"kind": serializers.CharField(), "name": serializers.CharField()}, many=True)
    )
    @action(detail=True, pagination_class=None)
    def uses(self, request: Request, pk: int) -> Response:
        """What would miss the segment."""
        return Response([{"kind": str(use.kind), "name": use.name} for use in usage.uses(self._one())])


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise ValidationError({name: ["A whole number is expected."]}) from None


def routes(router: BaseRouter) -> None:
    """Announce this app's endpoints."""
    router.register("segments", SegmentViewSet, basename="segment")
