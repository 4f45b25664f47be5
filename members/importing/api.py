"""Imports over the API: files through the same four steps, and batches of items in one call."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.importing import codes, fields, mappings, presets, queries, rejects, revert, services
from members.importing.serializers import (
    ImportSerializer,
    LayoutSerializer,
    LeftoverSerializer,
    MappingSerializer,
    NameSerializer,
    PresetSerializer,
    RejectSerializer,
    SampleSerializer,
    SavedMappingSerializer,
    UploadSerializer,
)
from members.models import Channel, ImportReject, ImportRun, ImportSample, SavedMapping
from members.privacy import looks
from scrm.jobs.api import SteerSerializer
from scrm.lib import clock
from scrm.lib.export import csv_response
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet
from scrm.staff.idempotency import Conflict


class ImportViewSet(PoolViewSet):
    """Upload, map, check, start; then ask how far it is and what was refused."""

    # Refused rows show what was sent, telephone numbers included.
    permissions: ClassVar[dict[str, str]] = {
        "read": "imports.view",
        "write": "imports.run",
        "rejects": "imports.run",
        "rejects_csv": "imports.run",
        "samples": "imports.run",
    }
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
        page = queries.with_states(self.paginate_queryset(self._runs()) or [])
        return self.get_paginated_response(ImportSerializer(page, many=True).data)

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
            kind=said.get("kind", ""),
            file=said["file"],
            file_name=said["file"].name,
            channel=said.get("channel"),
            actor=request.user,
            told=self._told(said),
        )
        if options := said.get("options"):
            services.save_mapping(run=run, mapping=run.mapping, options=options, actor=request.user)
        return self._answer(run, 201)

    def _told(self, said: dict[str, Any]) -> services.Told:
        saved = mappings.named(self.pool, said["mapping"]) if said.get("mapping") else None
        corrects = self._run(str(said["corrects"])) if said.get("corrects") else None
        layout = {name: said[name] for name in ("encoding", "delimiter", "sheet", "heading") if said.get(name)}
        return services.Told(preset=said.get("preset", ""), saved=saved, corrects=corrects, **layout)

    @extend_schema(request=LayoutSerializer, responses=ImportSerializer)
    @action(detail=True, methods=["post"])
    def reread(self, request: Request, pk: str) -> Response:
        """Read the file again with another encoding, delimiter, sheet or heading row."""
        given = LayoutSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return self._answer(services.reread(run=self._run(pk), actor=request.user, **given.validated_data))

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

    @extend_schema(request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def revert(self, request: Request, pk: str) -> Response:
        """Take the import back, within 24 hours: what changed since stays and is listed."""
        run = self._run(pk)
        revert.start_revert(run=run, actor=request.user, as_of=clock.now())
        return self._answer(run, 202)

    @extend_schema(responses=LeftoverSerializer(many=True))
    @action(detail=True)
    def leftovers(self, request: Request, pk: str) -> Response:
        """What a revert left as it is, and why."""
        self.ordering = ("id",)
        page = self.paginate_queryset(revert.leftovers(self._run(pk)))
        return self.get_paginated_response(LeftoverSerializer(page, many=True).data)

    @extend_schema(
        parameters=[OpenApiParameter("outcome", str, enum=ImportSample.Outcome.values)], responses=SampleSerializer(many=True)
    )
    @action(detail=True)
    def samples(self, request: Request, pk: str) -> Response:
        """The first 50 rows of each outcome of the last check; identities are masked."""
        found = ImportSample.objects.filter(run=self._run(pk))
        if outcome := request.query_params.get("outcome"):
            found = found.filter(outcome=outcome)
        self.ordering = ("line", "id")
        return self.get_paginated_response(SampleSerializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, url_path="rejects.csv")
    def rejects_csv(self, request: Request, pk: str) -> Any:
        """Refused rows in the columns of the file, with line, column, code and sentence: to be corrected and sent again."""
        run = self._run(pk)
        services.note_download(run=run, actor=request.user, as_of=clock.now(), via=looks.via(request._request))
        return csv_response(run.file_name.rsplit(".", 1)[0], rejects.columns(run), rejects.rows(run))

    @extend_schema(responses=RejectSerializer(many=True))
    @action(detail=True)
    def rejects(self, request: Request, pk: str) -> Response:
        """Refused rows by line."""
        self.ordering = ("line", "id")
        run = self._run(pk)
        services.note_download(run=run, actor=request.user, as_of=clock.now(), via=looks.via(request._request))
        page = self.paginate_queryset(ImportReject.objects.filter(run=run))
        return self.get_paginated_response(RejectSerializer(page, many=True).data)


class SavedMappingViewSet(PoolViewSet):
    """Mappings the pool keeps; POST under a name that is taken replaces it."""

    permissions: ClassVar[dict[str, str]] = {"read": "imports.view", "write": "imports.run"}
    serializer_class = SavedMappingSerializer
    queryset = SavedMapping.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("id",)

    @extend_schema(responses=SavedMappingSerializer(many=True))
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(mappings.saved_mappings(self.pool).order_by())
        return self.get_paginated_response(SavedMappingSerializer(page, many=True).data)

    @extend_schema(responses=SavedMappingSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(SavedMappingSerializer(mappings.saved_of(self.pool, pk)).data)

    @extend_schema(request=SavedMappingSerializer, responses={201: SavedMappingSerializer})
    def create(self, request: Request) -> Response:
        given = SavedMappingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = dict(given.validated_data)
        said.setdefault("columns", list(said["mapping"].values()))
        kept = mappings.keep(pool=self.pool, actor=request.user, **said)
        return Response(SavedMappingSerializer(kept).data, status=201)

    @extend_schema(request=NameSerializer, responses=SavedMappingSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Another name."""
        given = NameSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        saved = mappings.saved_of(self.pool, pk)
        return Response(SavedMappingSerializer(mappings.rename(saved=saved, actor=request.user, **given.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        mappings.forget(saved=mappings.saved_of(self.pool, pk), actor=request.user)
        return Response(status=204)


class PresetViewSet(PoolViewSet):
    """Exports of platforms that are recognised, and what is known of them."""

    permissions: ClassVar[dict[str, str]] = {"read": "imports.view"}
    serializer_class = PresetSerializer
    queryset = ImportRun.objects.none()

    @extend_schema(responses=PresetSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(PresetSerializer(list(presets.every().values()), many=True).data)


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
        answer = {"import": run.pk, "counts": run.counts, "refused": refused, "results": _results(run, said["items"], refused)}
        return Response(answer, status=201)


def _results(run: ImportRun, items: list[dict[str, Any]], refused: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Item by item: new, updated, unchanged, repeated (said before in this batch) or refused."""
    outcomes, gone = run.outcomes, {row["index"] for row in refused}  # type: ignore[attr-defined]
    return [
        {"index": place, "outcome": "refused" if place in gone else outcomes.get(place + 2, "repeated")}
        for place in range(len(items))
    ]


class MemberBatchViewSet(BatchViewSet):
    kind = ImportRun.Kind.MEMBERS


class OrderBatchViewSet(BatchViewSet):
    kind = ImportRun.Kind.ORDERS


def routes(router: SimpleRouter) -> None:
    """Imports under /api/."""
    router.register("imports/mappings", SavedMappingViewSet, basename="import-mapping")
    router.register("imports/presets", PresetViewSet, basename="import-preset")
    router.register("imports", ImportViewSet, basename="import")
    router.register("members/batch", MemberBatchViewSet, basename="member-batch")
    router.register("orders/batch", OrderBatchViewSet, basename="order-batch")
