"""The trail of acts over the API."""

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from scrm.staff.api import PoolViewSet
from scrm.staff.models import AuditEntry


class AuditSerializer(serializers.ModelSerializer[AuditEntry]):
    actor = serializers.CharField(source="actor.username", default=None)

    class Meta:
        model = AuditEntry
        fields = ["id", "at", "actor", "action", "target", "data"]


class AuditViewSet(PoolViewSet):
    """Acts in the pool, newest first; `action` filters by beginning."""

    permissions: ClassVar[dict[str, str]] = {"read": "audit.view"}
    serializer_class = AuditSerializer
    queryset = AuditEntry.objects.none()
    ordering = "-id"

    def list(self, request: Request) -> Response:
        found = AuditEntry.objects.filter(pool_id=self.pool.pk, action__startswith=request.query_params.get("action", ""))
        page = self.paginate_queryset(found.select_related("actor"))
        return self.get_paginated_response(AuditSerializer(page, many=True).data)


def routes(router: SimpleRouter) -> None:
    router.register("audit", AuditViewSet, basename="audit")
