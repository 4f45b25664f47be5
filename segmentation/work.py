"""Long work of this app; importing this module declares it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Pool
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import backtest, services, steps
from segmentation.standings import running
from segmentation.standings import services as standings


@job(services.KIND, title=_("重算会员状态"))
def recalculate(job: RunningJob) -> dict[str, Any]:
    assert job.pool_id is not None

    pool = Pool.objects.get(pk=job.pool_id)
    run = _whole(job, pool)
    while services.is_outdated(run):  # told something else meanwhile
        run = _whole(job, pool)
    backtest.keep(run)
    for scheme in standings.stale(pool):  # likewise
        standings.ask(scheme=scheme)
    return {"run": run.pk, "steps": run.steps}


def _whole(job: RunningJob, pool: Pool) -> RecalculationRun:
    total = steps.FIRST + steps.EACH * len(running.wanted(pool))
    with services.alone(pool):
        return services.recalculate(pool=pool, as_of=clock.now(), job_id=job.id, report=_reporting(job, total))


def _part(job: RunningJob, scheme: Scheme) -> RecalculationRun | None:
    report = _reporting(job, 2 + steps.EACH)
    with services.alone(scheme.pool):
        return services.recalculate_scheme(scheme=scheme, as_of=clock.now(), job_id=job.id, report=report)


def _reporting(job: RunningJob, total: int) -> steps.Report:
    def report(step: str, number: int) -> None:
        job.checkpoint(done=min(number, total), total=total, phase=str(steps.title(step)))

    return report


@job(standings.KIND, title=_("重算方案"))
def recalculate_scheme(job: RunningJob) -> dict[str, Any]:
    assert job.pool_id is not None
    scheme = Scheme.objects.select_related("pool").get(pk=job.params["scheme"], pool_id=job.pool_id)
    run = _part(job, scheme)
    while run and (scheme := Scheme.objects.select_related("pool").get(pk=scheme.pk)).is_active and scheme.is_stale:
        run = _part(job, scheme)
    return {"run": run.pk if run else None}
