"""Which systems are told who enters and leaves a segment, what they were told, and what is still owed."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.permissions import may
from segmentation.models import Segment, SegmentHook, SegmentNotice
from segmentation.segments.forms import HookForm
from segmentation.segments.hooks import queries, services
from segmentation.segments.views.finding import head, number_in, one


def _hook(segment: Segment, pk: int) -> SegmentHook:
    return get_object_or_404(SegmentHook.objects.select_related("segment__pool"), segment=segment, pk=pk)


FIRST = {"tells_entered": True, "tells_left": True}


@require_GET
@allow("connectors.view")
def segment_hooks(request: HttpRequest, pk: int) -> HttpResponse:
    """The addresses that are told, and what they were told."""
    return _page(request, one(request, pk), HookForm(initial=FIRST))


@require_POST
@allow("connectors.edit")
def hook_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell one more address; its secret is shown this once."""
    segment, form = one(request, pk), HookForm(request.POST)
    secret = _created(request, segment, form) if form.is_valid() else ""
    return _page(request, segment, HookForm(initial=FIRST) if secret else form, secret)


def _created(request: HttpRequest, segment: Segment, form: HookForm) -> str:
    try:
        return services.create(segment=segment, actor=request.user, **form.cleaned_data).secret
    except Problem as problem:
        form.add_error(next((name for name in problem.fields if name in form.fields), None), problem.message)
    return ""


def _page(request: HttpRequest, segment: Segment, form: HookForm, secret: str = "") -> HttpResponse:
    found = list(queries.hooks(segment))
    context: dict[str, Any] = {
        **head(request, segment, "hooks"),
        "hooks": found,
        "notices": queries.notices(segment, number_in(request, "before"), request.GET.get("status", "")),
        "asked_status": request.GET.get("status", ""),
        "statuses": SegmentNotice.Status.choices,
        "form": form,
        "secret": secret,
        "may_change": may(request.role, "connectors.edit"),
        "waits": any(hook.waiting and hook.is_active for hook in found),
    }
    return render_page(request, "segments/hooks.html", "notices", context, status=422 if form.errors else 200)


@require_POST
@allow("connectors.edit")
def hook_act(request: HttpRequest, pk: int, hook_id: int, what: str) -> HttpResponse:
    """Switch a hook on or off, try it, sign with another secret, remove it, or send again what was not taken."""
    segment = one(request, pk)
    row = _hook(segment, hook_id)
    acts: dict[str, Callable[[HttpRequest, SegmentHook], str]] = {
        "switch": _switch,
        "test": _test,
        "secret": _secret,
        "remove": _remove,
        "retry": _retry,
    }
    if what not in acts:
        raise Http404
    try:
        secret = acts[what](request, row)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        secret = ""
    if secret:
        return _page(request, segment, HookForm(initial=FIRST), secret)
    return redirect("segments:hooks", pk)


def _switch(request: HttpRequest, hook: SegmentHook) -> str:
    kept = {"url": hook.url, "tells_entered": hook.tells_entered, "tells_left": hook.tells_left}
    services.change(hook=hook, is_active=not hook.is_active, actor=request.user, **kept)
    return ""


def _test(request: HttpRequest, hook: SegmentHook) -> str:
    answer = services.try_out(hook=hook, as_of=clock.now())
    if answer.is_taken:
        toast(request, _("测试成功：%(words)s") % {"words": answer.words})
    else:
        toast(request, _("测试没有成功：%(words)s") % {"words": answer.words}, level=messages.ERROR)
    return ""


def _secret(request: HttpRequest, hook: SegmentHook) -> str:
    return services.new_secret(hook=hook, actor=request.user).secret


def _remove(request: HttpRequest, hook: SegmentHook) -> str:
    services.remove(hook=hook, actor=request.user)
    toast(request, _("通知地址已删除"))
    return ""


def _retry(request: HttpRequest, hook: SegmentHook) -> str:
    text = request.POST.get("notice", "")
    notice = get_object_or_404(SegmentNotice, hook=hook, pk=int(text)) if text.isdecimal() and len(text) < 18 else None
    n = services.retry(hook=hook, notice=notice, actor=request.user, as_of=clock.now())
    toast(request, _("%(n)s 条通知将马上重新发送") % {"n": n})
    return ""
