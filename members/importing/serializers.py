"""Imports as the API says them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from members.importing import codes, queries, revert
from members.importing.sniffing import DELIMITERS, ENCODINGS, MOST_HEADING
from members.models import Channel, ImportLeftover, ImportReject, ImportRun, ImportSample, SavedMapping
from scrm.lib import clock


class LayoutSerializer(serializers.Serializer[Any]):
    """How the file is cut into rows and cells, where it should not be found out."""

    encoding = serializers.ChoiceField(choices=ENCODINGS, required=False)
    delimiter = serializers.ChoiceField(choices=DELIMITERS, required=False)
    sheet = serializers.CharField(required=False, help_text="name of a sheet of a workbook")
    heading = serializers.IntegerField(required=False, min_value=1, max_value=MOST_HEADING, help_text="row of the headings")


class UploadSerializer(LayoutSerializer):
    """A file, what it holds, where it comes from and what it is read by."""

    file = serializers.FileField()
    kind = serializers.ChoiceField(
        choices=ImportRun.Kind.choices, required=False, help_text="may be left out where a preset or mapping says it"
    )
    preset = serializers.CharField(required=False, help_text="key of a preset, e.g. tmall.orders")
    mapping = serializers.CharField(required=False, help_text="name of a mapping the pool keeps")
    corrects = serializers.IntegerField(required=False, help_text="the import whose refused rows these are")
    options = serializers.JSONField(required=False, help_text="unit, decimal, date_order, words …")
    channel = serializers.SlugRelatedField(slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True)


class MappingSerializer(serializers.Serializer[Any]):
    """Field → column of the file, and how cells are read."""

    mapping = serializers.DictField(child=serializers.CharField(allow_blank=True))
    options = serializers.DictField(required=False)
    channel = serializers.SlugRelatedField(slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True)


class SavedMappingSerializer(serializers.ModelSerializer[SavedMapping]):
    """A way of reading one kind of file that the pool keeps."""

    channel = serializers.SlugRelatedField(  # type: ignore[var-annotated]
        slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True
    )
    columns = serializers.ListField(child=serializers.CharField(), required=False, help_text="headings it is recognised by")
    mapping = serializers.DictField(child=serializers.CharField())
    options = serializers.DictField(required=False)

    class Meta:
        model = SavedMapping
        fields = ["id", "name", "kind", "channel", "columns", "mapping", "options", "created_at", "updated_at"]
        read_only_fields = ["created_at", "updated_at"]


class NameSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)


class PresetSerializer(serializers.Serializer[Any]):
    """How one export of one platform is read, and how well that is known."""

    key = serializers.CharField()
    platform = serializers.CharField()
    kind = serializers.CharField()
    channel = serializers.CharField()
    title = serializers.CharField()
    known_from = serializers.CharField()
    sure = serializers.BooleanField()
    notes = serializers.ListField(child=serializers.CharField())
    columns = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    other = serializers.ListField(child=serializers.CharField())
    words = serializers.DictField()
    options = serializers.DictField()


class SampleSerializer(serializers.ModelSerializer[ImportSample]):
    """One of the first rows of an outcome of a check: what it says, what is known now, why it conflicts."""

    message = serializers.SerializerMethodField()

    class Meta:
        model = ImportSample
        fields = ["outcome", "line", "said", "before", "reason", "message"]

    def get_message(self, sample: ImportSample) -> str:
        return codes.sentence(sample.reason) if sample.reason else ""


class LeftoverSerializer(serializers.ModelSerializer[ImportLeftover]):
    """What a revert left as it is."""

    member = serializers.IntegerField(source="subject", allow_null=True)
    message = serializers.SerializerMethodField()

    class Meta:
        model = ImportLeftover
        fields = ["label", "member", "name", "reason", "message", "detail"]

    def get_message(self, left: ImportLeftover) -> str:
        return str(revert.REASONS.get(left.reason, left.reason))


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
        if not job:
            return None
        return {"status": job.status, "phase": job.phase, "done": job.done, "total": job.total, **queries.pace(job, clock.now())}


class RejectSerializer(serializers.ModelSerializer[ImportReject]):
    """A refused row: where, why, and what it said."""

    message = serializers.SerializerMethodField()

    class Meta:
        model = ImportReject
        fields = ["line", "column", "code", "message", "row"]

    def get_message(self, reject: ImportReject) -> str:
        return codes.sentence(reject.code)
