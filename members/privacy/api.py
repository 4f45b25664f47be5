"""Who looked, exports, erasures and consents under /api/."""

from typing import Any, ClassVar

from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members import consents, exporting
from members import queries as members
from members.models import AccessEntry, Consent, ConsentWording, Erasure, ExportRequest, Identity
from members.privacy import erasing, looks, queries, tombstones
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet
from scrm.staff.models import ApiToken
from scrm.staff.permissions import may


class LookSerializer(serializers.ModelSerializer[AccessEntry]):
    """One look. `member` is null when it was at many at once: `count` says at how many."""

    member = serializers.SerializerMethodField()
    actor = serializers.CharField(source="actor.username", default=None)

    class Meta:
        model = AccessEntry
        fields = ["at", "actor", "what", "member", "count", "detail", "reason", "address", "agent"]

    def get_member(self, row: AccessEntry) -> int | None:
        return row.member_id or None


class AccessViewSet(PoolViewSet):
    """Who looked at whose data, newest first."""

    permissions: ClassVar[dict[str, str]] = {"read": "privacy.view"}
    serializer_class = LookSerializer
    queryset = AccessEntry.objects.none()
    ordering = ("-at", "-id")

    @extend_schema(
        parameters=[OpenApiParameter(name, OpenApiTypes.STR) for name in ("member", "actor", "what", "since", "until", "days")]
    )
    def list(self, request: Request) -> Response:
        """`actor` is a user's number; `since` and `until` are days of the pool."""
        found = queries.entries(self.pool, queries.ask(request.query_params, self.pool, clock.now()))
        return self.get_paginated_response(LookSerializer(self.paginate_queryset(found), many=True).data)


# -- Exports -------------------------------------------------------------------------------------
class ExportSerializer(serializers.ModelSerializer[ExportRequest]):
    requester = serializers.CharField(source="requester.username", default=None)
    approver = serializers.CharField(source="approver.username", default=None)

    class Meta:
        model = ExportRequest
        fields = [
            "id", "kind", "status", "requester", "purpose", "reason", "count", "columns", "is_full", "form", "approver",
            "decided_at", "note", "job_id", "rows", "size", "downloads", "created_at", "expires_at",
        ]  # fmt: skip


class NewExportSerializer(serializers.Serializer[Any]):
    """Whom: `ids`, or `query` as the address of the list has it (empty: everybody)."""

    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=10_000)
    query = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    columns = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    purpose = serializers.ChoiceField(choices=ExportRequest.Purpose.choices)
    reason = serializers.CharField(max_length=200)
    full = serializers.BooleanField(default=False)
    form = serializers.ChoiceField(choices=["csv", "xlsx"], default="csv")


class ExportDecisionSerializer(serializers.Serializer[Any]):
    approve = serializers.BooleanField()
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ExportViewSet(PoolViewSet):
    """Lists of members as files: masked ones are made at once, full ones after a second person agreed."""

    permissions: ClassVar[dict[str, str]] = {
        "read": "members.export",
        "write": "members.export",
        "waiting": "members.export.approve",
        "decide": "members.export.approve",
    }
    serializer_class = ExportSerializer
    queryset = ExportRequest.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("-created_at", "-id")

    def _export(self, pk: str) -> ExportRequest:
        found = ExportRequest.objects.select_related("requester", "approver", "pool")
        return get_object_or_404(found, pool=self.pool, pk=pk)

    def _mine(self, pk: str) -> ExportRequest:
        return get_object_or_404(exporting.requests_of(self.pool, self.request.user), pk=pk)

    def _answer(self, pk: int, status: int = 200) -> Response:
        return Response(ExportSerializer(self._export(str(pk))).data, status=status)

    @extend_schema(responses=ExportSerializer(many=True))
    def list(self, request: Request) -> Response:
        """One's own, newest first."""
        page = self.paginate_queryset(exporting.requests_of(self.pool, request.user))
        return self.get_paginated_response(ExportSerializer(page, many=True).data)

    @extend_schema(responses=ExportSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(ExportSerializer(self._mine(pk)).data)

    @extend_schema(request=NewExportSerializer, responses={201: ExportSerializer})
    def create(self, request: Request) -> Response:
        given = NewExportSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        if "ids" not in said and "query" not in said:
            raise Problem("export.nobody", "ids or query is missing", {"ids": ["ids or query"]})
        if said["full"] and not _reveals(self):
            raise PermissionDenied("members.reveal")
        chosen = {"ids": said.pop("ids")} if "ids" in said else {"query": said.pop("query")}
        said.pop("query", None)
        made = exporting.request(
            pool=self.pool, chosen=chosen, **said, actor=request.user, as_of=clock.now(), via=looks.via(request._request)
        )
        return self._answer(made.pk, 201)

    @extend_schema(responses=ExportSerializer(many=True))
    @action(detail=False)
    def waiting(self, request: Request) -> Response:
        """Requests of others that wait for somebody to agree."""
        page = self.paginate_queryset(exporting.waiting_for(self.pool, request.user, clock.now()))
        return self.get_paginated_response(ExportSerializer(page, many=True).data)

    @extend_schema(request=ExportDecisionSerializer, responses=ExportSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Agree or refuse; never one's own."""
        given = ExportDecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        exporting.decide(export=self._export(pk), **given.validated_data, actor=request.user, as_of=clock.now())
        return self._answer(int(pk))

    @extend_schema(request=None, responses=ExportSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        exporting.cancel(export=self._mine(pk), actor=request.user)
        return self._answer(int(pk))

    @extend_schema(responses=OpenApiTypes.BINARY)
    @action(detail=True)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """The file, for whoever asked for it; each download is written down."""
        export = self._mine(pk)
        path = exporting.download(export=export, actor=request.user, as_of=clock.now(), via=looks.via(request._request))
        return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


def _reveals(view: PoolViewSet) -> bool:
    token = view.request.auth
    scoped = not isinstance(token, ApiToken) or "members.reveal" in token.scopes
    return scoped and may(view.role, "members.reveal")


# -- One person ----------------------------------------------------------------------------------
class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    """The proof. It does not say who it was; `subject` is a keyed hash of the member's number."""

    actor = serializers.CharField(source="actor.username", default=None)
    subject = serializers.SerializerMethodField()

    class Meta:
        model = Erasure
        fields = [
            "id", "subject", "status", "cause", "reason", "is_blocked", "actor", "counts", "checked", "job_id", "requested_at",
            "done_at",
        ]  # fmt: skip

    def get_subject(self, row: Erasure) -> str:
        return bytes(row.member_hash).hex()


class NewErasureSerializer(serializers.Serializer[Any]):
    """`typed` is the member's number once more; there is no way back."""

    member = serializers.IntegerField(min_value=1)
    cause = serializers.ChoiceField(choices=Erasure.Cause.choices)
    reason = serializers.CharField(max_length=200)
    typed = serializers.CharField(max_length=20)
    block = serializers.BooleanField(default=True)


class LiftSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Identity.Kind.choices)
    value = serializers.CharField(max_length=120)


class ErasureViewSet(PoolViewSet):
    """Erasing a person, and the proofs of it."""

    permissions: ClassVar[dict[str, str]] = {"read": "privacy.view", "write": "members.erase"}
    serializer_class = ErasureSerializer
    queryset = Erasure.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("-requested_at", "-id")

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(erasing.erasures(self.pool))
        return self.get_paginated_response(ErasureSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(ErasureSerializer(get_object_or_404(erasing.erasures(self.pool), pk=pk)).data)

    @extend_schema(request=NewErasureSerializer, responses={202: ErasureSerializer})
    def create(self, request: Request) -> Response:
        given = NewErasureSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        member = members.member_of(self.pool, said.pop("member"))
        made = erasing.request(member=member, **said, actor=request.user, as_of=clock.now())
        return Response(ErasureSerializer(made).data, status=202)

    @extend_schema(request=LiftSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"])
    def lift(self, request: Request) -> Response:
        """Let an identity come back, because its person did."""
        given = LiftSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        lifted = tombstones.lift(pool=self.pool, **given.validated_data, actor=request.user, as_of=clock.now())
        return Response({"lifted": lifted})


class NewDossierSerializer(serializers.Serializer[Any]):
    member = serializers.IntegerField(min_value=1)
    purpose = serializers.ChoiceField(choices=ExportRequest.Purpose.choices, default=ExportRequest.Purpose.SUBJECT)
    reason = serializers.CharField(max_length=200)


class DossierViewSet(PoolViewSet):
    """Everything about one person as a ZIP; it is fetched as any export."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.reveal", "write": "members.reveal"}
    serializer_class = NewDossierSerializer

    @extend_schema(request=NewDossierSerializer, responses={202: ExportSerializer})
    def create(self, request: Request) -> Response:
        given = NewDossierSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        member = members.member_of(self.pool, said.pop("member"))
        if member.merged_into is not None:
            raise Problem("member.merged", "this member was merged or erased")
        made = exporting.request_person(
            member=member, **said, actor=request.user, as_of=clock.now(), via=looks.via(request._request)
        )
        return Response(ExportSerializer(made).data, status=202)


# -- Consents ------------------------------------------------------------------------------------
class WordingSerializer(serializers.ModelSerializer[ConsentWording]):
    valid_from = serializers.DateTimeField(required=False)

    class Meta:
        model = ConsentWording
        fields = ["id", "carrier", "purpose", "version", "text", "valid_from", "created_at"]
        read_only_fields = ["created_at"]


class WordingViewSet(PoolViewSet):
    """What people agree to, in versions that never change."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "consents.edit"}
    serializer_class = WordingSerializer
    queryset = ConsentWording.objects.none()
    ordering = "-id"

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(ConsentWording.objects.filter(pool=self.pool))
        return self.get_paginated_response(WordingSerializer(page, many=True).data)

    def create(self, request: Request) -> Response:
        given = WordingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = consents.add_wording(pool=self.pool, **{"valid_from": clock.now(), **given.validated_data}, actor=request.user)
        return Response(WordingSerializer(made).data, status=201)


class CoverageSerializer(serializers.Serializer[Any]):
    carrier = serializers.ChoiceField(choices=Consent.Carrier.choices)
    purpose = serializers.ChoiceField(choices=Consent.Purpose.choices)
    granted = serializers.IntegerField()
    withdrawn = serializers.IntegerField()
    silent = serializers.IntegerField()
    share = serializers.FloatField()
    versions = serializers.SerializerMethodField()

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get_versions(self, row: consents.Coverage) -> dict[str, int]:
        return dict(row.versions)


class CoverageViewSet(PoolViewSet):
    """How a pool's members answered, per carrier and purpose."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view"}
    serializer_class = CoverageSerializer
    queryset = Consent.objects.none()

    @extend_schema(responses=CoverageSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(CoverageSerializer(consents.coverage(self.pool), many=True).data)


def routes(router: SimpleRouter) -> None:
    """Privacy under /api/."""
    router.register("access", AccessViewSet, basename="access")
    router.register("exports", ExportViewSet, basename="export")
    router.register("dossiers", DossierViewSet, basename="dossier")
    router.register("erasures", ErasureViewSet, basename="erasure")
    router.register("consent-wordings", WordingViewSet, basename="consent-wording")
    router.register("consent-coverage", CoverageViewSet, basename="consent-coverage")
