from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.access import allow
from scrm.staff.permissions import may
from segmentation.recalculation import configurations, queries, services
from segmentation.recalculation import moves as moving
from segmentation.recalculation import preview as trying
from segmentation.recalculation import settings as chosen
from segmentation.recalculation.forms import LifecycleForm, PartForm, RfmForm


@require_GET
@allow("segments.view")
def settings(request: HttpRequest) -> HttpResponse:
    """RFM: the groups, what holds now, the configurations side by side, and the choices."""
    return _rfm(request, RfmForm(kept=chosen.of(request.pool)))


def _rfm(request: HttpRequest, form: PartForm, status: int = 200, **more: object) -> HttpResponse:
    context = {"form": form, "groups": queries.groups(request.pool), "table": configurations.side_by_side(request.pool)}
    return render(request, "models/rfm.html", {**context, **_page(request), **more}, status=status)


@require_GET
@allow("segments.view")
def lifecycle(request: HttpRequest) -> HttpResponse:
    """Lifecycle: stages with what they are worth, leads, and the choices."""
    return _lifecycle(request, LifecycleForm(kept=chosen.of(request.pool)))


def _lifecycle(request: HttpRequest, form: PartForm, status: int = 200, **more: object) -> HttpResponse:
    found = _page(request)
    stages = configurations.stages(request.pool, found["status"].edges)
    context = {"form": form, "stages": stages, "leads": queries.leads(request.pool), "judged": _judged(request)}
    return render(request, "models/lifecycle.html", {**found, **context, **more}, status=status)


def _judged(request: HttpRequest) -> dict[str, object] | None:
    found = queries.judged(request.pool)
    return found and found | {f"{name}_day": datetime.fromisoformat(found[name]) for name in ("cutoff", "until")}


def _page(request: HttpRequest) -> dict[str, object]:
    choices, status = chosen.of(request.pool), queries.status(request.pool)
    told = chosen.Choices.model_validate(status.full.settings) if status.full else choices
    return {
        "status": status,
        "words": trying.words(status.edges, told) if status.edges else None,
        "told": told,
        "stale": status.full is not None and told != choices,
        "may_run": may(request.role, "recalculation.run"),
    }


# -- Trying and saving ---------------------------------------------------------------------------
@require_POST
@allow("recalculation.run")
def preview(request: HttpRequest) -> HttpResponse:
    """What the form's choices of RFM would do."""
    return _preview(request, RfmForm(request.POST, kept=chosen.of(request.pool)))


@require_POST
@allow("recalculation.run")
def lifecycle_preview(request: HttpRequest) -> HttpResponse:
    """What the form's choices of stages would do."""
    return _preview(request, LifecycleForm(request.POST, kept=chosen.of(request.pool)))


def _preview(request: HttpRequest, form: PartForm) -> HttpResponse:
    """The part of the page below the form; the whole page where there is no JavaScript."""
    whole = _rfm if form.part == "rfm" else _lifecycle
    if not form.is_valid():
        return render(request, "models/preview.html", {"form": form}, status=422) if request.htmx else whole(request, form, 422)
    found = trying.preview(pool=request.pool, choices=form.choices, as_of=clock.now())
    words = trying.words(found.edges, form.choices)
    if not request.htmx:
        return whole(request, form, preview=found, tried=words, part=form.part)
    return render(request, "models/preview.html", {"preview": found, "words": words, "part": form.part})


@require_POST
@allow("recalculation.run")
def save(request: HttpRequest) -> HttpResponse:
    """Keep the choices of RFM and queue the run that applies them."""
    form = RfmForm(request.POST, kept=chosen.of(request.pool))
    return _save(request, form) if form.is_valid() else _rfm(request, form, 422)


@require_POST
@allow("recalculation.run")
def lifecycle_save(request: HttpRequest) -> HttpResponse:
    """Keep the choices of stages and queue the run that applies them."""
    form = LifecycleForm(request.POST, kept=chosen.of(request.pool))
    return _save(request, form) if form.is_valid() else _lifecycle(request, form, 422)


def _save(request: HttpRequest, form: PartForm) -> HttpResponse:
    services.save_choices(pool=request.pool, choices=form.choices, as_of=clock.now(), actor=request.user)
    messages.success(request, _("已保存，正在按新设置重算。"))
    return redirect("models:settings" if form.part == "rfm" else "models:lifecycle")


@require_POST
@allow("recalculation.run")
def run(request: HttpRequest) -> HttpResponse:
    """Ask for a full run."""
    services.ask(pool=request.pool, as_of=clock.now(), actor=request.user)
    messages.success(request, _("已开始重算，可在后台任务中查看进度。"))
    return redirect("models:settings")


# -- Between two days ----------------------------------------------------------------------------
@require_GET
@allow("segments.view")
def moves(request: HttpRequest) -> HttpResponse:
    """Who went from which class to which between any two days: `?kind=2&since=2026-09-01&until=2026-11-01`."""
    given, now = request.GET, clock.now()
    context: dict[str, object] = {"choices": moving.choices(request.pool), "kind": given.get("kind") or "1"}
    try:
        between = moving.span(request.pool, given.get("since"), given.get("until"), now)
        context |= {"since": between.first, "until": between.last, "found": moving.moves(request.pool, context["kind"], between)}
        context["query"] = urlencode({"kind": context["kind"], "since": between.first, "until": between.last})
        context["csv"] = f"{reverse('chart', args=['state_moves', 'csv'])}?{context['query']}"
    except Problem as problem:
        context |= {"since": given.get("since"), "until": given.get("until"), "problem": problem.message}
        return render(request, "models/moves.html", context, status=422)
    return render(request, "models/moves.html", context)
