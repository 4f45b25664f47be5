"""Reach over the API: connectors without their secrets, contents, deliveries, receipts, the contact policy."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.models import Consent, Member, Pool
from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from touchpoints import policy, queries, receipts, services
from touchpoints.connectors.registry import CONNECTORS
from touchpoints.links import key_of
from touchpoints.models import Block, Connector, Content, Delivery, Step


class ConnectorSerializer(serializers.ModelSerializer[Connector]):
    key = serializers.ChoiceField(choices=[])
    config = serializers.DictField(default=dict)
    secrets = serializers.DictField(child=serializers.CharField(allow_blank=True), write_only=True, default=dict)

    class Meta:
        model = Connector
        fields = [
            "id",
            "key",
            "name",
            "config",
            "secrets",
            "carrier",
            "is_active",
            "is_sandbox",
            "open_until",
            "problem",
            "created_at",
        ]
        read_only_fields = ["open_until", "problem", "created_at"]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["key"] = serializers.ChoiceField(choices=list(CONNECTORS))
        return fields


class AddressSerializer(serializers.Serializer[Any]):
    address = serializers.CharField(max_length=200, allow_blank=True, default="")
    content = serializers.IntegerField(required=False)


class WordsSerializer(serializers.Serializer[Any]):
    words = serializers.CharField()


class ConnectorViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, PoolViewSet):
    """Accounts at providers. Secrets go in and never come out."""

    permissions: ClassVar[dict[str, str]] = {"read": "connectors.view", "write": "connectors.edit"}
    serializer_class = ConnectorSerializer
    queryset = Connector.objects.none()

    def get_queryset(self) -> "QuerySet[Connector]":
        return Connector.objects.filter(pool=self.pool)

    def create(self, request: Request) -> Response:
        return Response(self._saved(request, None), status=status.HTTP_201_CREATED)

    def update(self, request: Request, pk: str) -> Response:
        return Response(self._saved(request, self.get_object()))

    def _saved(self, request: Request, connector: Connector | None) -> Any:
        given = ConnectorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = dict(given.validated_data)
        if connector is not None:
            data["key"] = connector.key
        row = services.save_connector(pool=self.pool, connector=connector, actor=request.user, **data)
        return ConnectorSerializer(row).data

    @extend_schema(request=None, responses=WordsSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Talk to the provider without sending."""
        return Response({"words": services.test_connector(connector=self.get_object(), actor=request.user)})

    @extend_schema(request=AddressSerializer, responses=WordsSerializer)
    @action(detail=True, methods=["post"], url_path="send-test")
    def send_test(self, request: Request, pk: str) -> Response:
        """Send one message to an address given by hand."""
        given = AddressSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        number = given.validated_data.get("content")
        content = get_object_or_404(Content, pool=self.pool, pk=number) if number else None
        address = given.validated_data["address"]
        words = services.send_test(connector=self.get_object(), address=address, content=content, actor=request.user)
        return Response({"words": words})


class ContentSerializer(serializers.ModelSerializer[Content]):
    class Meta:
        model = Content
        fields = ["id", "carrier", "name", "subject", "body", "link", "obstacle", "created_at"]
        read_only_fields = ["created_at"]


class ContentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, PoolViewSet):
    """What messages say. Changing one that is in use makes a new one."""

    permissions: ClassVar[dict[str, str]] = {"read": "campaigns.view", "write": "campaigns.edit"}
    serializer_class = ContentSerializer
    queryset = Content.objects.none()
    ordering = "-id"

    def get_queryset(self) -> "QuerySet[Content]":
        return queries.contents(self.pool, self.request.query_params.get("carrier", ""))

    def create(self, request: Request) -> Response:
        return Response(self._saved(request, None), status=status.HTTP_201_CREATED)

    def update(self, request: Request, pk: str) -> Response:
        return Response(self._saved(request, self.get_object()))

    def _saved(self, request: Request, content: Content | None) -> Any:
        given = ContentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = services.save_content(pool=self.pool, content=content, actor=request.user, **given.validated_data)
        return ContentSerializer(row).data


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    key = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields = [
            "key", "member_id", "step_id", "content_id", "status", "reason", "detail", "attempt", "next_at",
            "sent_at", "delivered_at", "opened_at", "clicked_at", "failed_at",
        ]  # fmt: skip

    def get_key(self, row: Delivery) -> str:
        return key_of(row.member_id, row.step_id)

    def get_status(self, row: Delivery) -> str:
        return Delivery.Status(row.status).name.lower()


class DeliveryViewSet(mixins.ListModelMixin, PoolViewSet):
    """Messages to members: `?step=`, `?member=`, `?status=failed`, `?reason=`."""

    permissions: ClassVar[dict[str, str]] = {"read": "campaigns.view", "write": "connectors.edit"}
    serializer_class = DeliverySerializer
    queryset = Delivery.objects.none()
    ordering = ("member_id", "step_id")

    def get_queryset(self) -> "QuerySet[Delivery]":
        given = self.request.query_params
        rows = Delivery.objects.filter(pool=self.pool)
        for name in ("step", "member"):
            if given.get(name, "").isdecimal():
                rows = rows.filter(**{f"{name}_id": int(given[name])})
        if given.get("status", "").upper() in Delivery.Status.names:
            rows = rows.filter(status=Delivery.Status[given["status"].upper()])
        return rows.filter(reason=given["reason"]) if given.get("reason") else rows


class StepSerializer(serializers.ModelSerializer[Step]):
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Step
        fields = [
            "id",
            "source",
            "connector_id",
            "purpose",
            "is_paused",
            "is_cancelled",
            "due_at",
            "closes_at",
            "created_at",
            "counts",
        ]

    def get_counts(self, row: Step) -> dict[str, Any]:
        found = queries.step_counts([row.pk])[row.pk]
        return {**vars(found)}


class StepViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, PoolViewSet):
    """Sends and how far they are."""

    permissions: ClassVar[dict[str, str]] = {"read": "campaigns.view", "write": "campaigns.launch"}
    serializer_class = StepSerializer
    queryset = Step.objects.none()
    ordering = "-id"

    def get_queryset(self) -> "QuerySet[Step]":
        return Step.objects.filter(pool=self.pool)


class ReceiptSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=60)
    kind = serializers.ChoiceField(choices=receipts.KINDS)
    at = serializers.DateTimeField()
    detail = serializers.CharField(max_length=200, default="", allow_blank=True)


class ReceiptsSerializer(serializers.Serializer[Any]):
    connector = serializers.IntegerField()
    receipts = ReceiptSerializer(many=True, max_length=receipts.MOST)  # type: ignore[call-arg]


class NewReceiptsSerializer(serializers.Serializer[Any]):
    new = serializers.IntegerField()


class ReceiptViewSet(PoolViewSet):
    """What providers report, for gateways that cannot sign: repeats and disorder are harmless."""

    permissions: ClassVar[dict[str, str]] = {"read": "connectors.view", "write": "connectors.edit"}
    serializer_class = ReceiptsSerializer

    @extend_schema(request=ReceiptsSerializer, responses=NewReceiptsSerializer)
    def create(self, request: Request) -> Response:
        given = ReceiptsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        connector = get_object_or_404(Connector, pool=self.pool, pk=given.validated_data["connector"])
        found = [receipts.Receipt(**row) for row in given.validated_data["receipts"]]
        return Response({"new": receipts.record(found, connector=connector, as_of=clock.now())})


class PolicySerializer(serializers.Serializer[Any]):
    cap_day = serializers.IntegerField(default=1)
    cap_week = serializers.IntegerField(default=3)
    quiet_start = serializers.CharField(default="21:00", allow_blank=True)
    quiet_end = serializers.CharField(default="09:00", allow_blank=True)
    consent = serializers.ChoiceField(choices=["required", "unless_refused"], default="required")
    stage_caps = serializers.DictField(child=serializers.IntegerField(min_value=0), default=dict)


class PolicyViewSet(PoolViewSet):
    """The contact policy of the pool."""

    permissions: ClassVar[dict[str, str]] = {"read": "connectors.view", "write": "policy.edit"}
    serializer_class = PolicySerializer
    queryset = Pool.objects.none()
    pagination_class = None

    @extend_schema(responses=PolicySerializer)
    def list(self, request: Request) -> Response:
        return Response(policy.as_data(policy.of(self.pool)))

    @extend_schema(request=PolicySerializer, responses=PolicySerializer)
    def create(self, request: Request) -> Response:
        given = PolicySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        rules = services.save_policy(pool=self.pool, values=dict(given.validated_data), actor=request.user)
        return Response(policy.as_data(rules))


class BlockSerializer(serializers.ModelSerializer[Block]):
    member_id = serializers.IntegerField()
    carrier = serializers.ChoiceField(choices=Consent.Carrier.choices)

    class Meta:
        model = Block
        fields = ["member_id", "carrier", "reason", "source", "at"]
        read_only_fields = ["reason", "source", "at"]


class BlockViewSet(mixins.ListModelMixin, PoolViewSet):
    """Who must not be written to, by carrier."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "members.edit"}
    serializer_class = BlockSerializer
    queryset = Block.objects.none()
    ordering = ("member_id", "carrier")

    def get_queryset(self) -> "QuerySet[Block]":
        return Block.objects.filter(member__pool=self.pool)

    def create(self, request: Request) -> Response:
        given = BlockSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        member = get_object_or_404(Member, pool=self.pool, pk=given.validated_data["member_id"])
        carrier = given.validated_data["carrier"]
        block = services.block_member(member=member, carrier=carrier, at=clock.now(), actor=request.user)
        return Response(BlockSerializer(block).data, status=status.HTTP_201_CREATED)


def routes(router: SimpleRouter) -> None:
    """Everything of reach under /api/."""
    router.register("connectors", ConnectorViewSet, basename="connector")
    router.register("contents", ContentViewSet, basename="content")
    router.register("deliveries", DeliveryViewSet, basename="delivery")
    router.register("steps", StepViewSet, basename="step")
    router.register("receipts", ReceiptViewSet, basename="receipt")
    router.register("contact-policy", PolicyViewSet, basename="contact-policy")
    router.register("blocks", BlockViewSet, basename="block")
