"""The portrait of a segment, alone or beside another."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import clock
from scrm.lib.export import csv_response, xlsx_response
from scrm.lib.htmx import render_page
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from segmentation.models import Segment
from segmentation.portraits import queries, services, shown
from segmentation.portraits.queries import Portrait, Trait, View
from segmentation.segments.views.finding import head, number_in, one

FIRST = 10  # lines of a dimension before the others have to be opened


@allow("segments.view")
@require_GET
def segment_portrait(request: HttpRequest, pk: int) -> HttpResponse:
    """`?with=12` beside another segment, `?group=orders` its lines, `?chart=city` one dimension drawn."""
    segment, other, now = one(request, pk), _other(request, pk), clock.now()
    job = services.ready(pool=request.pool, as_of=now, actor=request.user) if segment.as_of else None
    found = queries.portrait(segment, now, other) if segment.as_of else None
    others = Segment.objects.filter(pool=request.pool, is_archived=False, as_of__isnull=False).exclude(pk=pk)
    context = {
        **head(request, segment, "portrait"),
        "job": job,
        "portrait": found,
        "other": other,
        "others": others.only("name", "size").order_by("name"),
        **(_shown(request, found) if found else {}),
    }
    return render_page(request, "portraits/detail.html", "portrait", context)


def _other(request: HttpRequest, pk: int) -> Segment | None:
    number = number_in(request, "with")
    return one(request, number) if number and number != pk else None


def _shown(request: HttpRequest, found: Portrait) -> dict[str, Any]:
    keys = [key for key, _name, _count in found.groups]
    group = request.GET.get("group", "")
    group = group if group in keys else (keys[0] if keys else "")
    views = found.of_group(group)
    drawn = next((view for view in views if view.about.key == request.GET.get("chart")), None)
    beside = f"&with={found.other.pk}" if found.other else ""
    return {
        "group": group,
        "cards": [_card(found, view) for view in views],
        "top": [(view, _line(found, trait)) for view, trait in found.top],
        "drawn": drawn,
        "height": 60 + len(drawn.traits) * (44 if found.other else 34) if drawn else 0,
        "top_height": 70 + len(found.top) * 56,
        "beside": beside,
    }


def _card(found: Portrait, view: View) -> dict[str, Any]:
    """A dimension: its first lines, and the others to be opened."""
    lines = [_line(found, trait) for trait in view.traits]
    cut = FIRST if len(lines) > FIRST + 3 else len(lines)
    hint = _("可以有多项") if view.about.many else ""
    return {"view": view, "hint": hint, "parts": [part for part in (lines[:cut], lines[cut:]) if part], "more": len(lines) - cut}


def _line(found: Portrait, trait: Trait) -> dict[str, Any]:
    """A trait with what the page says of it, and the rule of a new segment with it."""
    judged = trait.between or trait.figure
    rule = {"all": [{"fact": "segment", "op": "any", "value": [found.segment.pk]}, trait.rule]} if trait.rule else None
    name = f"{found.segment.name} · {trait.label}"[:80]
    return {
        "trait": trait,
        "judged": judged,
        "index": trait.between.index if trait.between else trait.figure.tgi,
        "verdict": shown.verdict(judged),
        "said": shown.said(judged),
        "new": urlencode({"name": name, "rule": json.dumps(rule)}) if rule and trait.figure.members else "",
    }


@allow("segments.view")
@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Every line as CSV or XLSX."""
    segment, now = one(request, pk), clock.now()
    services.ready(pool=request.pool, as_of=now, actor=request.user)
    found = queries.portrait(segment, now, _other(request, pk)) if segment.as_of else None
    if found is None:
        toast(request, _("画像还没有算好，请稍后再下载"))
        return redirect("portraits:detail", pk)
    title = _("%(name)s：画像") % {"name": segment.name}
    respond = csv_response if request.GET.get("form") == "csv" else xlsx_response
    return respond(title, shown.columns(found), shown.cells(queries.rows(found)))


@allow("segments.edit")
@require_POST
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the pool looked at again."""
    segment = one(request, pk)
    services.ask(pool=segment.pool, actor=request.user)
    toast(request, _("已开始更新画像"))
    return redirect("portraits:detail", pk)
