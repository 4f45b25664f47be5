"""Long work of this app; importing this module declares it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Pool
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from segmentation.recalculation import services, steps


@job(services.KIND, title=_("重算会员状态"))
def recalculate(job: RunningJob) -> dict[str, Any]:
    def report(step: str, number: int) -> None:
        job.checkpoint(done=number, total=len(steps.TITLES) - 1, phase=step)

    run = services.recalculate(pool=Pool.objects.get(pk=job.pool_id), as_of=clock.now(), job_id=job.id, report=report)
    return {"run": run.pk, "steps": run.steps}
