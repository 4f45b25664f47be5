"""Applying rules of tags as jobs."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob, Stopped
from scrm.lib import clock
from segmentation.models import TagRule
from segmentation.tagging import applying


@job(applying.JOB, title=_("更新规则标签"))
def apply(running: RunningJob) -> dict[str, Any]:
    """Chunk by chunk; a crash leaves what was written, the next attempt does the rest."""
    rules = TagRule.objects.select_related("tag__group", "tag__pool", "pool")
    rule = rules.get(pk=running.params["rule"], pool_id=running.pool_id or 0)

    def report(done: int, total: int) -> None:
        running.checkpoint(done=done, total=total)

    try:
        runs = applying.apply(rule=rule, as_of=clock.now(), report=report)
    except Stopped:
        applying.stopped(rule=rule)
        raise
    except Exception as error:
        applying.fail(rule=rule, error=str(error))
        raise
    return {"tags": len(runs), "gained": sum(run.gained for run in runs), "lost": sum(run.lost for run in runs)}
