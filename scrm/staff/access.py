"""The gate in front of every page: signed in, inside a pool, holding the permission."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from scrm.staff.permissions import MATRIX, may

View = Callable[..., HttpResponse]


class Refused(PermissionDenied):
    """A role lacks a permission; the 403 page names it."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


def allow(permission: str) -> Callable[[View], View]:
    """Let a view run only for roles that hold `permission` in the request's pool.

    Not signed in: to the login page. No pool in the address, or no access to it: 404.
    """
    if permission not in MATRIX:
        raise KeyError(f"unknown permission {permission!r}")

    def gate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), login_url="/login/")
            if getattr(request, "pool", None) is None:
                raise Http404("no pool in the address")
            if not may(request.role, permission):
                raise Refused(permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return gate
