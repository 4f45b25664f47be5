"""Long work of this app; importing this module declares it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Pool
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from segmentation.models import Segment
from segmentation.recalculation import services, steps
from segmentation.segments import services as segments


@job(services.KIND, title=_("重算会员状态"))
def recalculate(job: RunningJob) -> dict[str, Any]:
    assert job.pool_id is not None

    def report(step: str, number: int) -> None:
        job.checkpoint(done=number, total=len(steps.TITLES) - 1, phase=str(steps.TITLES[step]))

    run = services.recalculate(pool=Pool.objects.get(pk=job.pool_id), as_of=clock.now(), job_id=job.id, report=report)
    return {"run": run.pk, "steps": run.steps}


@job(segments.REFRESH, title=_("计算分群"))
def refresh_segment(job: RunningJob) -> dict[str, Any]:
    assert job.pool_id is not None
    segment = Segment.objects.select_related("pool").get(pk=job.params["segment"], pool_id=job.pool_id)
    try:
        size = segments.refresh(segment=segment, as_of=clock.now())
    except Exception as error:
        segments.fail(segment=segment, error=str(error))
        raise
    return {"size": size}
