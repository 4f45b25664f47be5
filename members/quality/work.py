"""Counting as a job: at a million members it takes seconds, and nobody waits for it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Pool
from members.quality import services
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock


@job(services.KIND, title=_("统计数据质量"))
def count(running: RunningJob) -> dict[str, Any]:
    return {"figures": services.count(pool=Pool.objects.get(pk=running.pool_id or 0), as_of=clock.now())}
