"""The tabs of the member list: keep one, change it, put it elsewhere, forget it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from members import saved
from members.models import SavedView
from members.views.listing import back
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow


@require_POST
@allow("members.view")
def save(request: HttpRequest) -> HttpResponse:
    """The list as it is becomes a tab."""
    query = request.POST.get("query", "")
    try:
        taste = saved.settings_of(request.pool, request.user)
        before = _from(request, query)
        view = saved.save_view(
            pool=request.pool,
            user=request.user,
            name=request.POST.get("name", ""),
            query=query,
            is_shared=bool(request.POST.get("shared")),
            layout=saved.layout_of(taste, before, QueryDict(query)),
        )
        if request.POST.get("first"):
            saved.choose_default(pool=request.pool, user=request.user, view=view)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return back(request)
    toast(request, _("已存为视图「%(name)s」") % {"name": view.name})
    return back(request, saved.address_of(view))


def _from(request: HttpRequest, query: str) -> SavedView | None:
    number = QueryDict(query).get("view", "")
    return saved.visible(request.pool, request.user).filter(pk=int(number)).first() if number.isdecimal() else None


@require_POST
@allow("members.view")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename, share, save what was changed, move, open first."""
    view = get_object_or_404(saved.visible(request.pool, request.user), pk=pk)
    what = request.POST.get("what", "")
    try:
        if what == "save":
            _save(request, view, query=request.POST.get("query", ""))
            toast(request, _("已保存视图「%(name)s」") % {"name": view.name})
        elif what == "edit":
            shared = bool(request.POST.get("shared"))
            _save(request, view, name=request.POST.get("name", ""), shared=shared)
        elif what in ("left", "right"):
            saved.move_view(pool=request.pool, user=request.user, view=view, by=-1 if what == "left" else 1)
        elif what in ("first", "not_first"):
            saved.choose_default(pool=request.pool, user=request.user, view=view if what == "first" else None)
        else:
            raise Problem("view.no_change", _("没有这种更改"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return back(request)


def _save(
    request: HttpRequest, view: SavedView, *, query: str | None = None, name: str | None = None, shared: bool | None = None
) -> None:
    saved.save_view(
        pool=request.pool,
        user=request.user,
        name=view.name if name is None else name,
        query=view.query if query is None else query,
        is_shared=view.is_shared if shared is None else shared,
        view=view,
    )


@require_POST
@allow("members.view")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pool=request.pool, pk=pk, owner=request.user)
    saved.delete_view(view=view, user=request.user)
    toast(request, _("已删除视图「%(name)s」") % {"name": view.name})
    return back(request, "view=all")
