"""Notes and tasks over the API."""

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members import queries as people
from members.care import queries, services
from members.models import CareTask, Member, Note, PoolAccess
from scrm.lib import clock
from scrm.staff.api import PoolViewSet


class NoteSerializer(serializers.ModelSerializer[Note]):
    member = serializers.IntegerField(source="member_id")
    by = serializers.CharField(source="by.username", read_only=True, default=None)

    class Meta:
        model = Note
        fields = ["id", "member", "text", "is_pinned", "by", "at", "edited_at"]
        read_only_fields = ["id", "at", "edited_at"]


class TaskSerializer(serializers.ModelSerializer[CareTask]):
    """`assignee` is a user name of the pool."""

    member = serializers.IntegerField(source="member_id")
    assignee = serializers.CharField(source="assignee.username", default=None)
    by = serializers.CharField(source="by.username", read_only=True, default=None)

    class Meta:
        model = CareTask
        fields = ["id", "member", "text", "assignee", "due_on", "by", "at", "done_at", "outcome"]
        read_only_fields = ["id", "at", "done_at", "outcome"]


class OutcomeSerializer(serializers.Serializer[Any]):
    outcome = serializers.CharField(max_length=300, default="", allow_blank=True)


class CareViewSet(PoolViewSet):
    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "members.note"}
    lookup_value_regex = r"\d+"
    ordering: Any = ("-at", "-id")


class NoteViewSet(CareViewSet):
    """What was written down about members."""

    serializer_class = NoteSerializer
    queryset = Member.objects.none()  # the description of the API knows no keys of two columns

    @extend_schema(parameters=[OpenApiParameter("member", int)])
    def list(self, request: Request) -> Response:
        """The pool's notes, newest first, or one member's."""
        found = Note.objects.filter(member__pool=self.pool).select_related("by")
        if (member := request.query_params.get("member", "")).isdecimal():
            found = found.filter(member_id=int(member))
        return self.get_paginated_response(NoteSerializer(self.paginate_queryset(found), many=True).data)

    def create(self, request: Request) -> Response:
        given = NoteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        member = people.member_of(self.pool, given.validated_data.pop("member_id"))
        note = services.write_note(member=member, **given.validated_data, actor=request.user, as_of=clock.now())
        return Response(NoteSerializer(note).data, status=201)

    def destroy(self, request: Request, pk: str) -> Response:
        note = get_object_or_404(Note.objects.select_related("member"), member__pool=self.pool, id=int(pk))
        services.remove_note(note=note, actor=request.user)
        return Response(status=204)


class TaskViewSet(CareViewSet):
    """What colleagues are to do for members."""

    serializer_class = TaskSerializer
    queryset = Member.objects.none()

    @extend_schema(parameters=[OpenApiParameter("member", int), OpenApiParameter("done", bool)])
    def list(self, request: Request) -> Response:
        """Open tasks of the pool, or those that are done."""
        is_done = request.query_params.get("done") in ("1", "true")
        found = CareTask.objects.filter(pool=self.pool, done_at__isnull=not is_done).select_related("assignee", "by")
        if (member := request.query_params.get("member", "")).isdecimal():
            found = found.filter(member_id=int(member))
        return self.get_paginated_response(TaskSerializer(self.paginate_queryset(found), many=True).data)

    def create(self, request: Request) -> Response:
        given = TaskSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        name = (said.pop("assignee", None) or {}).get("username")
        access = get_object_or_404(PoolAccess.objects.select_related("user"), pool=self.pool, user__username=name)
        member = people.member_of(self.pool, said.pop("member_id"))
        task = services.give_task(member=member, assignee=access.user, **said, actor=request.user, as_of=clock.now())
        return Response(TaskSerializer(task).data, status=201)

    @extend_schema(request=OutcomeSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def done(self, request: Request, pk: str) -> Response:
        """It is done; a repeat changes nothing."""
        given = OutcomeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        task = queries.task_of(self.pool, int(pk))
        task = services.finish_task(task=task, **given.validated_data, actor=request.user, as_of=clock.now())
        return Response(TaskSerializer(task).data)


def routes(router: SimpleRouter) -> None:
    router.register("notes", NoteViewSet, basename="note")
    router.register("tasks", TaskViewSet, basename="task")
