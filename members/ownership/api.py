"""Staff, owners and hand-overs over the API."""

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members import queries as people
from members.models import Handover, OwnerChange, PoolAccess, Store
from members.ownership import queries, services
from members.team import profiles, workload
from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from scrm.staff.models import User

LIMIT = 10_000


class StaffSerializer(serializers.Serializer[Any]):
    """A colleague; figures of 30 days, sales in minor units."""

    id = serializers.IntegerField(source="who.pk")
    username = serializers.CharField(source="who.user.username")
    name = serializers.CharField(source="who.user")
    store = serializers.CharField(source="who.profile.store.code", default=None)
    job_title = serializers.CharField(source="who.profile.job_title", default="")
    wecom_userid = serializers.CharField(source="who.profile.wecom_userid", default="")
    is_on_duty = serializers.BooleanField(source="who.is_on_duty")
    left_on = serializers.DateField(source="who.profile.left_on", default=None)
    capacity = serializers.IntegerField(source="who.capacity", allow_null=True)
    members = serializers.IntegerField()
    leads = serializers.IntegerField()
    active = serializers.IntegerField()
    silent = serializers.IntegerField()
    sleeping = serializers.IntegerField()
    lost = serializers.IntegerField()
    reachable = serializers.IntegerField()
    tasks = serializers.IntegerField()
    overdue = serializers.IntegerField()
    touches = serializers.IntegerField()
    orders = serializers.IntegerField()
    sales = serializers.IntegerField()


class ProfileSerializer(serializers.Serializer[Any]):
    """`store` is a code. `phone` "" removes it; left out it stays."""

    store = serializers.CharField(max_length=40, allow_null=True, required=False)
    job_title = serializers.CharField(max_length=40, allow_blank=True, required=False)
    wecom_userid = serializers.CharField(max_length=64, allow_blank=True, required=False)
    joined_on = serializers.DateField(allow_null=True, required=False)
    capacity = serializers.IntegerField(allow_null=True, min_value=0, max_value=10_000_000, required=False)
    phone = serializers.CharField(max_length=30, allow_blank=True, required=False)


class NewStaffSerializer(ProfileSerializer):
    username = serializers.CharField(max_length=60)
    display_name = serializers.CharField(max_length=60, default="", allow_blank=True)


class LeaveSerializer(serializers.Serializer[Any]):
    on = serializers.DateField()


class LeftSerializer(serializers.Serializer[Any]):
    members = serializers.IntegerField(help_text="still theirs, to be handed over")


class StaffViewSet(PoolViewSet):
    """Who looks after members."""

    permissions: ClassVar[dict[str, str]] = {"read": "owners.view", "write": "staff.manage"}
    serializer_class = StaffSerializer
    queryset = PoolAccess.objects.none()
    lookup_value_regex = r"\d+"

    @extend_schema(responses=StaffSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Everybody with their workload."""
        return Response({"results": StaffSerializer(workload.loads(self.pool, clock.now()), many=True).data})

    def _load(self, pk: int) -> workload.Load:
        return next(row for row in workload.loads(self.pool, clock.now()) if row.who.pk == pk)

    def _facts(self, given: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        facts = {name: value for name, value in given.items() if name in profiles.FACTS}
        if "store" in given:
            code = given["store"]
            facts["store_id"] = get_object_or_404(Store, pool=self.pool, code=code).pk if code else None
        return facts, given.get("phone")

    @extend_schema(request=NewStaffSerializer, responses=StaffSerializer)
    def create(self, request: Request) -> Response:
        """A colleague without a login; give access under /api/team/."""
        given = NewStaffSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        facts, phone = self._facts(given.validated_data)
        made = profiles.add_colleague(
            pool=self.pool,
            username=given.validated_data["username"],
            display_name=given.validated_data["display_name"],
            facts=facts,
            phone=phone or "",
            actor=request.user,
        )
        return Response(StaffSerializer(self._load(made.user_id)).data, status=201)

    @extend_schema(request=ProfileSerializer, responses=StaffSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        who = queries.colleague_of(self.pool, int(pk))
        given = ProfileSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        facts, phone = self._facts(given.validated_data)
        profiles.save_profile(pool=self.pool, user=who.user, facts=facts, phone=phone, actor=request.user)
        return Response(StaffSerializer(self._load(who.pk)).data)

    @extend_schema(request=LeaveSerializer, responses=LeftSerializer)
    @action(detail=True, methods=["post"])
    def leave(self, request: Request, pk: str) -> Response:
        """Somebody has left: they receive nobody any more; hand their members over next."""
        who = queries.colleague_of(self.pool, int(pk))
        given = LeaveSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        left = profiles.leave(pool=self.pool, user=who.user, on=given.validated_data["on"], actor=request.user)
        return Response({"members": left})


class HandoverSerializer(serializers.ModelSerializer[Handover]):
    from_user = serializers.CharField(source="from_user.username", default=None)
    by = serializers.CharField(source="by.username", default=None)

    class Meta:
        model = Handover
        fields = [
            "id", "kind", "from_user", "split", "reason", "targets", "moved", "skipped",
            "job_id", "undo_job_id", "undone_at", "by", "created_at",
        ]  # fmt: skip


class NewHandoverSerializer(serializers.Serializer[Any]):
    """`query` is a query string of the member list; empty means everybody the person has."""

    from_user = serializers.IntegerField()
    to = serializers.ListField(child=serializers.IntegerField(), min_length=1, max_length=200)
    kind = serializers.ChoiceField(choices=[Handover.Kind.ON_DUTY, Handover.Kind.LEFT], default=Handover.Kind.ON_DUTY)
    split = serializers.ChoiceField(choices=Handover.Split.choices, default=Handover.Split.EVEN)
    query = serializers.CharField(max_length=1000, default="", allow_blank=True)
    reason = serializers.CharField(max_length=200)


class ShareSerializer(serializers.Serializer[Any]):
    to = serializers.CharField(source="user.username", default=None)
    planned = serializers.IntegerField()
    moved = serializers.IntegerField()
    staying = serializers.IntegerField()
    ordered = serializers.IntegerField()


class HandoverViewSet(PoolViewSet):
    """Members that change hands together: as a job, with its outcome, to be undone."""

    permissions: ClassVar[dict[str, str]] = {"read": "owners.view", "write": "owners.assign"}
    serializer_class = HandoverSerializer
    queryset = Handover.objects.none()
    lookup_value_regex = r"\d+"
    ordering = "-id"

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(queries.handovers(self.pool))
        return self.get_paginated_response(HandoverSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        found = queries.handover_of(self.pool, int(pk))
        shares = ShareSerializer(queries.outcome(found), many=True).data
        return Response({**HandoverSerializer(found).data, "shares": shares})

    @extend_schema(request=NewHandoverSerializer, responses=HandoverSerializer)
    def create(self, request: Request) -> Response:
        """202: it is under way; look at `job_id` under /api/jobs/."""
        given = NewHandoverSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = dict(given.validated_data)
        giver = queries.colleague_of(self.pool, wanted.pop("from_user")).user
        made = services.hand_over(pool=self.pool, from_user=giver, **wanted, actor=request.user, as_of=clock.now())
        return Response(HandoverSerializer(made).data, status=202)

    @extend_schema(request=None, responses=HandoverSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Whoever still is where the hand-over put them goes back."""
        services.undo(handover=queries.handover_of(self.pool, int(pk)), actor=request.user)
        return Response(HandoverSerializer(queries.handover_of(self.pool, int(pk))).data, status=202)


class AssignSerializer(serializers.Serializer[Any]):
    """Either `members` (ids) or `query` (of the member list, as a job). `to` null takes the owner away."""

    members = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=LIMIT, required=False)
    query = serializers.CharField(max_length=1000, required=False)
    to = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(max_length=200)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("members" in attrs) == ("query" in attrs):
            raise serializers.ValidationError({"members": "give either members or query"})
        return attrs


class AssignedSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField(allow_null=True)
    handover = serializers.IntegerField(allow_null=True)
    job_id = serializers.IntegerField(allow_null=True)


class OwnerChangeSerializer(serializers.ModelSerializer[OwnerChange]):
    from_user = serializers.CharField(source="from_user.username", default=None)
    to_user = serializers.CharField(source="to_user.username", default=None)
    by = serializers.CharField(source="by.username", default=None)
    how = serializers.CharField(source="get_how_display")

    class Meta:
        model = OwnerChange
        fields = ["member_id", "id", "from_user", "to_user", "how", "reason", "at", "by", "handover_id"]


class OwnerViewSet(PoolViewSet):
    """Who looks after whom."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "owners.assign"}
    serializer_class = OwnerChangeSerializer
    queryset = OwnerChange.objects.none()
    ordering: Any = ("-at", "-id")

    @extend_schema(parameters=[OpenApiParameter("member", int, required=True)], responses=OwnerChangeSerializer(many=True))
    def list(self, request: Request) -> Response:
        """One member's history, newest first."""
        number = request.query_params.get("member", "")
        member = people.member_of(self.pool, int(number) if number.isdecimal() else 0)
        page = self.paginate_queryset(queries.history(member))
        return self.get_paginated_response(OwnerChangeSerializer(page, many=True).data)

    @extend_schema(request=AssignSerializer, responses=AssignedSerializer)
    def create(self, request: Request) -> Response:
        """Ids are given at once (200), a query as a job (202)."""
        given = AssignSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        to: User | None = queries.colleague_of(self.pool, wanted["to"]).user if wanted["to"] else None
        common: dict[str, Any] = {
            "pool": self.pool,
            "to": to,
            "reason": wanted["reason"],
            "actor": request.user,
            "as_of": clock.now(),
        }
        if "members" in wanted:
            changed = services.assign(members=wanted["members"], **common)
            return Response({"changed": len(changed), "handover": None, "job_id": None})
        made = services.start_assign(chosen={"query": wanted["query"]}, **common)
        return Response({"changed": None, "handover": made.pk, "job_id": made.job_id}, status=202)


def routes(router: SimpleRouter) -> None:
    router.register("staff", StaffViewSet, basename="staff")
    router.register("handovers", HandoverViewSet, basename="handover")
    router.register("owners", OwnerViewSet, basename="owner")
