"""Data quality per source: the overview, and everything about one."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from members.models import Channel, DailyFigure
from members.quality import behind, queries, services
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.toasts import toast
from scrm.staff.access import allow

OPEN = (JobRun.Status.QUEUED, JobRun.Status.RUNNING)


def _standing(request: HttpRequest) -> dict[str, object]:
    counting = JobRun.objects.filter(pool_id=request.pool.pk, kind=services.KIND, status__in=OPEN).exists()
    return {"at": queries.counted_at(request.pool), "counting": counting}


@require_GET
@allow("insights.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Every source beside each other."""
    context = {"sources": queries.sources(request.pool, clock.now()), **_standing(request)}
    return render(request, "quality/overview.html", context)


@require_GET
@allow("insights.view")
def source(request: HttpRequest, source: str) -> HttpResponse:
    """One source: each figure leads to its members, each refusal to its import."""
    number = int(source)
    if number not in (DailyFigure.WHOLE, DailyFigure.NOWHERE) and not Channel.objects.filter(pk=number).exists():
        raise Http404("no such source")
    headings = queries.headings()
    refused = queries.refusals(request.pool, clock.now())
    rows = [each for found in refused.values() for each in found] if number == DailyFigure.WHOLE else refused.get(number, [])
    context = {
        "source": number,
        "name": behind.source_name(number),
        "sections": [(headings[key], key, lines) for key, lines in queries.sections(request.pool, number).items() if lines],
        "members": queries.latest(request.pool).get(number, {}).get("members", 0),
        "refused": rows,
        "imports": queries.imports(request.pool, number),
        **_standing(request),
    }
    return render(request, "quality/source.html", context)


@require_POST
@allow("quality.count")
def recount(request: HttpRequest) -> HttpResponse:
    """Count again now, by a worker."""
    services.ask(pool=request.pool, actor=request.user)
    toast(request, _("正在统计；完成后刷新本页即可看到"))
    return redirect("quality:overview")
