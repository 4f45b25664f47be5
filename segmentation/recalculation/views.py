from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import clock
from scrm.staff.access import allow
from scrm.staff.permissions import may
from segmentation.recalculation import preview as trying
from segmentation.recalculation import queries, services
from segmentation.recalculation import settings as chosen
from segmentation.recalculation.forms import ChoicesForm


@require_GET
@allow("segments.view")
def settings(request: HttpRequest) -> HttpResponse:
    """The choices, what holds now, and the latest runs."""
    choices = chosen.of(request.pool)
    form = ChoicesForm(initial=ChoicesForm.initial_of(choices))
    return render(request, "models/settings.html", {"form": form, **_page(request, choices)})


def _page(request: HttpRequest, choices: chosen.Choices) -> dict[str, object]:
    status = queries.status(request.pool)
    groups, stages = queries.classes(request.pool)
    told = chosen.Choices.model_validate(status.full.settings) if status.full else choices
    return {
        "status": status,
        "groups": groups,
        "stages": stages,
        "words": trying.words(status.edges, told) if status.edges else None,
        "told": told,
        "stale": status.full is not None and told != choices,
        "runs": [(run, queries.shown_steps(run)) for run in queries.runs(request.pool)],
        "may_run": may(request.role, "recalculation.run"),
    }


@require_POST
@allow("recalculation.run")
def preview(request: HttpRequest) -> HttpResponse:
    """What the form's choices would do."""
    form = ChoicesForm(request.POST)
    if not form.is_valid():
        return render(request, "models/preview.html", {"form": form}, status=422)
    found = trying.preview(pool=request.pool, choices=form.choices, as_of=clock.now())
    return render(request, "models/preview.html", {"preview": found, "words": trying.words(found.edges, form.choices)})


@require_POST
@allow("recalculation.run")
def save(request: HttpRequest) -> HttpResponse:
    """Keep the choices and queue the run that applies them."""
    form = ChoicesForm(request.POST)
    if not form.is_valid():
        context = {"form": form, **_page(request, chosen.of(request.pool))}
        return render(request, "models/settings.html", context, status=422)
    services.save_choices(pool=request.pool, choices=form.choices, as_of=clock.now(), actor=request.user)
    messages.success(request, _("已保存，正在按新设置重算。"))
    return redirect("models:settings")


@require_POST
@allow("recalculation.run")
def run(request: HttpRequest) -> HttpResponse:
    """Ask for a full run."""
    services.ask(pool=request.pool, as_of=clock.now(), actor=request.user)
    messages.success(request, _("已开始重算，可在后台任务中查看进度。"))
    return redirect("models:settings")
