"""Points over the API: balances, postings, spending, adjusting, the earning rule."""

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from loyalty import queries, services
from loyalty.models import Account, EarningRule, Entry
from members.models import Member
from scrm.lib import clock
from scrm.staff.api import PoolViewSet


class AccountSerializer(serializers.ModelSerializer[Account]):
    class Meta:
        model = Account
        fields = ["member_id", "balance", "debt"]


class EntrySerializer(serializers.ModelSerializer[Entry]):
    class Meta:
        model = Entry
        fields = ["member_id", "seq", "kind", "amount", "position_after", "key", "order_id", "reason", "at"]


class PostingSerializer(serializers.Serializer[Any]):
    amount = serializers.IntegerField()
    key = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=120, default="", allow_blank=True)


class RuleSerializer(serializers.ModelSerializer[EarningRule]):
    class Meta:
        model = EarningRule
        fields = ["n", "points", "step", "least", "starts_at", "created_at"]
        read_only_fields = ["n", "created_at"]


class PointsViewSet(PoolViewSet):
    """Points of one member; `pk` is the member's id."""

    permissions: ClassVar[dict[str, str]] = {"read": "points.view", "write": "points.adjust"}
    serializer_class = AccountSerializer
    queryset = Account.objects.none()
    lookup_value_regex = r"\d+"

    def _member(self, pk: str) -> Member:
        return get_object_or_404(Member, pk=pk, pool=self.pool, merged_into=None)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(AccountSerializer(queries.account_of(self._member(pk))).data)

    @extend_schema(responses=EntrySerializer(many=True))
    @action(detail=True)
    def entries(self, request: Request, pk: str) -> Response:
        member = self._member(pk)
        found = Entry.objects.filter(member=member)
        page = self.paginate_queryset(found)
        return self.get_paginated_response(EntrySerializer(page, many=True).data)

    ordering = "-seq"

    @extend_schema(request=PostingSerializer, responses=AccountSerializer)
    @action(detail=True, methods=["post"])
    def spend(self, request: Request, pk: str) -> Response:
        return self._booked(request, pk, services.spend)

    @extend_schema(request=PostingSerializer, responses=AccountSerializer)
    @action(detail=True, methods=["post"])
    def adjust(self, request: Request, pk: str) -> Response:
        return self._booked(request, pk, services.adjust)

    def _booked(self, request: Request, pk: str, service: Any) -> Response:
        given = PostingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        account = service(member=self._member(pk), **given.validated_data, at=clock.now(), actor=request.user)
        return Response(AccountSerializer(account).data)


class RuleViewSet(PoolViewSet):
    """Versions of the earning rule; posting makes a new one."""

    permissions: ClassVar[dict[str, str]] = {"read": "points.view", "write": "points.edit"}
    serializer_class = RuleSerializer
    queryset = EarningRule.objects.none()

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(queries.rules_of(self.pool.pk))
        return self.get_paginated_response(RuleSerializer(page, many=True).data)

    ordering = "-n"

    def create(self, request: Request) -> Response:
        given = RuleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        rule = services.save_rule(pool=self.pool, **given.validated_data, actor=request.user)
        return Response(RuleSerializer(rule).data, status=201)


def routes(router: SimpleRouter) -> None:
    router.register("points/rules", RuleViewSet, basename="points-rule")
    router.register("points", PointsViewSet, basename="points")
