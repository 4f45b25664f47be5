"""Rules of tags and the gallery, under /api/."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from members.models import Tag, TagGroup
from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from segmentation.models import Segment, TagRule
from segmentation.tagging import fitting, queries, services
from segmentation.tagging.applying import ask_apply
from segmentation.tagging.gallery import recipes


class TagRuleSerializer(serializers.ModelSerializer[TagRule]):
    """What keeps a tag, and how its last run went."""

    name = serializers.CharField(source="tag.name")
    group = serializers.IntegerField(source="tag.group_id")
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = TagRule
        fields = [
            "id", "tag", "name", "group", "rule", "segment", "recipe", "cadence", "is_paused", "status", "error",
            "size", "gained", "lost", "as_of", "sentence", "job_id",
        ]  # fmt: skip

    def get_sentence(self, rule: TagRule) -> str:
        return queries.sentence(rule)


class GivenRule(serializers.Serializer[Any]):
    """A rule (as of segments) or a segment; `tag` gives it to a tag that is there."""

    tag = serializers.IntegerField(required=False, allow_null=True)
    group = serializers.IntegerField(required=False)
    name = serializers.CharField(max_length=40, required=False)
    rule = serializers.JSONField(required=False)
    segment = serializers.IntegerField(required=False, allow_null=True)
    cadence = serializers.ChoiceField(choices=TagRule.Cadence.choices, required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    valid_days = serializers.IntegerField(min_value=1, max_value=3650, required=False, allow_null=True)
    valid_until = serializers.DateField(required=False, allow_null=True)
    place = serializers.IntegerField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        given = ("rule" in data) + (data.get("segment") is not None)
        if given > 1 or not (given or self.partial):
            raise serializers.ValidationError({"rule": "either a rule or a segment"})
        if not self.partial and not data.get("tag") and not (data.get("name") and data.get("group")):
            raise serializers.ValidationError({"name": "a new tag needs a name and a group"})
        return data


class TagRuleViewSet(PoolViewSet):
    """Rules that keep tags."""

    permissions: ClassVar[dict[str, str]] = {"read": "segments.view", "write": "tags.edit"}
    serializer_class = TagRuleSerializer
    queryset = TagRule.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = "id"

    def get_queryset(self) -> QuerySet[TagRule]:
        return queries.rules(self.pool) if hasattr(self.request, "_request") else TagRule.objects.none()

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(TagRuleSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(TagRuleSerializer(self.get_object()).data)

    @extend_schema(request=GivenRule, responses=TagRuleSerializer)
    def create(self, request: Request) -> Response:
        """Keep a tag by a rule or a segment; it is applied by a job."""
        given = GivenRule(data=request.data)
        given.is_valid(raise_exception=True)
        said = dict(given.validated_data)
        tag = get_object_or_404(Tag, pool=self.pool, pk=said.pop("tag")) if said.get("tag") else None
        said.pop("tag", None)
        group = get_object_or_404(TagGroup, pool=self.pool, pk=said.pop("group", tag.group_id if tag else 0))
        there = {"name": tag.name, "note": tag.note} if tag else {}
        named = {**there, "group": group, "tag": tag, "actor": request.user}
        if segment := self._segment(said.pop("segment", None)):
            made = services.keep_by_segment(segment=segment, **(named | said))
        else:
            made = services.save_rule(pool=self.pool, **(named | said))
        return Response(TagRuleSerializer(self.get_queryset().get(pk=made.pk)).data, status=201)

    @extend_schema(request=GivenRule, responses=TagRuleSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another rule or segment for the tag; what is not said stays."""
        rule = self.get_object()
        given = GivenRule(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        said = {key: value for key, value in given.validated_data.items() if key not in ("tag", "group", "segment")}
        segment = self._segment(given.validated_data.get("segment")) or (None if "rule" in said else rule.segment)
        said = {"name": rule.tag.name, "note": rule.tag.note, "cadence": rule.cadence, **said}
        named = {"group": rule.tag.group, "tag": rule.tag, "actor": request.user}
        if segment:
            services.keep_by_segment(segment=segment, **named, **said)
        else:
            services.save_rule(pool=self.pool, recipe=rule.recipe, **named, **{"rule": rule.rule, **said})
        return Response(TagRuleSerializer(self.get_queryset().get(pk=rule.pk)).data)

    def _segment(self, number: int | None) -> Segment | None:
        mine = Segment.objects.filter(pool=self.pool).select_related("pool")
        return None if number is None else get_object_or_404(mine, pk=number)

    def destroy(self, request: Request, pk: str) -> Response:
        """Give the tag to people: who carries it keeps it."""
        services.stop(rule=self.get_object(), actor=request.user)
        return Response(status=204)

    @extend_schema(request=None, responses=TagRuleSerializer)
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: str) -> Response:
        """Bring the tag in line now, by a job."""
        ask_apply(rule=self.get_object(), actor=request.user)
        return Response(TagRuleSerializer(self.get_object()).data)

    @extend_schema(request=None, responses=TagRuleSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Leave the tag as it is until it is resumed."""
        services.set_paused(rule=self.get_object(), paused=True, actor=request.user)
        return Response(TagRuleSerializer(self.get_object()).data)

    @extend_schema(request=None, responses=TagRuleSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on keeping it."""
        services.set_paused(rule=self.get_object(), paused=False, actor=request.user)
        return Response(TagRuleSerializer(self.get_object()).data)


class RecipeViewSet(PoolViewSet):
    """Ready rules of tags, adapted to what the pool sells."""

    permissions: ClassVar[dict[str, str]] = {"read": "segments.view", "write": "tags.edit"}
    serializer_class = serializers.Serializer
    queryset = Tag.objects.none()
    lookup_value_regex = "[a-z0-9_]+"

    @extend_schema(operation_id="tag_recipes_list", responses=OpenApiTypes.OBJECT)
    def list(self, request: Request) -> Response:
        """Every recipe, whether it applies and why."""
        return Response([_told(found) for found in fitting.fits(self.pool)])

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One recipe with the sentence and size each of its tags would have now."""
        found = fitting.fit(self.pool, pk)
        counts = fitting.counts(self.pool, found, clock.now()) if found.applies else []
        tags = [{"name": name, "sentence": said, "members": n} for name, said, n in counts]
        return Response({**_told(found), "tags": tags})

    @extend_schema(request=None, responses=TagRuleSerializer(many=True))
    @action(detail=True, methods=["post"])
    def install(self, request: Request, pk: str) -> Response:
        """Make its tags; they are applied by jobs."""
        if pk not in recipes():
            fitting.fit(self.pool, pk)
        made = fitting.install(pool=self.pool, key=pk, actor=request.user, as_of=clock.now())
        rows = queries.rules(self.pool).filter(pk__in=[rule.pk for rule in made])
        return Response(TagRuleSerializer(rows, many=True).data, status=201)


def _told(found: fitting.Fit) -> dict[str, Any]:
    return {
        "key": found.recipe.key,
        "title": str(found.recipe.title),
        "pitch": str(found.recipe.pitch),
        "group": str(found.recipe.group),
        "exclusive": found.recipe.group.exclusive,
        "applies": found.applies,
        "reasons": found.reasons,
        "installed": [tag.pk for tag in found.installed],
    }


def routes(router: BaseRouter) -> None:
    """Rules of tags under /api/."""
    router.register("tag-rules", TagRuleViewSet, basename="tag-rule")
    router.register("tag-recipes", RecipeViewSet, basename="tag-recipe")
