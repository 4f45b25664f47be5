"""The report of tags under /api/tags/: coverage, tags that say the same, tags that do nothing."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from members.tagging import queries
from members.tagging.figures import likeness
from scrm.lib import clock


class CoveredTag(serializers.Serializer[Any]):
    """`latest` is when it was last given, `ending` how many lose it within a week."""

    tag = serializers.IntegerField(source="tag.pk")
    name = serializers.CharField(source="tag.name")
    carriers = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    latest = serializers.DateTimeField(allow_null=True)
    ending = serializers.IntegerField()


class CoveredGroup(serializers.Serializer[Any]):
    """`members` carry at least one tag of the group; `share` is of all members, null when there are none."""

    group = serializers.IntegerField(source="group.pk")
    name = serializers.CharField(source="group.name")
    members = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    tags = CoveredTag(source="rows", many=True)


class TagCoverage(serializers.Serializer[Any]):
    """`is_old`: tags changed since `as_of`, they are being counted anew."""

    as_of = serializers.DateTimeField()
    is_old = serializers.BooleanField()
    total = serializers.IntegerField()
    groups = CoveredGroup(source="shelves", many=True)


class AlikePair(serializers.Serializer[Any]):
    """`share` is `both` divided by the members with either."""

    first = serializers.IntegerField(source="first.pk")
    first_name = serializers.CharField(source="first.name")
    second = serializers.IntegerField(source="second.pk")
    second_name = serializers.CharField(source="second.name")
    both = serializers.IntegerField()
    share = serializers.FloatField()


class TagOverlap(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField()
    is_old = serializers.BooleanField()
    pairs = AlikePair(many=True)


class UnusedTag(serializers.Serializer[Any]):
    """`empty`: nobody carries it; `stale`: given to nobody for 90 days; `unnamed`: nothing uses it either."""

    tag = serializers.IntegerField(source="row.tag.pk")
    name = serializers.CharField(source="row.tag.name")
    group = serializers.IntegerField(source="group.pk")
    carriers = serializers.IntegerField(source="row.carriers")
    latest = serializers.DateTimeField(source="row.latest", allow_null=True)
    empty = serializers.BooleanField()
    stale = serializers.BooleanField()
    unnamed = serializers.BooleanField()


class Reports:
    """Mixed into the viewset of tags."""

    pool: Any

    @extend_schema(responses=TagCoverage)
    @action(detail=False, pagination_class=None)
    def coverage(self, request: Request) -> Response:
        """How many members each group and each tag covers."""
        return Response(TagCoverage(queries.library(self.pool, clock.now())).data)

    @extend_schema(responses=TagOverlap)
    @action(detail=False, pagination_class=None)
    def overlap(self, request: Request) -> Response:
        """The ten pairs of tags that sit on the same members most; two groups: `GET /tag-groups/{id}/overlap/?with=`."""
        now = clock.now()
        found = likeness(self.pool, now)
        data = {"as_of": found.as_of, "is_old": found.is_old, "pairs": queries.alike(self.pool, now)}
        return Response(TagOverlap(data).data)

    @extend_schema(responses=UnusedTag(many=True))
    @action(detail=False, pagination_class=None)
    def unused(self, request: Request) -> Response:
        """Tags nobody carries, or that were given to nobody for 90 days."""
        now = clock.now()
        return Response(UnusedTag(queries.idle(queries.library(self.pool, now).shelves, now), many=True).data)
