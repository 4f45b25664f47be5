"""Cutting up a large pool as a job."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models import Pool
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from segmentation.portraits import services


@job(services.KIND, title=gettext_lazy("计算画像"))
def refresh(running: RunningJob) -> dict[str, Any]:
    """What was cut before a crash is not stale any more, so it is not cut again."""
    pool = Pool.objects.get(pk=running.pool_id or 0)

    def report(done: int, total: int) -> None:
        running.checkpoint(done=done, total=total, phase=_("读取各项资料与行为"))

    return {"cuts": services.refresh(pool=pool, as_of=clock.now(), report=report)}
