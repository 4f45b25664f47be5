"""Merging and counting tags of many members as jobs; one transaction each, so that a crash changes nothing."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Pool, TagMerge
from members.tagging import figures, joining
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock


def _merge(running: RunningJob) -> TagMerge:
    return TagMerge.objects.select_related("by").get(pk=running.params["merge"], pool_id=running.pool_id or 0)


@job(joining.JOB, title=_("合并标签"))
def merge(running: RunningJob) -> dict[str, Any]:
    found = _merge(running)
    running.checkpoint(total=found.carriers)
    done = joining.perform(merge=found, as_of=clock.now())
    running.checkpoint(done=done.carriers, total=done.carriers)
    return {"members": done.carriers, "moved": done.moved}


@job(joining.UNDO_JOB, title=_("撤销标签合并"))
def undo(running: RunningJob) -> dict[str, Any]:
    found = _merge(running)
    running.checkpoint(total=found.carriers)
    if not found.undone_at:
        joining.undo(merge=found, actor=running.actor, as_of=clock.now())
    running.checkpoint(done=found.carriers)
    return {"members": found.carriers}


@job(figures.JOB, title=_("统计标签人数"))
def count(running: RunningJob) -> dict[str, Any]:
    pool = Pool.objects.get(pk=running.pool_id or 0)
    running.checkpoint(total=1)
    found, _alike = figures.read(pool, clock.now())
    running.checkpoint(done=1, total=1)
    return {"tags": len(found.tags)}
