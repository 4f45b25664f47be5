"""A segment through time: who was in it on a day, who came and went between two, and the versions of its rule."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from pyroaring import BitMap

from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from segmentation.models import Segment
from segmentation.segments import history, services, versions
from segmentation.segments.views.finding import head, number_in, one, people

WEEK = timedelta(days=7)
SHOWN = {
    "entered": gettext_lazy("进入"),
    "left": gettext_lazy("离开"),
    "stayed": gettext_lazy("留下"),
    "before": gettext_lazy("起始日成员"),
    "after": gettext_lazy("截止日成员"),
}


@allow("segments.view")
@require_GET
def segment_history(request: HttpRequest, pk: int) -> HttpResponse:
    """Between two days: who entered, who left; and who was in it on either."""
    segment = one(request, pk)
    start, end, wrong = _days(request, segment)
    found = history.moves(segment, history.end_of(start, segment), history.end_of(end, segment))
    show = request.GET.get("show", "entered")
    show = show if show in SHOWN else "entered"
    context = {
        **head(request, segment, "history"),
        "start": start,
        "end": end,
        "wrong": wrong,
        "moves": found,
        "show": show,
        "tabs": _tabs(segment, found, start, end),
        "first": history.first_at(segment),
        "presets": _presets(segment),
        **people(request, _ids(found, show)),
    }
    return render_page(request, "segments/history.html", "moves", context)


def _days(request: HttpRequest, segment: Segment) -> tuple[date, date, str]:
    """The two days asked for, else the last week; and what is wrong with what was asked."""
    today = clock.now().astimezone(segment.pool.zone).date()
    chosen, wrong = [today - WEEK, today], ""
    for place, name in enumerate(("from", "to")):
        text = request.GET.get(name, "").strip()
        try:
            chosen[place] = date.fromisoformat(text) if text else chosen[place]
        except ValueError:
            wrong = _("「%(text)s」不是日期（如 2026-01-31）") % {"text": text[:40]}
    start, end = sorted(min(day, today) for day in chosen)
    return start, end, wrong


def _presets(segment: Segment) -> list[tuple[str, str, str]]:
    """Spans people ask for, as (name, from, to)."""
    today = clock.now().astimezone(segment.pool.zone).date()
    spans = ((_("昨天以来"), 1), (_("近 7 天"), 7), (_("近 30 天"), 30), (_("近 90 天"), 90))
    return [(name, (today - timedelta(days=days)).isoformat(), today.isoformat()) for name, days in spans]


def _ids(found: history.Moves, show: str) -> BitMap:
    return {"before": found.before.ids, "after": found.after.ids}.get(show) if show in ("before", "after") else found.of(show)  # type: ignore[return-value]


def _tabs(segment: Segment, found: history.Moves, start: date, end: date) -> list[dict[str, Any]]:
    """What can be looked at, how many each is, and the query of the member list for it."""
    queries_ = {way: ("segment_moved", f"{segment.pk}:{way}:{start}~{end}") for way in history.WAYS}
    queries_ |= {"before": ("segment_at", f"{segment.pk}:{start}"), "after": ("segment_at", f"{segment.pk}:{end}")}
    return [
        {"key": key, "label": label, "count": len(_ids(found, key)), "query": urlencode([queries_[key]])}
        for key, label in SHOWN.items()
    ]


# -- Versions ------------------------------------------------------------------------------------
@allow("segments.view")
@require_GET
def segment_versions(request: HttpRequest, pk: int) -> HttpResponse:
    """All rules it ever had, and what changed between two."""
    segment = one(request, pk)
    pair = versions.pair(segment, number_in(request, "old"), number_in(request, "new"))
    context = {
        **head(request, segment, "versions"),
        "versions": versions.versions(segment),
        "pair": pair,
        "lines": _lines(segment, pair),
    }
    return render_page(request, "segments/versions.html", "versions", context)


def _lines(segment: Segment, pair: Sequence[Any] | None) -> list[Any]:
    return list(versions.difference(segment, pair[0], pair[1])) if pair else []


@allow("segments.edit")
@require_POST
def segment_roll_back(request: HttpRequest, pk: int, n: int) -> HttpResponse:
    """The rule of an earlier version again."""
    segment = one(request, pk)
    try:
        saved = services.roll_back(segment=segment, n=n, actor=request.user)
    except Problem as problem:
        toast(request, _("不能恢复这一版：%(why)s") % {"why": problem.message}, level=messages.ERROR)
        return redirect("segments:versions", pk)
    if saved.version == segment.version:
        toast(request, _("规则与第 %(n)s 版相同，没有变化") % {"n": n}, level=messages.INFO)
    else:
        toast(request, _("已恢复第 %(n)s 版的规则，成为第 %(new)s 版") % {"n": n, "new": saved.version})
    return redirect("segments:versions", pk)
