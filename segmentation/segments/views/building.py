"""Composing a segment: the builder."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from segmentation import builder
from segmentation.models import Segment, SegmentVersion
from segmentation.preview import Preview, fact_groups, preview, windows
from segmentation.rules.parse import parse
from segmentation.segments import services
from segmentation.segments.forms import NameForm
from segmentation.segments.views.finding import one


@allow("segments.edit")
def segment_new(request: HttpRequest) -> HttpResponse:
    """Compose a segment; `?rule=` and `?name=` may begin it."""
    return _build(request, None)


@allow("segments.edit")
def segment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the rule of a live segment: a new version."""
    segment = one(request, pk)
    if segment.kind != Segment.Kind.LIVE:
        toast(request, _("快照和名单的成员是固定的，不能改规则"), level=messages.WARNING)
        return redirect("segments:detail", pk)
    return _build(request, segment)


def _build(request: HttpRequest, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        name = (
            {"name": segment.name, "note": segment.note, "kind": segment.kind}
            if segment
            else {"name": request.GET.get("name", "")}
        )
        return _builder(request, segment, _first_draft(request, segment), NameForm(initial=name))
    draft, commands, form = builder.decode(request.POST), request.POST.getlist("op"), NameForm(request.POST)
    for command in commands:  # one, and those pressed before it whose answers never came
        builder.edit(draft, command)
    if {"save", "save-as"} & set(commands):
        return _save(request, segment, draft, form, as_new="save-as" in commands)
    return _builder(request, segment, draft, NameForm(initial=request.POST.dict()))


def _first_draft(request: HttpRequest, segment: Segment | None) -> builder.Group:
    if segment is None:
        return _given_draft(request.GET.get("rule", "")) or builder.Group("all", [builder.Row()])
    wanted = request.GET.get("version", "")
    n = int(wanted) if wanted.isdecimal() and len(wanted) < 9 else segment.version
    return builder.draft(get_object_or_404(SegmentVersion, segment=segment, n=n).rule)


def _given_draft(text: str) -> builder.Group | None:
    """A rule in the address, as charts and the API's users link to it; nonsense is ignored."""
    try:
        rule = json.loads(text)
        parse(rule)
    except (ValueError, RecursionError):
        return None
    return builder.draft(rule)


def _save(request: HttpRequest, segment: Segment | None, draft: builder.Group, form: NameForm, *, as_new: bool) -> HttpResponse:
    shown = preview(request.pool, draft, clock.now())
    if form.is_valid() and not shown.faults:
        try:
            saved = _saved(request, None if as_new else segment, shown, form.cleaned_data)
        except services.BadRule as error:
            shown.tell(draft, error.faults)
        except Problem as problem:
            form.add_error("name" if "name" in problem.fields else None, problem.message)
            if problem.code == "version_moved":  # they have been told: saving again is meant
                return _builder(request, segment, draft, form, shown, status=422, based_on=problem.fields["version"])
        else:
            toast(request, _("分群已保存，正在计算"))
            return _go(request, reverse("segments:detail", args=[saved.pk]))
    return _builder(request, segment, draft, form, shown, status=422)


def _saved(request: HttpRequest, segment: Segment | None, shown: Preview, data: dict[str, Any]) -> Segment:
    named = {"pool": request.pool, "name": data["name"], "note": data["note"], "actor": request.user}
    if segment is None and data["kind"] == Segment.Kind.SNAPSHOT:
        services.checked(request.pool, shown.rule)
        return services.fix(ids=shown.result.bitmap, as_of=shown.result.as_of, rule=shown.rule, **named)
    return services.save(rule=shown.rule, segment=segment, based_on=_based_on(request), **named)


def _based_on(request: HttpRequest) -> int | None:
    """The version the writer had in front of them."""
    text = request.POST.get("based_on", "")
    return int(text) if text.isdecimal() and len(text) < 9 else None


def _go(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else HttpResponseRedirect(url)


def _builder(
    request: HttpRequest,
    segment: Segment | None,
    draft: builder.Group,
    form: NameForm,
    shown: Preview | None = None,
    status: int = 200,
    based_on: int | None = None,
) -> HttpResponse:
    context = {
        "segment": segment,
        "based_on": based_on or _based_on(request) or (segment.version if segment else None),
        "form": form,
        "preview": shown or preview(request.pool, draft, clock.now()),
        "facts": fact_groups(request.pool),
        "windows": windows(),
        "joins": [("all", _("且")), ("any", _("或")), ("none", _("非"))],
    }
    return render_page(request, "segments/builder.html", "builder", context, status=status)
