"""The gate in front of every endpoint: a pool, a role in it, a permission per kind of act."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from scrm.staff.models import ApiToken
from scrm.staff.permissions import may


def resolve_pool(request: Request) -> None:
    """Give the request its pool and role: a token names them, a session takes them from the address.

    Raises 404 when there is no pool, or none the user may enter.
    """
    plain = request._request
    if isinstance(request.auth, ApiToken):
        # The middleware of the app that knows pools leaves its door with the request.
        plain.pool, plain.role = plain.enter_pool(request.user, pool_id=request.auth.pool_id) or (None, None)
    if getattr(plain, "pool", None) is None:
        raise Http404(_("没有这个会员池，或者您没有访问权限"))


class RolePermission(BasePermission):
    """Role in the pool and, for tokens, scope must both hold the permission of the act."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        resolve_pool(request)
        code = self.code(request, view)
        scoped = not isinstance(request.auth, ApiToken) or code in request.auth.scopes
        if not (may(request._request.role, code) and scoped):
            raise PermissionDenied(_("缺少权限：%(code)s") % {"code": code})
        return True

    @staticmethod
    def code(request: Request, view: Any) -> str:
        acts: dict[str, str] = view.permissions
        action = getattr(view, "action", None)
        if action in acts:
            return acts[action]
        return acts["read" if request.method in SAFE_METHODS else "write"]
