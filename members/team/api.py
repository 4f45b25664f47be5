"""Who works in the pool, over the API."""

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.models import PoolAccess
from members.team import services
from scrm.staff.api import PoolViewSet
from scrm.staff.permissions import Role


class AccessSerializer(serializers.ModelSerializer[PoolAccess]):
    username = serializers.CharField(source="user.username", read_only=True)
    display_name = serializers.CharField(source="user.display_name", read_only=True)

    class Meta:
        model = PoolAccess
        fields = ["id", "username", "display_name", "role"]


class InviteSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=60)
    display_name = serializers.CharField(max_length=60, default="", allow_blank=True)
    password = serializers.CharField(write_only=True, default="", allow_blank=True)
    role = serializers.ChoiceField(choices=Role.choices)


class TeamViewSet(PoolViewSet):
    """Everyone with access to the pool."""

    permissions: ClassVar[dict[str, str]] = {"read": "staff.manage", "write": "staff.manage"}
    serializer_class = AccessSerializer
    queryset = PoolAccess.objects.none()
    lookup_value_regex = r"\d+"
    ordering = "id"

    def _access(self, pk: str) -> PoolAccess:
        return get_object_or_404(PoolAccess.objects.select_related("user"), pk=pk, pool=self.pool)

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(PoolAccess.objects.filter(pool=self.pool).select_related("user"))
        return self.get_paginated_response(AccessSerializer(page, many=True).data)

    @extend_schema(request=InviteSerializer, responses=AccessSerializer)
    def create(self, request: Request) -> Response:
        given = InviteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        access = services.invite(pool=self.pool, **given.validated_data, actor=request.user)
        return Response(AccessSerializer(access).data, status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        given = AccessSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.change_role(access=self._access(pk), role=given.validated_data["role"], actor=request.user)
        return Response(AccessSerializer(self._access(pk)).data)

    def destroy(self, request: Request, pk: str) -> Response:
        services.remove(access=self._access(pk), actor=request.user)
        return Response(status=204)


def routes(router: SimpleRouter) -> None:
    router.register("team", TeamViewSet, basename="team")
