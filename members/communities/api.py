"""Groups over the API: facts, health, people, and what happens in them in batches."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.communities import queries, services, watch
from members.communities.codes import problem, sentence
from members.communities.people import Person
from members.communities.services import LIMIT, Day, Happening
from members.models import Channel, Community, CommunityHealth, CommunityMember, CommunityPolicy, Identity, Store
from members.ownership.queries import colleague_of
from scrm.lib import clock
from scrm.staff.api import PoolViewSet


class HealthSerializer(serializers.ModelSerializer[CommunityHealth]):
    """Null: not enough data. Shares are 0 … 1, rates per member and day, `trend` per week."""

    class Meta:
        model = CommunityHealth
        exclude = ["community"]


class CommunitySerializer(serializers.ModelSerializer[Community]):
    """`owner` is a user id of the pool, `store` and `channel` are codes."""

    owner = serializers.IntegerField(source="owner_id", allow_null=True, required=False)
    store = serializers.CharField(source="store.code", allow_null=True, required=False)
    channel = serializers.CharField(source="channel.code", allow_null=True, required=False)
    created_at = serializers.DateTimeField(required=False)
    health = serializers.SerializerMethodField()

    class Meta:
        model = Community
        fields = [
            "id", "name", "external_id", "carrier", "channel", "owner", "store", "layer", "capacity", "created_at",
            "dissolved_at", "health",
        ]  # fmt: skip
        read_only_fields = ["dissolved_at"]
        validators: ClassVar[list[Any]] = []  # the service names the group that has the id

    @extend_schema(responses=HealthSerializer)
    def get_health(self, row: Community) -> Any:
        health = getattr(row, "health", None)
        return HealthSerializer(health).data if health else None


class PersonIdentity(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Identity.Kind.choices)
    value = serializers.CharField(max_length=120)


class HappeningSerializer(serializers.Serializer[Any]):
    """One join, leave or message. `id` is your own: the same one again is the same happening."""

    kind = serializers.ChoiceField(choices=["join", "leave", "message"])
    at = serializers.DateTimeField()
    member = serializers.IntegerField(required=False, min_value=1)
    identity = PersonIdentity(required=False)
    id = serializers.CharField(max_length=120, default="", allow_blank=True)
    nick = serializers.CharField(max_length=80, default="", allow_blank=True)
    invited_by = serializers.CharField(max_length=80, default="", allow_blank=True)
    how = serializers.CharField(max_length=20, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("member" in attrs) == ("identity" in attrs):
            raise serializers.ValidationError({"identity": "give either member or identity"})
        return attrs


class HappeningsSerializer(serializers.Serializer[Any]):
    items = HappeningSerializer(many=True)


class DaySerializer(serializers.Serializer[Any]):
    """A group's day as counted elsewhere."""

    community = serializers.IntegerField()
    day = serializers.DateField()
    messages = serializers.IntegerField(min_value=0, max_value=100_000_000)
    senders = serializers.IntegerField(min_value=0, max_value=1_000_000)
    joins = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False)
    leaves = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False)


class DaysSerializer(serializers.Serializer[Any]):
    days = DaySerializer(many=True)


class RefusedSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    code = serializers.CharField()
    message = serializers.CharField()


class HappeningsTakenSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    repeated = serializers.IntegerField()
    leads = serializers.IntegerField()
    refused = RefusedSerializer(many=True)


class StaySerializer(serializers.ModelSerializer[CommunityMember]):
    class Meta:
        model = CommunityMember
        fields = ["member_id", "n", "joined_at", "is_join_known", "left_at", "nick", "invited_by", "how"]


class HealthPolicySerializer(serializers.ModelSerializer[CommunityPolicy]):
    class Meta:
        model = CommunityPolicy
        exclude = ["pool"]


class CommunityViewSet(PoolViewSet):
    """Groups of the pool."""

    permissions: ClassVar[dict[str, str]] = {"read": "communities.view", "write": "communities.edit"}
    serializer_class = CommunitySerializer
    queryset = Community.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = "id"

    @extend_schema(
        parameters=[OpenApiParameter(name, str) for name in ("q", "external_id", "layer")]
        + [OpenApiParameter("dying", bool), OpenApiParameter("dissolved", bool)]
    )
    def list(self, request: Request) -> Response:
        """Groups with their health; `q` in name or id, `external_id` exactly."""
        page = self.paginate_queryset(self._found(request))
        return self.get_paginated_response(CommunitySerializer(page, many=True).data)

    def _found(self, request: Request) -> QuerySet[Community]:
        params = request.query_params
        rows = queries.found(self.pool, text=params.get("q", ""), dissolved=params.get("dissolved", "") in ("true", "1"))
        if params.get("external_id"):
            rows = rows.filter(external_id=params["external_id"])
        if params.get("layer"):
            rows = rows.filter(layer=params["layer"])
        return rows.filter(health__is_dying=True) if params.get("dying", "") in ("true", "1") else rows

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(CommunitySerializer(queries.community_of(self.pool, int(pk))).data)

    def create(self, request: Request) -> Response:
        return Response(self._save(request, None), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._save(request, queries.community_of(self.pool, int(pk))))

    def _save(self, request: Request, community: Community | None) -> Any:
        given = CommunitySerializer(community, data=request.data, partial=community is not None)
        given.is_valid(raise_exception=True)
        facts = dict(given.validated_data)
        if facts.get("owner_id"):
            colleague_of(self.pool, facts["owner_id"])
        for name, model in (("store", Store), ("channel", Channel)):
            if name in facts:
                code = (facts.pop(name) or {}).get("code")
                within: dict[str, Any] = {"pool": self.pool} if model is Store else {}
                facts[f"{name}_id"] = get_object_or_404(model, code=code, **within).pk if code else None
        saved = services.save_community(pool=self.pool, community=community, facts=facts, actor=request.user, as_of=clock.now())
        return CommunitySerializer(queries.community_of(self.pool, saved.pk)).data

    @extend_schema(request=None, responses=CommunitySerializer)
    @action(detail=True, methods=["post"])
    def dissolve(self, request: Request, pk: str) -> Response:
        now = clock.now()
        services.dissolve(community=queries.community_of(self.pool, int(pk)), at=now, actor=request.user, as_of=now)
        return self.retrieve(request, pk)

    @extend_schema(parameters=[OpenApiParameter("left", bool)], responses=StaySerializer(many=True))
    @action(detail=True, methods=["get"])
    def members(self, request: Request, pk: str) -> Response:
        """Who is in the group, or with `left=true` who left it; latest joined first."""
        left = request.query_params.get("left", "") in ("true", "1")
        community = queries.community_of(self.pool, int(pk))
        self.ordering = ("-joined_at", "-member_id", "-n")
        stays = CommunityMember.objects.filter(community=community, left_at__isnull=not left)
        return self.get_paginated_response(StaySerializer(self.paginate_queryset(stays), many=True).data)

    @extend_schema(request=HappeningsSerializer, responses=HappeningsTakenSerializer)
    @action(detail=True, methods=["post"])
    def happenings(self, request: Request, pk: str) -> Response:
        """At most 1,000 joins, leaves and messages. Late, repeated and unordered ones are harmless; strangers become leads."""
        community = queries.community_of(self.pool, int(pk))
        self._short(request, "items")
        given = HappeningsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        batch = [self._happening(row) for row in given.validated_data["items"]]
        return self._taken(
            services.record(community=community, happenings=batch, actor=request.user, as_of=clock.now()), status=201
        )

    def _happening(self, row: dict[str, Any]) -> Happening:
        identity = row.pop("identity", None) or {}
        who = Person(row.pop("member", None), identity.get("kind", ""), identity.get("value", ""))
        return Happening(person=who, **row)

    @extend_schema(request=DaysSerializer, responses=HappeningsTakenSerializer)
    @action(detail=False, methods=["post"])
    def days(self, request: Request) -> Response:
        """At most 1,000 days of activity as counted elsewhere; the latest report of a day holds."""
        self._short(request, "days")
        given = DaysSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        days = [Day(**row) for row in given.validated_data["days"]]
        return self._taken(services.report_days(pool=self.pool, days=days, actor=request.user, as_of=clock.now()), status=201)

    def _short(self, request: Request, name: str) -> None:
        rows = request.data.get(name) if isinstance(request.data, dict) else None
        if isinstance(rows, list) and len(rows) > LIMIT:
            raise problem("too_many", name, limit=LIMIT)

    def _taken(self, taken: services.Taken, status: int) -> Response:
        refused = [
            {"index": place, "code": code, "message": sentence(code, kinds=", ".join(Identity.Kind.values))}
            for place, code in taken.refused
        ]
        return Response(
            {"added": taken.added, "repeated": taken.repeated, "leads": taken.leads, "refused": refused}, status=status
        )

    @extend_schema(request=None, responses=HealthSerializer)
    @action(detail=True, methods=["post"])
    def measure(self, request: Request, pk: str) -> Response:
        """Compute the figures now."""
        community = queries.community_of(self.pool, int(pk))
        watch.measure(pool=self.pool, as_of=clock.now(), community=community)
        return Response(HealthSerializer(CommunityHealth.objects.get(community=community)).data)

    @extend_schema(responses=HealthPolicySerializer)
    @action(detail=False, methods=["get"])
    def policy(self, request: Request) -> Response:
        """Targets and thresholds in force."""
        return self._policy()

    def _policy(self) -> Response:
        row = watch.policy_of(self.pool)
        return Response({**HealthPolicySerializer(row).data, "layers": watch.layers_of(self.pool)})

    @extend_schema(request=HealthPolicySerializer, responses=HealthPolicySerializer)
    @policy.mapping.patch
    def set_policy(self, request: Request) -> Response:
        given = HealthPolicySerializer(watch.policy_of(self.pool), data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        watch.save_policy(pool=self.pool, values=given.validated_data, actor=request.user)
        return self._policy()


def routes(router: SimpleRouter) -> None:
    router.register("communities", CommunityViewSet, basename="community")
