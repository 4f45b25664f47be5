"""Tag groups, tags, who carries them, their history, merges and the report, under /api/."""

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

from members.models import Tag, TagChange, TagGroup, TagMerge
from members.tagging import groups, joining, marking, queries, services, usage
from members.tagging.report_api import Reports
from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from scrm.staff.models import User


class GroupSerializer(serializers.ModelSerializer[TagGroup]):
    """`owner` is a user name of the pool."""

    owner = serializers.CharField(source="owner.username", default=None, allow_null=True, required=False)

    class Meta:
        model = TagGroup
        fields = ["id", "name", "color", "is_exclusive", "owner", "place", "note"]


class TagSerializer(serializers.ModelSerializer[Tag]):
    """`valid_days` count from tagging (of a kept tag: from no longer matching), `valid_until` is the last day."""

    group = serializers.PrimaryKeyRelatedField(queryset=TagGroup.objects.all())
    valid_days = serializers.IntegerField(min_value=1, max_value=3650, allow_null=True, required=False)

    class Meta:
        model = Tag
        fields = ["id", "group", "name", "source", "place", "note", "valid_days", "valid_until"]
        read_only_fields = ["source"]
        validators: ClassVar[list[Any]] = []  # names are judged by the service, which knows what is retired


class TagIds(serializers.Serializer[Any]):
    members = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=10_000)


class ChangeSerializer(serializers.ModelSerializer[TagChange]):
    member = serializers.IntegerField(source="member_id")
    tag = serializers.IntegerField(source="tag_id")
    what = serializers.SerializerMethodField()
    how = serializers.SerializerMethodField()
    by = serializers.CharField(source="by.username", default=None)

    class Meta:
        model = TagChange
        fields = ["id", "member", "tag", "what", "how", "at", "by", "ref"]

    def get_what(self, row: TagChange) -> str:
        return TagChange.What(row.what).name.lower()

    def get_how(self, row: TagChange) -> str:
        return TagChange.How(row.how).name.lower()


class TagMergeSerializer(serializers.ModelSerializer[TagMerge]):
    class Meta:
        model = TagMerge
        fields = ["id", "source", "target", "at", "done_at", "carriers", "moved", "rewritten", "undone_at", "job_id"]


class IntoSerializer(serializers.Serializer[Any]):
    into = serializers.IntegerField()


class TagGroupViewSet(PoolViewSet):
    """Groups of tags."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "tags.edit"}
    serializer_class = GroupSerializer
    queryset = TagGroup.objects.none()
    lookup_value_regex = r"\d+"
    ordering = "id"

    def get_queryset(self) -> QuerySet[TagGroup]:
        mine: QuerySet[TagGroup] = TagGroup.objects.filter(pool=self.pool) if self._asked else TagGroup.objects.none()
        return mine.select_related("owner")

    @property
    def _asked(self) -> bool:
        return hasattr(self.request, "_request")

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(GroupSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(GroupSerializer(self.get_object()).data)

    def create(self, request: Request) -> Response:
        return Response(self._save(request, None), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._save(request, self.get_object()))

    def _save(self, request: Request, group: TagGroup | None) -> dict[str, Any]:
        given = GroupSerializer(group, data=request.data, partial=group is not None)
        given.is_valid(raise_exception=True)
        said = dict(given.validated_data)
        facts: dict[str, Any] = {"name": "", "color": "blue", "is_exclusive": False, "owner": None, "place": 0, "note": ""}
        facts |= {name: getattr(group, name) for name in facts} if group else {}
        if "owner" in request.data:
            facts["owner"] = self._owner((said.pop("owner", None) or {}).get("username"))
        said.pop("owner", None)
        saved = groups.save_group(pool=self.pool, group=group, **{**facts, **said}, actor=request.user)
        return GroupSerializer(saved).data

    def _owner(self, name: str | None) -> User | None:
        return get_object_or_404(User, username=name, accesses__pool=self.pool) if name else None

    def destroy(self, request: Request, pk: str) -> Response:
        groups.delete_group(group=self.get_object(), actor=request.user, as_of=clock.now())
        return Response(status=204)

    @extend_schema(parameters=[OpenApiParameter("with", int, description="another group")], responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def overlap(self, request: Request, pk: str) -> Response:
        """How many members carry a tag of this group and one of another, pair by pair."""
        text = request.query_params.get("with", pk)
        number = int(text) if text.isdecimal() and len(text) < 19 else 0
        other = get_object_or_404(TagGroup, pool=self.pool, pk=number)
        found = queries.overlap(self.get_object(), other)
        rows = [
            {
                "tag": tag.pk,
                "carriers": n,
                "with": {column.pk: cell for column, (cell, _share) in zip(found.columns, cells, strict=True)},
            }
            for tag, n, cells in found.rows
        ]
        return Response({"first": found.first.pk, "second": found.second.pk, "rows": rows})


class TagViewSet(Reports, PoolViewSet):
    """Tags, tagging many members at once, and what tags are worth."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "tags.edit"}
    serializer_class = TagSerializer
    queryset = Tag.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = "id"

    def get_queryset(self) -> QuerySet[Tag]:
        return Tag.objects.filter(pool=self.pool) if hasattr(self.request, "_request") else Tag.objects.none()

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(TagSerializer(page, many=True).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def retrieve(self, request: Request, pk: str) -> Response:
        """A tag, how many carry it, and what names it."""
        tag = self.get_object()
        uses = [{"kind": str(use.kind), "name": use.name} for use in usage.uses(tag)]
        return Response({**TagSerializer(tag).data, "carriers": queries.size(tag), "uses": uses})

    def create(self, request: Request) -> Response:
        return Response(self._save(request, None), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._save(request, self.get_object()))

    def _save(self, request: Request, tag: Tag | None) -> dict[str, Any]:
        given = TagSerializer(tag, data=request.data, partial=tag is not None)
        given.is_valid(raise_exception=True)
        said = dict(given.validated_data)
        kept = ("name", "note", "place", "valid_days", "valid_until")
        facts = {name: getattr(tag, name) for name in kept} if tag else {}
        group = said.pop("group", tag.group if tag else None)
        group = get_object_or_404(TagGroup, pool=self.pool, pk=group.pk if group else 0)
        saved = services.save_tag(group=group, tag=tag, **{**facts, **said}, actor=request.user)
        return TagSerializer(saved).data

    def destroy(self, request: Request, pk: str) -> Response:
        services.delete_tag(tag=self.get_object(), actor=request.user, as_of=clock.now())
        return Response(status=204)

    @extend_schema(request=TagIds, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def add(self, request: Request, pk: str) -> Response:
        """Tag up to 10,000 members; how many did not carry it yet."""
        changed = marking.add_tag(tag=self.get_object(), members=_ids(request), actor=request.user, as_of=clock.now())
        return Response({"changed": len(changed)})

    @extend_schema(request=TagIds, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: str) -> Response:
        """Take it off up to 10,000 members; how many carried it."""
        changed = marking.remove_tag(tag=self.get_object(), members=_ids(request), actor=request.user, as_of=clock.now())
        return Response({"changed": len(changed)})

    @extend_schema(responses=ChangeSerializer(many=True))
    @action(detail=True, methods=["get"])
    def history(self, request: Request, pk: str) -> Response:
        """Who got the tag and who lost it, when, how and by whom; the newest first."""
        tag = self.get_object()
        self.ordering = ("-at", "-id")
        page = self.paginate_queryset(queries.changes(tag))
        return self.get_paginated_response(ChangeSerializer(page, many=True).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def sizes(self, request: Request, pk: str) -> Response:
        """How many carried it on each of the last ninety days."""
        points = queries.sizes(self.get_object(), clock.now())
        return Response([{"day": day.isoformat(), "carriers": n} for day, n in points])

    @extend_schema(request=IntoSerializer, responses=TagMergeSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """This tag goes into another one; by a job when many carry it (`done_at` is null until then)."""
        given = IntoSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        target = get_object_or_404(Tag, pool=self.pool, pk=given.validated_data["into"])
        made = joining.merge(source=self.get_object(), target=target, actor=request.user, as_of=clock.now())
        return Response(TagMergeSerializer(made).data, status=201)


class TagMergeViewSet(PoolViewSet):
    """Merges of tags; they can be taken back for a day."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "tags.edit"}
    serializer_class = TagMergeSerializer
    queryset = TagMerge.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("-at", "-id")

    def get_queryset(self) -> QuerySet[TagMerge]:
        return TagMerge.objects.filter(pool=self.pool) if hasattr(self.request, "_request") else TagMerge.objects.none()

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(TagMergeSerializer(page, many=True).data)

    @extend_schema(request=None, responses=TagMergeSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """The tag that went is there again, with those who carried it."""
        done = joining.ask_undo(merge=self.get_object(), actor=request.user, as_of=clock.now())
        return Response(TagMergeSerializer(done).data)


def _ids(request: Request) -> list[int]:
    given = TagIds(data=request.data)
    given.is_valid(raise_exception=True)
    ids: list[int] = given.validated_data["members"]
    return ids


def routes(router: SimpleRouter) -> None:
    """Everything about tags under /api/."""
    router.register("tag-groups", TagGroupViewSet, basename="tag-group")
    router.register("tag-merges", TagMergeViewSet, basename="tag-merge")
    router.register("tags", TagViewSet, basename="tag")
