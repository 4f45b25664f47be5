"""Long work of segments; importing this module declares it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob, Stopped
from scrm.lib import clock
from scrm.lib.problems import Problem
from segmentation.models import Segment
from segmentation.segments import computing

PHASES = {computing.READING: _("读取条件"), computing.MOVING: _("比较并保存")}


@job(computing.REFRESH, title=_("计算分群"))
def refresh_segment(job: RunningJob) -> dict[str, Any]:
    assert job.pool_id is not None
    segment = Segment.objects.select_related("pool").get(pk=job.params["segment"], pool_id=job.pool_id)

    def report(phase: str) -> None:
        job.checkpoint(done=list(PHASES).index(phase), total=len(PHASES), phase=str(PHASES[phase]))

    try:
        return {"size": computing.refresh(segment=segment, as_of=clock.now(), report=report)}
    except Stopped:
        computing.stopped(segment)
        raise
    except Problem:
        raise
    except Exception as error:
        computing.fail(segment=segment, error=f"{type(error).__name__}: {error}", as_of=clock.now())
        raise
