"""Which pool a request is about, and what its user is there."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from members.models import Pool, PoolAccess
from scrm.lib.formats import in_currency, use_currency
from scrm.staff.models import User

PREFIX = "/p/"
COOKIE = "pool"
# Addresses that belong to no pool; everything else without one is sent to the user's pool.
UNPOOLED = ("/login/", "/logout/", "/static/", "/livez", "/readyz", "/t/", "/c/", "/api/", "/i18n/", "/hooks/", "/favicon.ico")


def enter(user: User, *, slug: str | None = None, pool_id: int | None = None) -> tuple[Pool, str] | None:
    """The pool and the user's role in it, or None when there is no such pool, no access, or it is archived."""
    wanted = PoolAccess.objects.filter(user_id=user.pk, pool__is_archived=False).select_related("pool")
    wanted = wanted.filter(pool__slug=slug) if slug is not None else wanted.filter(pool_id=pool_id or 0)
    access = wanted.first()
    return (access.pool, access.role) if access else None


def enter_by_token(user: User, *, pool_id: int) -> tuple[Pool, str] | None:
    """The same for a program, whose address names no pool: what it is told is in its pool's currency from here on."""
    if found := enter(user, pool_id=pool_id):
        use_currency(found[0].currency)
    return found


def pools_of(user: User) -> list[Pool]:
    """The pools a user may enter, by name."""
    return list(Pool.objects.filter(accesses__user_id=user.pk, is_archived=False).order_by("name"))


class PoolMiddleware:
    """Takes `/p/<slug>` off the address and puts it in front of every reversed one.

    URL patterns and templates know nothing of pools; a link stays inside the pool it was made in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.pool, request.role, request.enter_pool = None, None, enter_by_token  # type: ignore[attr-defined]
        if request.path_info.startswith(PREFIX):
            return self._inside(request)
        if not request.path_info.startswith(UNPOOLED) and request.user.is_authenticated:
            return self._to_a_pool(request)
        with in_currency("CNY"):
            return self.get_response(request)

    def _inside(self, request: HttpRequest) -> HttpResponse:
        slug, _, rest = request.path_info[len(PREFIX) :].partition("/")
        if request.user.is_authenticated:
            found = enter(request.user, slug=slug)  # type: ignore[arg-type]
            request.pool, request.role = found or (None, None)  # type: ignore[attr-defined]
            request.pools = SimpleLazyObject(lambda: pools_of(request.user))  # type: ignore[attr-defined, arg-type]
        request.path_info = f"/{rest}"
        before = get_script_prefix()
        set_script_prefix(f"{PREFIX}{slug}/")
        try:
            # Days, hours and money on a pool's pages are those of the pool.
            here = request.pool  # type: ignore[attr-defined]
            with timezone.override(here.zone if here else None), in_currency(here.currency if here else "CNY"):
                response = self.get_response(request)
        finally:
            set_script_prefix(before)
        if request.pool is not None:  # type: ignore[attr-defined]
            response.set_cookie(COOKIE, slug, max_age=31536000, samesite="Lax", httponly=True)
        return response

    def _to_a_pool(self, request: HttpRequest) -> HttpResponse:
        pools = pools_of(request.user)  # type: ignore[arg-type]
        if not pools or request.method != "GET":
            return self.get_response(request)
        slugs = [pool.slug for pool in pools]
        slug = request.COOKIES.get(COOKIE)
        return HttpResponseRedirect(f"{PREFIX}{slug if slug in slugs else slugs[0]}{request.get_full_path()}")
