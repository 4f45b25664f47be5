"""What the endpoints of segments read and answer."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from segmentation.models import Segment, SegmentHook, SegmentNotice, SegmentVersion
from segmentation.segments import algebra, queries


class Rule(serializers.JSONField):
    """`{"all": […]}`, `{"any": […]}`, `{"not": {…}}` or `{"fact", "op", "value", "of", "window"}`; see `GET /segments/facts/`."""


class SegmentOut(serializers.ModelSerializer[Segment]):
    rule = serializers.SerializerMethodField()
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = Segment
        fields = [
            *("id", "name", "note", "kind", "version", "revision", "status", "error", "failed_at", "size", "as_of"),
            *("cadence", "every", "daily_at", "next_at", "is_archived", "created_at", "updated_at", "rule", "sentence"),
        ]

    def get_rule(self, segment: Any) -> dict[str, Any]:
        return segment.rule or {}

    def get_sentence(self, segment: Any) -> str:
        return queries.sentence_of(self.context["pool"], segment.rule, self.context.get("names"))


class SegmentMade(SegmentOut):
    unknown = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="of a list: the first of what names nobody"
    )
    missing = serializers.IntegerField(required=False, help_text="of a list: how many of what was given name nobody")

    class Meta(SegmentOut.Meta):
        fields = [*SegmentOut.Meta.fields, "unknown", "missing"]


class SegmentIn(serializers.Serializer[Any]):
    """A live segment or a snapshot has a rule; a list has `members`: ids, phones, e-mails or card numbers."""

    name = serializers.CharField(max_length=80)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    kind = serializers.ChoiceField(choices=Segment.Kind.choices, default=Segment.Kind.LIVE)
    rule = Rule(required=False)
    members = serializers.ListField(child=serializers.CharField(max_length=120), required=False, max_length=100_000)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        wanted = "members" if data["kind"] == Segment.Kind.LIST else "rule"
        if wanted not in data:
            raise ValidationError({wanted: serializers.Field.default_error_messages["required"]})
        return data


class SegmentChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    rule = Rule(required=False)
    based_on = serializers.IntegerField(
        required=False, help_text="the version the rule was written from; 422 `version_moved` when there is a newer one"
    )
    cadence = serializers.ChoiceField(choices=Segment.Cadence.choices, required=False)
    every = serializers.IntegerField(required=False, help_text="minutes, with cadence `minutes`")
    daily_at = serializers.TimeField(required=False, help_text="on the pool's clocks, with cadence `daily`")


class CountIn(serializers.Serializer[Any]):
    rule = Rule()


class NodeOut(serializers.Serializer[Any]):
    own = serializers.IntegerField(help_text="members that satisfy the node by itself")
    after = serializers.IntegerField(help_text="members left once it is applied, in the order of the rule")


class CountOut(serializers.Serializer[Any]):
    size = serializers.IntegerField()
    total = serializers.IntegerField()
    share = serializers.FloatField()
    per_node = serializers.DictField(child=NodeOut(), help_text="JSON path → counts")
    sentence = serializers.CharField()
    sentences = serializers.DictField(child=serializers.CharField(), help_text="`zh-hans` and `en`")
    ms = serializers.FloatField()
    from_cache = serializers.BooleanField()
    sample = serializers.ListField(child=serializers.IntegerField())
    as_of = serializers.DateTimeField()


class VersionOut(serializers.ModelSerializer[SegmentVersion]):
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = SegmentVersion
        fields = ["n", "rule", "created_at", "actor", "restored_from", "sentence"]

    def get_sentence(self, version: SegmentVersion) -> str:
        return queries.sentence_of(self.context["pool"], version.rule, self.context.get("names"))


FACT_FILTER = inline_serializer(
    "FactFilter",
    {
        "field": serializers.CharField(),
        "zh": serializers.CharField(),
        "en": serializers.CharField(),
        "kind": serializers.CharField(),
        "operators": serializers.ListField(child=serializers.CharField()),
        "choices": serializers.ListField(child=serializers.DictField()),
        "source": serializers.CharField(allow_blank=True),
    },
    many=True,
)
FACT = inline_serializer(
    "Fact",
    {
        "key": serializers.CharField(),
        "label": serializers.DictField(),
        "group": serializers.DictField(),
        "kind": serializers.CharField(),
        "operators": serializers.ListField(child=serializers.CharField()),
        "unit": serializers.DictField(allow_null=True),
        "choices": serializers.ListField(child=serializers.DictField()),
        "source": serializers.CharField(),
        "of": serializers.DictField(allow_null=True),
        "window": serializers.BooleanField(help_text="whether it takes a window"),
        "since": serializers.BooleanField(help_text="whether its window may begin at another event"),
        "where": FACT_FILTER,
        "then": serializers.ChoiceField(
            choices=["", "asked", "days"], help_text="`asked`: what follows and how soon; `days`: only how soon"
        ),
        "domains": serializers.ListField(child=serializers.CharField()),
        "note": serializers.DictField(allow_null=True),
    },
    many=True,
)
MEMBERS = inline_serializer(
    "SegmentMembers",
    {
        "ids": serializers.ListField(child=serializers.IntegerField()),
        "next": serializers.IntegerField(allow_null=True, help_text="give it as `after` for the next page"),
        "size": serializers.IntegerField(),
    },
)


class SnapshotOut(serializers.Serializer[Any]):
    """Which computing tells who was in it."""

    asked = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="of the snapshot that says so; null before the first one")
    until = serializers.DateTimeField(allow_null=True, help_text="the next snapshot: up to then nobody was found to move")
    version = serializers.IntegerField(allow_null=True)
    size = serializers.IntegerField()


IDS: dict[str, Any] = {
    "ids": serializers.ListField(child=serializers.IntegerField()),
    "next": serializers.IntegerField(allow_null=True, help_text="give it as `after` for the next page"),
}
AT = inline_serializer("SegmentAt", {"snapshot": SnapshotOut(), **IDS})
MOVES = inline_serializer(
    "SegmentMoves",
    {
        "before": SnapshotOut(),
        "after": SnapshotOut(),
        "entered": serializers.IntegerField(),
        "left": serializers.IntegerField(),
        "stayed": serializers.IntegerField(),
        **IDS,
    },
)
SIZE = inline_serializer("SegmentSize", {"as_of": serializers.DateTimeField(), "size": serializers.IntegerField()}, many=True)
LINE = inline_serializer(
    "RuleChange",
    {
        "what": serializers.ChoiceField(choices=["same", "changed", "added", "removed"]),
        "depth": serializers.IntegerField(),
        "before": serializers.CharField(allow_blank=True),
        "after": serializers.CharField(allow_blank=True),
    },
    many=True,
)
DIFF = inline_serializer("RuleDiff", {"old": serializers.IntegerField(), "new": serializers.IntegerField(), "lines": LINE})
REASON = inline_serializer(
    "SegmentReason",
    {
        "path": serializers.CharField(),
        "holds": serializers.BooleanField(),
        "sentence": serializers.CharField(),
        "value": serializers.CharField(allow_blank=True),
        "wanted": serializers.CharField(allow_blank=True),
    },
    many=True,
)
WHY = inline_serializer(
    "SegmentWhy",
    {
        "inside": serializers.BooleanField(help_text="as it was last computed"),
        "holds": serializers.BooleanField(allow_null=True, help_text="what the rule says now; null for a list"),
        "reasons": REASON,
        "periods": inline_serializer(
            "SegmentPeriod",
            {"start": serializers.DateTimeField(), "end": serializers.DateTimeField(allow_null=True)},
            many=True,
        ),
    },
)


class Named(serializers.Serializer[Any]):
    """Members by id, phone, e-mail, card number or another identity."""

    members = serializers.ListField(child=serializers.CharField(max_length=120), max_length=100_000)


LISTED = inline_serializer(
    "ListChanged",
    {
        "found": serializers.IntegerField(),
        "changed": serializers.IntegerField(),
        "unknown": serializers.ListField(child=serializers.CharField(), help_text="the first of what names nobody"),
        "missing": serializers.IntegerField(help_text="how many of what was given name nobody"),
        "size": serializers.IntegerField(),
    },
)


class FreezeIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)


class RollBackIn(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1)


class CombineIn(serializers.Serializer[Any]):
    """2 to 5 segments; of `difference` the first is the one the others are taken from."""

    segments = serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=5)
    operation = serializers.ChoiceField(choices=algebra.Operation.choices)
    name = serializers.CharField(max_length=80)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    kind = serializers.ChoiceField(choices=[Segment.Kind.LIVE, Segment.Kind.SNAPSHOT], default=Segment.Kind.LIVE)


class PairOut(serializers.Serializer[Any]):
    row = serializers.IntegerField(source="row.pk")
    column = serializers.IntegerField(source="column.pk")
    both = serializers.IntegerField()
    share = serializers.FloatField(help_text="of the row's segment")
    likeness = serializers.FloatField(help_text="shared of all who are in either, 0…1")
    lift = serializers.FloatField(allow_null=True, help_text="1 = as often as by chance")


class RegionOut(serializers.Serializer[Any]):
    inside = serializers.ListField(child=serializers.IntegerField())
    outside = serializers.ListField(child=serializers.IntegerField())
    size = serializers.IntegerField()
    share = serializers.FloatField(help_text="of everybody in any of them")


OVERLAP = inline_serializer(
    "SegmentOverlap",
    {
        "as_of": serializers.DateTimeField(help_text="of the segment that was computed longest ago"),
        "total": serializers.IntegerField(),
        "union": serializers.IntegerField(),
        "pairs": PairOut(many=True),
        "regions": RegionOut(many=True),
    },
)


class HookOut(serializers.ModelSerializer[SegmentHook]):
    waiting = serializers.IntegerField(read_only=True, default=0)
    given_up = serializers.IntegerField(read_only=True, default=0)
    sent = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = SegmentHook
        fields = [
            *("id", "segment", "url", "tells_entered", "tells_left", "is_active", "problem", "created_at"),
            *("waiting", "given_up", "sent"),
        ]


class HookIn(serializers.Serializer[Any]):
    segment = serializers.IntegerField()
    url = serializers.CharField(max_length=500)
    tells_entered = serializers.BooleanField(default=True)
    tells_left = serializers.BooleanField(default=True)


class HookChange(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=500, required=False)
    tells_entered = serializers.BooleanField(required=False)
    tells_left = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)


class HookMade(HookOut):
    """With the secret, this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(HookOut.Meta):
        fields = [*HookOut.Meta.fields, "secret"]


class RetryIn(serializers.Serializer[Any]):
    notice = serializers.IntegerField(required=False, allow_null=True, min_value=1, help_text="one; all without it")


class NoticeOut(serializers.ModelSerializer[SegmentNotice]):
    key = serializers.CharField(read_only=True, help_text="`webhook-id` of every try of it")

    class Meta:
        model = SegmentNotice
        fields = [
            *("id", "hook", "key", "revision", "way", "part", "parts", "as_of", "size", "status", "attempts", "next_at"),
            *("code", "answer", "created_at", "done_at"),
        ]
