"""Pages of schemes: which there are, how members are spread over one and moved, what it is told, how it was computed."""

import json
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from members import usage
from members.queries import live
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.permissions import may
from segmentation.models import Scheme
from segmentation.recalculation import moves as moving
from segmentation.recalculation import services as recalculation
from segmentation.standings import asked, paths, queries, services, states
from segmentation.standings import preview as trying
from segmentation.standings.families import Code, families, family, is_known
from segmentation.standings.forms import NameForm, SettingsForm, initial, settings_form


def _one(request: HttpRequest, pk: int) -> Scheme:
    found: Scheme = get_object_or_404(Scheme.objects.select_related("pool", "actor"), pool=request.pool, pk=pk)  # type: ignore[misc]
    if not is_known(found.family):
        raise Http404
    return found


@allow("segments.view")
@require_GET
def scheme_list(request: HttpRequest) -> HttpResponse:
    """All schemes with how members are spread over them."""
    archived = request.GET.get("archived") == "1"
    context = {
        "cards": queries.cards(request.pool, archived=archived),
        "archived": archived,
        "families": families(),
        "may_edit": may(request.role, "recalculation.run"),
    }
    return render(request, "standings/list.html", context)


# -- Settings ------------------------------------------------------------------------------------
@allow("recalculation.run")
def new(request: HttpRequest) -> HttpResponse:
    """A scheme of a family: `?family=value`."""
    key = request.POST.get("family") or request.GET.get("family", "")
    if not is_known(key):
        return render(request, "standings/families.html", {"families": families()})
    return _edit(request, key, None)


@allow("recalculation.run")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Other choices for a scheme."""
    scheme = _one(request, pk)
    return _edit(request, scheme.family, scheme)


def _edit(request: HttpRequest, key: str, scheme: Scheme | None) -> HttpResponse:
    name, form = _forms(request, key, scheme)
    if request.method == "POST" and name.is_valid() and form.is_valid():
        try:
            saved = services.save(
                pool=request.pool, family=key, settings=form.document(), scheme=scheme, actor=request.user, **name.cleaned_data
            )
        except Problem as problem:
            (name if "name" in problem.fields else form).add_error(None, problem.message)
        else:
            toast(request, _("方案已保存，正在计算") if saved.is_stale else _("方案已保存"))
            return redirect("standings:detail", saved.pk)
    status = 422 if request.method == "POST" else 200
    context = {"name": name, "form": form, "family": family(key), "scheme": scheme}
    return render(request, "standings/edit.html", context, status=status)


def _forms(request: HttpRequest, key: str, scheme: Scheme | None) -> tuple[NameForm, SettingsForm]:
    given = request.POST if request.method == "POST" else None
    named = {"name": scheme.name, "note": scheme.note} if scheme else {"name": str(family(key).title)}
    kept = scheme.settings if scheme else None
    return NameForm(given, initial=named), settings_form(key)(request.pool, given, initial=initial(key, kept))


@allow("recalculation.run")
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What the form's settings would do."""
    key, pk = request.POST.get("family", ""), request.POST.get("scheme", "")
    if not is_known(key):
        raise Http404
    scheme = _one(request, int(pk)) if pk.isdecimal() and len(pk) < 10 else None
    form = settings_form(key)(request.pool, request.POST)
    found, status = None, 422
    if form.is_valid():
        try:
            given = form.document()
            found = trying.preview(pool=request.pool, family_key=key, given=given, scheme=scheme, as_of=clock.now())
            status = 200
        except Problem as problem:
            form.add_error(None, problem.message)
    context = {"preview": found, "form": form, "family": family(key)}
    if not request.htmx:
        return render(
            request, "standings/edit.html", {**context, "name": NameForm(request.POST), "scheme": scheme}, status=status
        )
    return render(request, "standings/preview.html", context, status=status)


@allow("recalculation.run")
@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Put away or bring back; refused while something needs it."""
    scheme = _one(request, pk)
    try:
        if scheme.is_active:
            services.archive(scheme=scheme, actor=request.user, as_of=clock.now())
            toast(request, _("方案已归档"), undo=reverse("standings:archive", args=[pk]))
        else:
            services.restore(scheme=scheme, actor=request.user, as_of=clock.now())
            toast(request, _("方案已恢复，正在计算"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("standings:detail", pk)
    return redirect("standings:list" if scheme.is_active else "standings:detail", *([] if scheme.is_active else [pk]))


@allow("recalculation.run")
@require_POST
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Compute everybody anew in this scheme."""
    services.ask(scheme=_one(request, pk), actor=request.user)
    toast(request, _("已开始计算"))
    return redirect("standings:runs") if request.POST.get("next") == "runs" else redirect("standings:detail", pk)


# -- How members stand ---------------------------------------------------------------------------
@allow("segments.view")
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Sizes, history, movements between two days, and who stands in a class."""
    scheme, now = _one(request, pk), clock.now()
    code, due = _code(request, scheme), request.GET.get("due", "")
    rows = queries.distribution(scheme)
    members, total = sum(row.members for row in rows), live(request.pool).count()
    context = {
        "scheme": scheme,
        "family": family(scheme.family),
        "classes": rows,
        "many": len(rows) > queries.MANY,
        "path": paths.path(scheme, now) if scheme.applied is not None else [],
        "members": members,
        "total": total,
        "absent": max(total - members, 0),
        "reached": members / total if total else None,
        "outside": family(scheme.family).outside(queries.chosen(scheme)),
        "whole": sum(row.value or 0 for row in rows),
        "told": queries.told(scheme),
        "job": queries.open_job(scheme),
        "expected": queries.expected(scheme, now),
        "people": queries.people(scheme, code=code, due=due, as_of=now, after=request.GET.get("after", "")),
        "code": code,
        "due": due if due in queries.DUE else "",
        "rules": {row.code.number: json.dumps(rule_of(scheme, row.code.number)) for row in rows},
        "uses": usage.uses(services.USED, scheme.pool_id, scheme.pk),
        "may_edit": may(request.role, "recalculation.run"),
        "may_segment": may(request.role, "segments.edit"),
        **_matrix(request, scheme, now),
    }
    return render_page(request, "standings/detail.html", "people", context)


def rule_of(scheme: Scheme, code: int) -> dict[str, Any]:
    """The condition that selects a class, for the builder of segments."""
    return {"all": [{"fact": f"standing.{scheme.pk}", "op": "in", "value": [code]}]}


def _code(request: HttpRequest, scheme: Scheme) -> int | None:
    text = request.GET.get("code", "")
    known = {str(code.number): code.number for code in queries.codes(scheme)}
    return known.get(text)


def _matrix(request: HttpRequest, scheme: Scheme, now: datetime) -> dict[str, Any]:
    """Movements between the ends of two days; each cell leads to its members."""
    since, until = asked.days(request.GET, scheme, now)
    found = queries.migrations(scheme, *asked.ends(scheme, since, until))
    numbers: list[int | None] = [*(head.number for head in found.heads), None]

    between = moving.Span(request.pool, since, until)

    def way(was: Code | None, end: Code | None) -> str:
        return moving.address(scheme.kind, was and was.number, end and end.number, between)

    def cells(was: int | None, row: list[int]) -> list[tuple[int, str, bool]]:
        ways = zip(numbers, row, strict=False)
        return [(n, moving.address(scheme.kind, was, end, between), was == end) for end, n in ways]

    rows = [(code.label, cells(code.number, row), total) for code, row, total in found.rows if code]
    return {
        "matrix": found,
        "rows": rows,
        "entered": cells(None, found.entered),
        "since": since,
        "until": until,
        "ways": [(was, end, n, way(was, end)) for was, end, n in queries.largest(found)],
    }


# -- The recalculation ---------------------------------------------------------------------------
@allow("segments.view")
@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """Each step of the chain: how far it has come, its rows and time, and the latest runs."""
    context = {"state": states.state(request.pool), "may_run": may(request.role, "recalculation.run")}
    return render(request, "standings/runs.html", context)


@allow("recalculation.run")
@require_POST
def run_all(request: HttpRequest) -> HttpResponse:
    """Ask for a full run."""
    recalculation.ask(pool=request.pool, as_of=clock.now(), actor=request.user)
    toast(request, _("已开始全量重算"))
    return redirect("standings:runs")
