"""Long work of this app; importing this module declares it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Pool
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from segmentation.models import Scheme
from segmentation.recalculation import backtest, services, steps
from segmentation.standings import running
from segmentation.standings import services as standings


@job(services.KIND, title=_("重算会员状态"))
def recalculate(job: RunningJob) -> dict[str, Any]:
    assert job.pool_id is not None

    pool = Pool.objects.get(pk=job.pool_id)
    total = steps.FIRST + steps.EACH * len(running.wanted(pool))
    run = services.recalculate(pool=pool, as_of=clock.now(), job_id=job.id, report=_reporting(job, total))
    backtest.keep(run)
    for scheme in standings.stale(pool):  # told something else meanwhile
        standings.ask(scheme=scheme)
    return {"run": run.pk, "steps": run.steps}


def _reporting(job: RunningJob, total: int) -> steps.Report:
    def report(step: str, number: int) -> None:
        job.checkpoint(done=min(number, total), total=total, phase=str(steps.title(step)))

    return report


@job(standings.KIND, title=_("重算方案"))
def recalculate_scheme(job: RunningJob) -> dict[str, Any]:
    assert job.pool_id is not None
    scheme = Scheme.objects.select_related("pool").get(pk=job.params["scheme"], pool_id=job.pool_id)
    report = _reporting(job, 2 + steps.EACH)
    run = services.recalculate_scheme(scheme=scheme, as_of=clock.now(), job_id=job.id, report=report)
    while run and (scheme := Scheme.objects.select_related("pool").get(pk=scheme.pk)).is_active and scheme.is_stale:
        run = services.recalculate_scheme(scheme=scheme, as_of=clock.now(), job_id=job.id, report=report)
    return {"run": run.pk if run else None}
