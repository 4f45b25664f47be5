"""Acts on many over the API: begin one, follow it, take it back."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.bulk import queries, services
from members.bulk.acts import Act, Asking, acts
from members.models import BulkAct
from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from scrm.staff.models import ApiToken
from scrm.staff.permissions import may

MOST = 100_000  # ids in one call; more are better asked for by a query


class GivenAct(serializers.Serializer[Any]):
    """What to do, to whom: `members` by id, or everybody a query string of the list asks for ("" is everybody)."""

    act = serializers.CharField(max_length=40)
    members = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**32 - 1), required=False, max_length=MOST
    )
    query = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    params = serializers.DictField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("members" in attrs) == ("query" in attrs):
            raise serializers.ValidationError({"members": "give either members or query"})
        return attrs


class BulkActSerializer(serializers.Serializer[queries.Line]):
    """`changed` members were changed; of those `restored` were put back and `kept` had changed again since."""

    id = serializers.IntegerField(source="bulk.pk")
    act = serializers.CharField(source="bulk.act")
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    said = serializers.CharField()
    params = serializers.DictField(source="bulk.params")
    query = serializers.CharField(source="bulk.query")
    status = serializers.CharField()
    total = serializers.IntegerField(source="bulk.total")
    done = serializers.IntegerField(source="bulk.done")
    changed = serializers.IntegerField(source="bulk.changed")
    restored = serializers.IntegerField(source="bulk.restored")
    kept = serializers.IntegerField(source="bulk.kept")
    job = serializers.IntegerField(source="bulk.job_id", allow_null=True)
    undo_job = serializers.IntegerField(source="bulk.undo_job_id", allow_null=True)
    no_undo = serializers.CharField()
    at = serializers.DateTimeField(source="bulk.at")
    undone_at = serializers.DateTimeField(source="bulk.undone_at", allow_null=True)


class BulkActViewSet(PoolViewSet):
    """Acts on many members. Each act asks for its own permission; progress, pause and cancel are its job's."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "members.view"}
    serializer_class = BulkActSerializer
    queryset = BulkAct.objects.none()
    lookup_value_regex = r"\d+"
    ordering = "-id"

    def _lines(self, found: list[BulkAct]) -> Any:
        return BulkActSerializer(queries.lines(self.pool, found, clock.now()), many=True).data

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(queries.bulk_acts(self.pool))
        return self.get_paginated_response(self._lines(list(page or [])))

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self._lines([queries.bulk_of(self.pool, int(pk))])[0])

    @extend_schema(request=GivenAct, responses=BulkActSerializer)
    def create(self, request: Request) -> Response:
        """A few members are done when this answers, more by the job named; 422 says what is missing."""
        given = GivenAct(data=request.data)
        given.is_valid(raise_exception=True)
        act = services.act_of(given.validated_data["act"])
        self._need(act)
        query = given.validated_data.get("query")
        whom = services.Whom(ids=tuple(given.validated_data.get("members", ())), query=query or "", everybody=query is not None)
        asking = Asking(self.pool, request.user, clock.now())  # type: ignore[arg-type]
        made = services.start(asking=asking, act=act, whom=whom, data=given.validated_data.get("params", {}))
        return Response(self._lines([made])[0], status=202 if made.job_id else 201)

    def _need(self, act: Act) -> None:
        token = self.request.auth
        scoped = not isinstance(token, ApiToken) or act.permission in token.scopes
        if not (scoped and may(self.role, act.permission)):
            raise PermissionDenied(act.permission)

    @extend_schema(request=None, responses=BulkActSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Put back what it changed; whoever changed again since is left alone and counted."""
        found = queries.bulk_of(self.pool, int(pk))
        if found.act in acts:
            self._need(acts[found.act])
        done = services.undo(bulk=found, actor=request.user, as_of=clock.now())  # type: ignore[arg-type]
        return Response(self._lines([done])[0], status=202 if done.undo_job_id else 200)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["get"])
    def acts(self, request: Request) -> Response:
        """What can be done to many, with the permission each asks for."""
        return Response([{"key": key, "label": str(act.label), "permission": act.permission} for key, act in acts.items()])


def routes(router: SimpleRouter) -> None:
    router.register("bulk-acts", BulkActViewSet, basename="bulk-act")
