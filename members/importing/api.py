"""Imports over the API: files through the same four steps, and batches of items in one call."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.importing import codes, fields, queries, services
from members.models import Channel, ImportReject, ImportRun
from scrm.jobs.api import SteerSerializer
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet
from scrm.staff.idempotency import Conflict


class UploadSerializer(serializers.Serializer[Any]):
    """A file, what it holds and where it comes from."""

    file = serializers.FileField()
    kind = serializers.ChoiceField(choices=ImportRun.Kind.choices)
    channel = serializers.SlugRelatedField(slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True)


class MappingSerializer(serializers.Serializer[Any]):
    """Field → column of the file, and how cells are read."""

    mapping = serializers.DictField(child=serializers.CharField(allow_blank=True))
    options = serializers.DictField(required=False)
    channel = serializers.SlugRelatedField(slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True)


class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    """One import and how far it is."""

    status = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    channel = serializers.SlugRelatedField(slug_field="code", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = ImportRun
        fields = [
            "id", "kind", "channel", "file_name", "size", "sha256", "format", "encoding", "delimiter", "columns",
            "mapping", "options", "status", "counts", "progress", "created_at", "finished_at",
        ]  # fmt: skip

    def get_status(self, run: ImportRun) -> str:
        return queries.with_state(run).state.status  # type: ignore[attr-defined, no-any-return]

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get_progress(self, run: ImportRun) -> dict[str, Any] | None:
        job = queries.with_state(run).state.job  # type: ignore[attr-defined]
        return {"status": job.status, "phase": job.phase, "done": job.done, "total": job.total} if job else None


class RejectSerializer(serializers.ModelSerializer[ImportReject]):
    """A refused row: where, why, and what it said."""

    message = serializers.SerializerMethodField()

    class Meta:
        model = ImportReject
        fields = ["line", "column", "code", "message", "row"]

    def get_message(self, reject: ImportReject) -> str:
        return codes.sentence(reject.code)


class ImportViewSet(PoolViewSet):
    """Upload, map, check, start; then ask how far it is and what was refused."""

    # Refused rows show what was sent, telephone numbers included.
    permissions: ClassVar[dict[str, str]] = {"read": "imports.view", "write": "imports.run", "rejects": "imports.run"}
    serializer_class = ImportSerializer
    queryset = ImportRun.objects.none()
    lookup_value_regex = r"\d+"
    parser_classes = (MultiPartParser, JSONParser)
    ordering: Any = ("-created_at", "-id")

    def _runs(self) -> QuerySet[ImportRun]:
        return ImportRun.objects.filter(pool=self.pool).select_related("channel")

    def _run(self, pk: str) -> ImportRun:
        return get_object_or_404(self._runs(), pk=pk)

    def _answer(self, run: ImportRun, status: int = 200) -> Response:
        return Response(ImportSerializer(self._run(str(run.pk))).data, status=status)

    @extend_schema(responses=ImportSerializer(many=True))
    def list(self, request: Request) -> Response:
        return self.get_paginated_response(ImportSerializer(self.paginate_queryset(self._runs()), many=True).data)

    @extend_schema(responses=ImportSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return self._answer(self._run(pk))

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses=ImportSerializer)
    def create(self, request: Request) -> Response:
        """The answer holds the columns found and the mapping suggested."""
        given = UploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        run = services.upload(
            pool=self.pool,
            kind=said["kind"],
            file=said["file"],
            file_name=said["file"].name,
            channel=said.get("channel"),
            actor=request.user,
        )
        return self._answer(run, 201)

    @extend_schema(request=MappingSerializer, responses=ImportSerializer)
    @action(detail=True, methods=["put"])
    def mapping(self, request: Request, pk: str) -> Response:
        given = MappingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return self._answer(services.save_mapping(run=self._run(pk), actor=request.user, **given.validated_data))

    @extend_schema(request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Count what would be new, updated, unchanged and refused, without writing."""
        run = self._run(pk)
        services.start_check(run=run, actor=request.user)
        return self._answer(run, 202)

    @extend_schema(request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        run = self._run(pk)
        services.start_import(run=run, actor=request.user)
        return self._answer(run, 202)

    @extend_schema(request=SteerSerializer, responses=ImportSerializer)
    @action(detail=True, methods=["post"])
    def steer(self, request: Request, pk: str) -> Response:
        """Pause, resume, cancel or retry."""
        given = SteerSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        run = self._run(pk)
        if run.job_id is not None:
            services.steer(run=run, actor=request.user, **given.validated_data)
        return self._answer(run)

    @extend_schema(responses=RejectSerializer(many=True))
    @action(detail=True)
    def rejects(self, request: Request, pk: str) -> Response:
        """Refused rows by line."""
        self.ordering = ("line", "id")
        page = self.paginate_queryset(ImportReject.objects.filter(run=self._run(pk)))
        return self.get_paginated_response(RejectSerializer(page, many=True).data)


class BatchSerializer(serializers.Serializer[Any]):
    """Items as field → value, with the fields of an import; amounts in minor units."""

    items = serializers.ListField(child=serializers.DictField(), allow_empty=False)  # type: ignore[assignment]
    channel = serializers.SlugRelatedField(slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True)


class BatchViewSet(PoolViewSet):
    """Up to 1,000 items in one call; an item that is refused does not hold up the others, a repeat changes nothing."""

    permissions: ClassVar[dict[str, str]] = {"read": "imports.view", "write": "imports.run"}
    serializer_class = BatchSerializer
    kind: ClassVar[str] = ""

    @extend_schema(request=BatchSerializer, responses=OpenApiTypes.OBJECT)
    def create(self, request: Request) -> Response:
        given = BatchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        known = fields.fields_of(self.kind)
        stray = sorted(
            {key for item in said["items"] for key in item if key not in known and not key.startswith(fields.ATTRIBUTE)}
        )
        if stray:
            raise Problem("unknown_field", f"unknown fields: {', '.join(stray)}", {"items": sorted(known)})
        try:
            run = services.import_items(
                pool=self.pool,
                kind=self.kind,
                items=said["items"],
                channel=said.get("channel"),
                actor=request.user,
                as_of=clock.now(),
            )
        except Problem as refusal:
            if refusal.code == "busy":
                raise Conflict(refusal.message) from refusal
            raise
        refused = [
            {"index": reject.line - 2, "field": reject.column, "code": reject.code, "message": codes.sentence(reject.code)}
            for reject in ImportReject.objects.filter(run=run).order_by("line", "pk")
        ]
        return Response({"import": run.pk, "counts": run.counts, "refused": refused}, status=201)


class MemberBatchViewSet(BatchViewSet):
    kind = ImportRun.Kind.MEMBERS


class OrderBatchViewSet(BatchViewSet):
    kind = ImportRun.Kind.ORDERS


def routes(router: SimpleRouter) -> None:
    """Imports under /api/."""
    router.register("imports", ImportViewSet, basename="import")
    router.register("members/batch", MemberBatchViewSet, basename="member-batch")
    router.register("orders/batch", OrderBatchViewSet, basename="order-batch")
