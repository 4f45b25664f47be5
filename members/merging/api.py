"""Merges over the API: what was joined and why, joining, what an undoing would ask, undoing."""

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

from members import queries as people
from members.merging import apart, forms, queries, work
from members.merging.services import FIELDS, Cause, merge_pairs
from members.merging.since import Told
from members.merging.undoing import Preview, preview, undo
from members.models import Merge, NotSame
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet

BATCH = 10_000
FILTERS = {
    "kind": "what proved it: phone, email … or none",
    "source": "import, page, api, review …",
    "actor": "number of a user",
    "state": "standing, undone, sealed",
    "q": "a member: number, name or identity",
    "since": "day",
    "until": "day",
}
PARAMETERS = [OpenApiParameter(name, OpenApiTypes.STR, description=text) for name, text in FILTERS.items()]


class MergeSerializer(serializers.ModelSerializer[Merge]):
    """One merge. `folded` says which fields of the winner it changed: [before, after]."""

    winner = serializers.IntegerField(source="winner_id")
    loser = serializers.IntegerField(source="loser_id")
    actor = serializers.CharField(source="actor.username", default=None)
    undone_by = serializers.CharField(source="undone_by.username", default=None)
    state = serializers.SerializerMethodField()

    class Meta:
        model = Merge
        fields = [
            "id", "winner", "loser", "cause_kind", "cause_hint", "source", "actor", "at", "moved", "folded", "state", "sealed",
            "undone_at", "undone_by", "undone",
        ]  # fmt: skip

    def get_state(self, row: Merge) -> str:
        return "undone" if row.undone_at else "sealed" if row.sealed or row.act is None else "standing"


class MergeRequest(serializers.Serializer[Any]):
    winner = serializers.IntegerField(min_value=1, max_value=2**32 - 1)
    loser = serializers.IntegerField(min_value=1, max_value=2**32 - 1)
    take = serializers.ListField(
        child=serializers.CharField(max_length=80),
        default=list,
        help_text=f"fields whose value is taken from the loser: {', '.join(FIELDS)}, attributes.<key>",
    )
    insist = serializers.BooleanField(default=False, help_text="merge although it was said that these are two people")


class PairsRequest(serializers.Serializer[Any]):
    pairs = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**32 - 1), min_length=2, max_length=2),
        min_length=1, max_length=BATCH, help_text="[winner, loser], …",
    )  # fmt: skip


class UndoRequest(serializers.Serializer[Any]):
    assignments = serializers.DictField(
        child=serializers.ChoiceField(["winner", "loser"]), default=dict, help_text="key of a row of the preview → whose it is"
    )
    choices = serializers.DictField(
        child=serializers.CharField(max_length=20), default=dict, help_text="question of the preview → option"
    )
    apart = serializers.BooleanField(default=True, help_text="never join these two again without a person")


class UndoManyRequest(serializers.Serializer[Any]):
    merges = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), min_length=1, max_length=BATCH
    )
    apart = serializers.BooleanField(default=True)


class ApartSerializer(serializers.ModelSerializer[NotSame]):
    """Two members who are two people; never joined but by a person."""

    first = serializers.IntegerField(source="first_id", min_value=1, max_value=2**32 - 1)
    second = serializers.IntegerField(source="second_id", min_value=1, max_value=2**32 - 1)
    by = serializers.CharField(source="by.username", read_only=True, default=None)

    class Meta:
        model = NotSame
        fields = ["id", "first", "second", "reason", "merge_id", "by", "at"]
        read_only_fields = ["id", "merge_id", "by", "at"]


class SinceSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    kind = serializers.CharField()
    text = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    goes_to = serializers.SerializerMethodField()
    verdict = serializers.CharField(help_text="channel, address, told; empty: nothing shows whose it is")

    def get_goes_to(self, row: Any) -> str:
        return "loser" if row.loser_id else "winner"


class UndoPreviewSerializer(serializers.Serializer[Any]):
    since = SinceSerializer(many=True)
    questions = serializers.ListField(child=serializers.DictField())
    again = serializers.ListField(child=serializers.IntegerField())
    refusal = serializers.DictField(allow_null=True)


class MergeViewSet(PoolViewSet):
    """Members found to be one person, newest first."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.merge", "write": "members.merge"}
    serializer_class = MergeSerializer
    queryset = Merge.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = "-id"

    def get_queryset(self) -> QuerySet[Merge]:
        if not hasattr(self.request, "_request"):
            return Merge.objects.none()
        return queries.merges(self.pool, forms.asked(self.request._request.GET))

    @extend_schema(parameters=PARAMETERS)
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(MergeSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(MergeSerializer(self._merge(pk)).data)

    def _merge(self, pk: str) -> Merge:
        found: Merge = get_object_or_404(
            Merge.objects.select_related("actor", "undone_by"), pool=self.pool, pk=int(pk) if len(pk) < 19 else 0
        )
        return found

    @extend_schema(request=MergeRequest, responses={201: MergeSerializer})
    def create(self, request: Request) -> Response:
        """Join two members; refused ("merge.apart") when it was said that they are two people, unless `insist`."""
        given = MergeRequest(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        winner, loser = (people.member_of(self.pool, said[side]) for side in ("winner", "loser"))
        joined = merge_pairs(
            pool_id=self.pool.pk,
            pairs=[(winner.pk, loser.pk)],
            cause=Cause("manual", source="api"),
            actor=request.user,
            as_of=clock.now(),
            choices=dict.fromkeys(said["take"], "loser"),
            insist=said["insist"],
        )
        if not joined:
            self._say_why(winner.pk, loser.pk)
        row = queries.history(winner.merged_into or winner.pk).first()
        return Response(MergeSerializer(row).data, status=201)

    def _say_why(self, winner: int, loser: int) -> None:
        if queries.said_apart(self.pool, winner, loser):
            raise Problem(
                "merge.apart", "these members are said to be two people; send insist to merge them", {"insist": ["required"]}
            )
        raise Problem("merge.nothing", "these members are one already", {"loser": [loser]})

    @extend_schema(request=PairsRequest, responses={202: OpenApiTypes.OBJECT})
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        """Join up to 10,000 pairs by a job; its number."""
        given = PairsRequest(data=request.data)
        given.is_valid(raise_exception=True)
        made = work.request_merge(pool=self.pool, pairs=given.validated_data["pairs"], actor=request.user, source="api")
        return Response({"job": made.pk}, status=202)

    @extend_schema(operation_id="merges_undo_many", request=UndoManyRequest, responses={202: OpenApiTypes.OBJECT})
    @action(detail=False, methods=["post"], url_path="undo")
    def undo_batch(self, request: Request) -> Response:
        """Undo up to 10,000 merges by a job; evidence decides about later rows, the rest stays with the winners."""
        given = UndoManyRequest(data=request.data)
        given.is_valid(raise_exception=True)
        made = work.request_undo(pool=self.pool, actor=request.user, **given.validated_data)
        return Response({"job": made.pk}, status=202)

    @extend_schema(responses=UndoPreviewSerializer)
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: str) -> Response:
        """What undoing would ask: rows that came since and whose they seem to be, questions, merges in the way."""
        return Response(_preview(preview(self._merge(pk), clock.now())))

    @extend_schema(request=UndoRequest, responses=MergeSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Part the two; a second time changes nothing."""
        row = self._merge(pk)
        given = UndoRequest(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        sides = {"winner": row.winner_id, "loser": row.loser_id}
        told = [each for key, side in said["assignments"].items() if (each := Told.parse(key, sides[side]))]
        more = {"choices": said["choices"], "apart": said["apart"], "source": "api"}
        undo(merge=row, actor=request.user, as_of=clock.now(), assignments=told, **more)
        return self.retrieve(request, pk)


def _preview(found: Preview) -> dict[str, Any]:
    refusal = {"code": found.refusal.code, "message": found.refusal.message} if found.refusal else None
    questions = [
        {"key": each.key, "text": each.text, "options": [value for value, _label in each.options], "default": each.default}
        for each in found.questions
    ]
    shown = {"since": found.since, "questions": questions, "again": [row.pk for row in found.again], "refusal": refusal}
    return dict(UndoPreviewSerializer(shown).data)


class ApartViewSet(PoolViewSet):
    """Pairs of members that are never joined but by a person."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.merge", "write": "members.merge"}
    serializer_class = ApartSerializer
    queryset = NotSame.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = "-id"

    def get_queryset(self) -> QuerySet[NotSame]:
        return queries.apart(self.pool) if hasattr(self.request, "_request") else NotSame.objects.none()

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ApartSerializer(page, many=True).data)

    def create(self, request: Request) -> Response:
        given = ApartSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        row = apart.say_apart(
            pool=self.pool,
            one=said["first_id"],
            two=said["second_id"],
            reason=said.get("reason", ""),
            actor=request.user,
            as_of=clock.now(),
        )
        return Response(ApartSerializer(row).data, status=201)

    def destroy(self, request: Request, pk: str) -> Response:
        apart.forget(row=self.get_object(), actor=request.user)
        return Response(status=204)


def routes(router: SimpleRouter) -> None:
    """Merging under /api/."""
    router.register("merges", MergeViewSet, basename="merge")
    router.register("not-same", ApartViewSet, basename="not-same")
