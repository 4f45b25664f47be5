"""Members as programs see them."""

from typing import Any

from rest_framework import serializers

from members import identities
from members.attributes.shown import MASK
from members.models import (
    Channel,
    Consent,
    ConsentEntry,
    Identity,
    Member,
    MemberState,
    MemberTag,
    Order,
    OrderLine,
)


class StateSerializer(serializers.ModelSerializer[MemberState]):
    """Everything computed; money in minor units."""

    class Meta:
        model = MemberState
        fields = [
            "order_count", "amount_total", "first_order_at", "last_order_at", "interval_days", "window_count", "window_amount",
            "r", "f", "m", "rfm_group", "stage", "lead", "stage_due",
        ]  # fmt: skip


class MemberTagSerializer(serializers.ModelSerializer[MemberTag]):
    id = serializers.IntegerField(source="tag_id")
    name = serializers.CharField(source="tag.name")
    group = serializers.CharField(source="tag.group.name")
    source = serializers.CharField(source="tag.source")  # type: ignore[assignment]  # the API says `source`, as DRF does
    by = serializers.CharField(source="by.username", default=None)

    class Meta:
        model = MemberTag
        fields = ["id", "name", "group", "source", "at", "by", "due"]


class IdentitySerializer(serializers.Serializer[Any]):
    """Masked, unless the caller's token holds `members.reveal`."""

    kind = serializers.ChoiceField(choices=Identity.Kind.choices)
    value = serializers.SerializerMethodField()
    masked = serializers.SerializerMethodField()

    def get_value(self, row: Identity) -> str:  # type: ignore[override]  # a method field of that name
        return identities.plain(row) if self.context.get("reveal") else row.hint

    def get_masked(self, row: Identity) -> bool:
        return not self.context.get("reveal")


class MemberSerializer(serializers.ModelSerializer[Member]):
    """One member of the list; `identities` and `tags` are read for the whole page at once."""

    channel = serializers.SlugRelatedField(slug_field="code", read_only=True)  # type: ignore[var-annotated]
    attributes = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    identities = serializers.SerializerMethodField()
    tags = serializers.SerializerMethodField()

    class Meta:
        model = Member
        fields = [
            "id", "status", "name", "gender", "birthday", "province", "city", "attributes", "channel", "joined_at", "updated_at",
            "state", "identities", "tags",
        ]  # fmt: skip

    def get_attributes(self, member: Member) -> dict[str, Any]:
        hidden = self.context["sensitive"]
        return {key: MASK if key in hidden else value for key, value in member.attributes.items()}

    def get_state(self, member: Member) -> dict[str, Any] | None:
        state = getattr(member, "state", None)
        return StateSerializer(state).data if state else None

    def get_identities(self, member: Member) -> Any:
        rows = self.context["identities"].get(member.pk, [])
        return IdentitySerializer(rows, many=True, context=self.context).data

    def get_tags(self, member: Member) -> Any:
        return MemberTagSerializer(self.context["tags"].get(member.pk, []), many=True).data


class GivenIdentity(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Identity.Kind.choices)
    value = serializers.CharField(max_length=120)


class FactsSerializer(serializers.ModelSerializer[Member]):
    """The facts a program may set. Left out means unchanged."""

    channel = serializers.SlugRelatedField(slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True)
    attributes = serializers.DictField(required=False)

    class Meta:
        model = Member
        fields = ["status", "name", "gender", "birthday", "province", "city", "attributes", "channel", "joined_at"]
        extra_kwargs = {"joined_at": {"required": False}}

    def facts(self) -> dict[str, Any]:
        """What was given, as the services take it."""
        given = {name: value for name, value in self.validated_data.items() if name != "identities"}
        if "channel" in given:
            channel = given.pop("channel")
            given["channel_id"] = channel.pk if channel else None
        return given


class NewMemberSerializer(FactsSerializer):
    identities = GivenIdentity(many=True, required=False)

    class Meta(FactsSerializer.Meta):
        fields = [*FactsSerializer.Meta.fields, "identities"]

    def known_as(self) -> list[tuple[str, str]]:
        """(kind, value) pairs."""
        return [(row["kind"], row["value"]) for row in self.validated_data.get("identities", [])]


class OrderSerializer(serializers.ModelSerializer[Order]):
    channel = serializers.CharField(source="channel.code")

    class Meta:
        model = Order
        fields = [
            "id",
            "number",
            "channel",
            "status",
            "placed_at",
            "amount",
            "discount",
            "shipping",
            "refunded",
            "net_amount",
            "store",
        ]


class LineSerializer(serializers.ModelSerializer[OrderLine]):
    sku = serializers.CharField(source="product.sku")
    name = serializers.CharField(source="product.name")

    class Meta:
        model = OrderLine
        fields = ["n", "sku", "name", "quantity", "amount", "discount"]


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    class Meta:
        model = Consent
        fields = ["carrier", "purpose", "granted", "at", "source", "wording"]


class ConsentEntrySerializer(serializers.ModelSerializer[ConsentEntry]):
    class Meta:
        model = ConsentEntry
        fields = ["carrier", "purpose", "granted", "at", "source", "wording"]


class GivenConsent(serializers.Serializer[Any]):
    carrier = serializers.ChoiceField(choices=Consent.Carrier.choices)
    purpose = serializers.ChoiceField(choices=Consent.Purpose.choices, default=Consent.Purpose.MARKETING)
    granted = serializers.BooleanField()
    at = serializers.DateTimeField(required=False)
    wording = serializers.CharField(max_length=60, default="", allow_blank=True)


class MomentSerializer(serializers.Serializer[Any]):
    """One thing that happened."""

    kind = serializers.CharField()
    at = serializers.DateTimeField()
    title = serializers.CharField()
    text = serializers.CharField()


class GivenEvent(serializers.Serializer[Any]):
    """`id` is the sender's own: the same one again changes nothing. Either `member` or `identity`."""

    id = serializers.CharField(max_length=120)
    kind = serializers.RegexField(r"^[a-z][a-z0-9_.]{0,39}$")
    occurred_at = serializers.DateTimeField()
    member = serializers.IntegerField(required=False, min_value=1)
    identity = GivenIdentity(required=False)
    channel = serializers.CharField(max_length=30, default="", allow_blank=True)
    properties = serializers.DictField(required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if bool(given.get("member")) == bool(given.get("identity")):
            raise serializers.ValidationError("give either member or identity")
        return given


class EventBatch(serializers.Serializer[Any]):
    events = GivenEvent(many=True)


class TakenSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    repeated = serializers.IntegerField()
    refused = serializers.ListField(child=serializers.DictField())
    results = serializers.ListField(child=serializers.DictField())


class Chosen(serializers.Serializer[Any]):
    tag = serializers.IntegerField()


class Loser(serializers.Serializer[Any]):
    loser = serializers.IntegerField()
