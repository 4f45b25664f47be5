"""Portraits for programs: mixed into the endpoint of segments."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from scrm.lib import clock
from segmentation.models import Segment
from segmentation.portraits import queries, services, shown
from segmentation.portraits.queries import Portrait, Trait, View


class AgainstOut(serializers.Serializer[Any]):
    """A trait in a segment against the pool; `tgi` is 100 where the shares are the same, `low` and `high` are 95 % limits."""

    members = serializers.IntegerField()
    share = serializers.FloatField()
    tgi = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    effect = serializers.FloatField(help_text="Cohen's h: .2 is small, .5 medium, .8 large.")
    verdict = serializers.SerializerMethodField(help_text="more, less, same (the interval includes 100) or few (members).")

    def get_verdict(self, found: Any) -> str:
        return shown.verdict(found)


class BetweenOut(serializers.Serializer[Any]):
    """The first segment's share against the other's: `index` is 100 where they are the same."""

    index = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    effect = serializers.FloatField()
    verdict = serializers.SerializerMethodField()

    def get_verdict(self, found: Any) -> str:
        return shown.verdict(found)


class TraitOut(serializers.Serializer[Any]):
    dimension = serializers.CharField()
    group = serializers.CharField()
    title = serializers.CharField(help_text="Of the dimension.")
    value = serializers.JSONField(allow_null=True, help_text="A choice, [from, before] of numbers, null for whoever has none.")
    name = serializers.CharField(help_text="Of the value.")
    pool_members = serializers.IntegerField()
    pool_share = serializers.FloatField()
    figure = AgainstOut()
    other = AgainstOut(allow_null=True)
    between = BetweenOut(allow_null=True)
    asked = serializers.BooleanField(help_text="The segment's own rule asks for it; such traits are not among the top.")
    rule = serializers.JSONField(allow_null=True, help_text="The condition that selects it.")


class PortraitOut(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="Null while there is nothing to show: ask again when the job is done."
    )
    size = serializers.IntegerField()
    total = serializers.IntegerField(help_text="Members of the pool.")
    other_size = serializers.IntegerField(allow_null=True)
    job = serializers.IntegerField(allow_null=True, help_text="The job that brings it up to date, while there is one.")
    top = TraitOut(many=True, help_text="What distinguishes the segment most, by effect, each of another dimension.")
    traits = TraitOut(many=True)


class JobOut(serializers.Serializer[Any]):
    job = serializers.IntegerField()


def _trait(line: tuple[View, Trait]) -> dict[str, Any]:
    view, trait = line
    figure = trait.figure
    said = {"dimension": view.about.key, "group": view.about.group, "title": view.label, "name": trait.label}
    numbers = {"pool_members": figure.pool_members, "pool_share": figure.pool_share}
    rest = {"value": trait.value, "asked": trait.asked, "rule": trait.rule, "other": trait.other, "between": trait.between}
    return {**said, **numbers, "figure": figure, **rest}


def _portrait(found: Portrait | None, group: str, job: int | None) -> dict[str, Any]:
    if found is None:
        return {"as_of": None, "size": 0, "total": 0, "other_size": None, "job": job, "top": [], "traits": []}
    views = [view for view in found.views if not group or view.about.group == group]
    return {
        "as_of": found.as_of,
        "size": found.size,
        "total": found.total,
        "other_size": found.other_size if found.other else None,
        "job": job,
        "top": [_trait(line) for line in found.top],
        "traits": [_trait(line) for line in queries.rows(found, views)],
    }


class Portraits:
    """Mixed into the viewset of segments."""

    _one: Any
    pool: Any

    @extend_schema(
        parameters=[
            OpenApiParameter("with", OpenApiTypes.INT, description="Another segment to compare with."),
            OpenApiParameter("group", OpenApiTypes.STR, description="Only the traits of one group: profile, orders, goods …"),
        ],
        responses=PortraitOut,
    )
    @action(detail=True, pagination_class=None)
    def portrait(self, request: Request, pk: int) -> Response:
        """What its members are like against the whole pool. A large pool is cut up by a job first."""
        segment, now = self._one(), clock.now()
        job = services.ready(pool=self.pool, as_of=now, actor=request.user)
        found = queries.portrait(segment, now, self._other(request)) if segment.as_of else None
        shape = _portrait(found, request.query_params.get("group", ""), job.pk if job else None)
        return Response(PortraitOut(shape).data)

    def _other(self, request: Request) -> Segment | None:
        text = request.query_params.get("with", "")
        if not text:
            return None
        if not text.isdecimal() or len(text) > 18:
            raise Http404
        return get_object_or_404(Segment.objects.select_related("pool"), pool=self.pool, pk=int(text))

    @extend_schema(request=None, responses={202: JobOut})
    @action(detail=True, methods=["post"], url_path="portrait/refresh")
    def portrait_refresh(self, request: Request, pk: int) -> Response:
        """Have the pool looked at again; the job to follow."""
        segment = self._one()
        job = services.ask(pool=segment.pool, actor=request.user)
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)
