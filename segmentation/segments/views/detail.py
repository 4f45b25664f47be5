"""One segment as it is now, and what may be done with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from members.models import Member
from members.views import exports
from scrm.lib import clock, formats
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from segmentation.evaluate import Evaluation
from segmentation.models import Segment
from segmentation.segments import cadence, computing, history, queries, services, usage, versions
from segmentation.segments.forms import CadenceForm, FreezeForm, RenameForm, first_error
from segmentation.segments.lists import resolve
from segmentation.segments.views.finding import head, one

Said = dict[str, Any]  # what a form holds
Done = tuple[int, str]  # the segment to show, and what to say


@allow("segments.view")
@require_GET
def segment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a segment says, how large it is, why somebody is in it, and who uses it."""
    segment, now = one(request, pk), clock.now()
    look = Evaluation(request.pool, now)
    found = queries.members_now(segment, now, look)
    current = versions.current(segment)
    context = {
        **head(request, segment, "overview"),
        "current": current,
        "first": history.first_at(segment),
        "sentence": queries.sentence_of(request.pool, current.rule),
        "size": len(found),
        "total": len(look.universe),
        "share": len(found) / len(look.universe) if look.universe else 0,
        "sample": queries.sample(found),
        "bars": queries.reach(look, found, request.LANGUAGE_CODE),
        "uses": usage.uses(segment),
        "kept": queries.kept_tags(segment),
        "why": _why(request, segment, current.rule),
        "job": computing.job_of(segment) if segment.status == Segment.Status.BUILDING else None,
        "faults": _faults(segment, current.rule),
        "cadence": cadence.said(segment),
        "freeze": FreezeForm(),
        "rename": RenameForm(initial={"name": segment.name, "note": segment.note}),
        "cadence_form": CadenceForm.of(segment),
    }
    return render_page(request, "segments/detail.html", "state", context)


def _faults(segment: Segment, rule: Any) -> list[str]:
    """Why it could not be computed, in the reader's language where the rule itself says so."""
    if segment.status != Segment.Status.FAILED:
        return []
    try:
        services.checked(segment.pool, rule, segment)
    except services.BadRule as error:
        return [formats.labelled(fault["path"], fault["message"]) for fault in error.fields["rule"]]
    return [segment.error]


def _why(request: HttpRequest, segment: Segment, rule: Any) -> dict[str, Any] | None:
    """Each part of the rule for one member, and when they were in it."""
    text = request.GET.get("member", "").strip()[:120]
    if not text:
        return None
    named = resolve(request.pool, text).ids
    member = Member.objects.filter(pool=request.pool, pk=named[0]).first() if named else None
    if member is None:
        return {"text": text, "member": None}
    told = queries.why(segment, rule, member.pk, clock.now())
    return {"text": text, "member": member, **told, "periods": history.periods_of(segment, member.pk)[-12:]}


# -- What may be done ----------------------------------------------------------------------------
@allow("segments.edit")
@require_POST
def segment_refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Compute again now."""
    segment = one(request, pk)
    if segment.kind == Segment.Kind.LIVE:
        computing.ask_refresh(segment=segment, actor=request.user)
    return redirect("segments:detail", pk)


@allow("segments.edit")
@require_POST
def segment_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop computing; the figures of the last time stay."""
    computing.cancel(segment=one(request, pk), actor=request.user)
    toast(request, _("已取消计算；显示的是上一次的结果"))
    return redirect("segments:detail", pk)


@allow("segments.edit")
@require_POST
def segment_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Put away or bring back; refused while something needs it."""
    segment = one(request, pk)
    try:
        if segment.is_archived:
            services.restore(segment=segment, actor=request.user)
        else:
            services.archive(segment=segment, actor=request.user)
            toast(request, _("分群已归档"), undo=reverse("segments:archive", args=[pk]))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("segments:detail", pk)
    return redirect("segments:list")


@allow("segments.edit")
@require_POST
def segment_freeze(request: HttpRequest, pk: int) -> HttpResponse:
    """A snapshot of its members as a segment of its own."""

    def act(segment: Segment, data: Said) -> Done:
        return services.freeze(segment=segment, actor=request.user, as_of=clock.now(), **data).pk, _("快照已保存")

    return _dialog(request, pk, FreezeForm(request.POST), act)


@allow("segments.edit")
@require_POST
def segment_rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name or note."""

    def act(segment: Segment, data: Said) -> Done:
        return services.rename(segment=segment, actor=request.user, **data).pk, _("已保存")

    return _dialog(request, pk, RenameForm(request.POST), act)


@allow("segments.edit")
@require_POST
def segment_cadence(request: HttpRequest, pk: int) -> HttpResponse:
    """How often it is computed."""

    def act(segment: Segment, data: Said) -> Done:
        saved = services.set_cadence(segment=segment, actor=request.user, as_of=clock.now(), **data)
        return saved.pk, _("更新频率已改为：%(said)s") % {"said": cadence.said(saved)}

    return _dialog(request, pk, CadenceForm(request.POST), act)


def _dialog(request: HttpRequest, pk: int, form: Form, act: Callable[[Segment, Said], Done]) -> HttpResponse:
    """What a dialog asks: done, or why not, on the page it was opened from."""
    segment = one(request, pk)
    try:
        shown, said = act(segment, form.cleaned_data) if form.is_valid() else (pk, "")
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("segments:detail", pk)
    toast(request, said or first_error(form), level=messages.SUCCESS if said else messages.ERROR)
    return redirect("segments:detail", shown)


@allow("members.export")
@require_GET
def segment_export(request: HttpRequest, pk: int) -> HttpResponse:
    """Its members as a file: what for, which columns, masked or agreed to by a second person."""
    segment = one(request, pk)
    return exports.page(request, f"segment={segment.pk}", title=segment.name)
