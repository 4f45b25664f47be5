"""Acts on many: asked for from the bar of the list, followed and taken back here."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import saved
from members.bulk import queries, services
from members.bulk.acts import Act, Asking, acts
from members.models import BulkAct
from members.views import exports
from members.views.listing import back
from scrm.lib import clock, formats
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import Refused, allow
from scrm.staff.permissions import may

PAGE = 30


@require_http_methods(["GET", "POST"])
@allow("members.view")
def bulk(request: HttpRequest) -> HttpResponse:
    """What was done to many; a POST does something more."""
    return _start(request) if request.method == "POST" else _recent(request)


def _recent(request: HttpRequest) -> HttpResponse:
    before = request.GET.get("before", "")
    found = queries.bulk_acts(request.pool)
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found[: PAGE + 1])
    following = str(rows[PAGE - 1].pk) if len(rows) > PAGE else ""
    lines = queries.lines(request.pool, rows[:PAGE], clock.now())
    return render_page(request, "bulk/list.html", "rows", {"lines": lines, "following": following})


def _start(request: HttpRequest) -> HttpResponse:
    key, whom = request.POST.get("action", ""), _whom(request)
    try:
        if key == "export":
            exports.ask(request, {"query": whom.query} if whom.everybody else {"ids": _picked(whom)})
        elif key == "merge":
            return _merge(whom)
        elif key in acts:
            _do(request, acts[key], whom)
        else:
            raise Http404("no such act")
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return back(request)


def _whom(request: HttpRequest) -> services.Whom:
    if request.POST.get("everything"):
        said = request.POST.get("expected", "")
        query = saved.cleaned(request.POST.get("query", ""))
        return services.Whom(query=query, everybody=True, expected=int(said) if said.isdecimal() and len(said) < 12 else None)
    return services.Whom(ids=tuple(int(value) for value in request.POST.getlist("pick") if value.isdecimal()))


def _picked(whom: services.Whom) -> list[int]:
    if not whom.ids:
        raise Problem("bulk.nobody", _("请先选择会员"))
    return list(whom.ids)


def _merge(whom: services.Whom) -> HttpResponseRedirect:
    """Two who may be one: side by side."""
    if whom.everybody or len(whom.ids) != 2:
        raise Problem("bulk.not_two", _("合并要正好选择两位会员"))
    return HttpResponseRedirect(f"{reverse('members:merge', args=[whom.ids[0]])}?with={whom.ids[1]}")


def _do(request: HttpRequest, act: Act, whom: services.Whom) -> None:
    if not may(request.role, act.permission):
        raise Refused(act.permission)
    asking = Asking(request.pool, request.user, clock.now())  # type: ignore[arg-type]
    made = services.start(asking=asking, act=act, whom=whom, data=_given(request, act))
    if made.job_id:
        toast(request, _("已开始，可在批量操作记录中查看进度、取消或撤销"))
        return
    said = act.said(request.pool, made.params)
    text = _("%(act)s：已更改 %(n)s 位会员") % {
        "act": f"{act.label}{formats.quoted(said)}" if said else act.label,
        "n": made.changed,
    }
    undoable = not services.why_not_undone(made, asking.as_of)
    toast(request, text, undo=reverse("members:bulk_undo", args=[made.pk]) if undoable else "")


def _given(request: HttpRequest, act: Act) -> dict[str, str]:
    """The fields of one act: all forms of the bar are one form, so each puts its key before its names."""
    given = {name: str(request.POST[name]) for name in request.POST}
    mine = {name.removeprefix(f"{act.key}."): value for name, value in given.items() if name.startswith(f"{act.key}.")}
    return given | mine


@require_GET
@allow("members.view")
def form(request: HttpRequest, key: str) -> HttpResponse:
    """The form of one act, read when its button is pressed."""
    if key not in acts or not acts[key].template:
        raise Http404("no such act")
    if not may(request.role, acts[key].permission):
        raise Refused(acts[key].permission)
    return render(request, acts[key].template, {**acts[key].context(request.pool), "act": acts[key]})


@require_POST
@allow("members.view")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an act back; whoever may do it may undo it."""
    found = queries.bulk_of(request.pool, pk)
    if found.act in acts and not may(request.role, acts[found.act].permission):
        raise Refused(acts[found.act].permission)
    try:
        _told(request, services.undo(bulk=found, actor=request.user, as_of=clock.now()))  # type: ignore[arg-type]
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    if not getattr(request, "htmx", False):
        return redirect("members:bulk")
    # A toast's way back loads the page again: what is said waits for that page.
    return HttpResponse(status=204, headers={"HX-Refresh": "false"})


def _told(request: HttpRequest, bulk: BulkAct) -> None:
    if bulk.undo_job_id:
        toast(request, _("撤销已开始，可在批量操作记录中查看进度"))
    elif bulk.kept:
        text = _("已撤销，%(n)s 位会员恢复原样；另有 %(kept)s 位之后又有变化，保持现状")
        toast(request, text % {"n": bulk.restored, "kept": bulk.kept}, level=messages.WARNING)
    else:
        toast(request, _("已撤销，%(n)s 位会员恢复原样") % {"n": bulk.restored})


@require_GET
@allow("members.view")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """One line of the record, read again while it runs."""
    (line,) = queries.lines(request.pool, [queries.bulk_of(request.pool, pk)], clock.now())
    return render(request, "bulk/line.html", {"line": line})
