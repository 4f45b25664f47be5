"""Static lists: made from pasted lines or a file, put on and taken off by the same."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from scrm.lib import clock, formats
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from segmentation.models import Segment
from segmentation.segments import queries, services
from segmentation.segments.forms import ListedForm, ListForm
from segmentation.segments.lists import resolve
from segmentation.segments.views.finding import head, one, people


@require_http_methods(["GET", "POST"])
@allow("segments.edit")
def list_new(request: HttpRequest) -> HttpResponse:
    """A static list from pasted lines or a file."""
    form = ListForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (made := _made(request, form)):
        toast(request, _("名单已保存：%(n)s 位会员") % {"n": made.found})
        _tell_unknown(request, made.unknown, made.missing)
        return redirect("segments:detail", made.segment.pk)
    return render(request, "segments/list_new.html", {"form": form}, status=422 if form.is_bound else 200)


def _made(request: HttpRequest, form: ListForm) -> services.ListMade | None:
    data = form.cleaned_data
    given = {"name": data["name"], "note": data["note"], "text": data["members"]}
    try:
        return services.save_list(pool=request.pool, actor=request.user, as_of=clock.now(), **given)
    except Problem as problem:
        form.add_error(next((field for field in problem.fields if field in form.fields), None), problem.message)
    return None


def _tell_unknown(request: HttpRequest, names: list[str], missing: int) -> None:
    """What named nobody: all of it, or how many with the first of them."""
    said = _("没有找到：%(names)s") if missing == len(names) else _("有 %(n)s 行没有找到会员，前几行是：%(names)s")
    if names:
        toast(request, said % {"n": missing, "names": formats.listed(names)}, level=messages.WARNING)


@require_http_methods(["GET", "POST"])
@allow("segments.edit")
def segment_listed(request: HttpRequest, pk: int) -> HttpResponse:
    """The members of a list, and the form that changes it."""
    segment = one(request, pk)
    if segment.kind != Segment.Kind.LIST:
        toast(request, _("只有静态名单可以增减会员"), level=messages.WARNING)
        return redirect("segments:detail", pk)
    form = ListedForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and _changed(request, segment, form):
        return redirect("segments:listed", pk)
    found = queries.members_now(segment, clock.now())
    context = {**head(request, segment, "listed"), "form": form, "size": len(found), **people(request, found)}
    return render_page(request, "segments/listed.html", "people", context, status=422 if form.is_bound else 200)


def _changed(request: HttpRequest, segment: Segment, form: ListedForm) -> bool:
    remove = form.cleaned_data["what"] == "remove"
    try:
        named = resolve(request.pool, form.cleaned_data["members"])
        made = services.edit_list(segment=segment, ids=named.ids, remove=remove, actor=request.user, as_of=clock.now())
    except Problem as problem:
        form.add_error(None, problem.message)
        return False
    n = made.changed
    taken = (
        ngettext("已移出 %(n)s 位会员", "已移出 %(n)s 位会员", n)
        if remove
        else ngettext("已加入 %(n)s 位会员", "已加入 %(n)s 位会员", n)
    )
    toast(request, taken % {"n": n})
    _tell_unknown(request, named.unknown, named.missing)
    return True
