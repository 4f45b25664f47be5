"""What every endpoint shares."""

from typing import Any, ClassVar

from rest_framework.viewsets import GenericViewSet

from scrm.staff.idempotency import IdempotentWrites


class PoolViewSet(IdempotentWrites, GenericViewSet):
    """Base of all viewsets: `permissions` maps "read", "write" or an action's name to a code."""

    permissions: ClassVar[dict[str, str]] = {}

    @property
    def pool(self) -> Any:
        return self.request._request.pool

    @property
    def role(self) -> str:
        return str(self.request._request.role)
