"""Bulk acts and their undoing as jobs: chunk by chunk, each with its note, so that a crash costs one chunk."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.bulk import homes, own, services  # noqa: F401  (the list's own acts announce themselves)
from members.bulk.acts import acts
from members.models import BulkAct
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock


def _bulk(running: RunningJob) -> BulkAct:
    return BulkAct.objects.select_related("pool", "by").get(pk=running.params["bulk"], pool_id=running.pool_id or 0)


@job(services.JOB, title=_("批量操作会员"))
def bulk(running: RunningJob) -> dict[str, Any]:
    """Freeze who is meant, then do it in chunks."""
    act = _bulk(running)
    picked = running.params.get("ids")
    whom = services.Whom(ids=tuple(picked or ()), query=act.query, everybody=picked is None)
    total = services.freeze(act, whom)
    label = str(acts[act.act].label)
    running.checkpoint(done=act.done, total=total, phase=label)
    for n in range(services.pieces(act)):
        services.advance(act, n)
        running.checkpoint(done=min(total, (n + 1) * services.CHUNK))
    services.finish(act, clock.now())
    return {"members": total, "changed": act.changed, "act": act.act}


@job(services.UNDO_JOB, title=_("撤销批量操作"))
def undo(running: RunningJob) -> dict[str, Any]:
    """Take the chunks back, the last one first."""
    act = _bulk(running)
    done = 0
    running.checkpoint(total=act.changed, phase=str(acts[act.act].label))
    for n in reversed(range(services.pieces(act))):
        done += services.retreat(act, n, clock.now())
        running.checkpoint(done=done)
    services.close(act, clock.now())
    return {"restored": act.restored, "kept": act.kept, "act": act.act}
