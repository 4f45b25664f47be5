"""Long work: many merges, and many undoings, each as one job that survives its worker."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.merging.services import Cause, merge_pairs
from members.merging.undoing import undo_many
from members.models import Pool
from scrm.jobs import services as jobs
from scrm.jobs.kinds import job
from scrm.jobs.models import JobRun
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.models import User

CHUNK = 10_000
MOST = 200_000  # pairs or merges in one job


def request_merge(*, pool: Pool, pairs: Sequence[Sequence[int]], actor: User | None, source: str = "job") -> JobRun:
    """Ask for (winner, loser) pairs to be merged by a worker."""
    _bounded(len(pairs))
    return jobs.enqueue(
        kind="members.merge", pool_id=pool.pk, params={"pairs": [list(pair) for pair in pairs], "source": source}, actor=actor
    )


def request_undo(*, pool: Pool, merges: Sequence[int], actor: User | None, apart: bool = True) -> JobRun:
    """Ask for merges to be undone by a worker; what evidence leaves open stays with the winners."""
    _bounded(len(merges))
    return jobs.enqueue(
        kind="members.unmerge", pool_id=pool.pk, params={"merges": sorted(merges, reverse=True), "apart": apart}, actor=actor
    )


def _bounded(number: int) -> None:
    if not 0 < number <= MOST:
        raise Problem("merge.too_many", _("一次 1–%(n)s 对") % {"n": MOST}, {"most": MOST})


@job("members.merge", title=gettext_lazy("批量合并会员"))
def merge(running: RunningJob) -> dict[str, Any]:
    """Chunk by chunk: a chain that crosses chunks is resolved by who became whom."""
    cause = Cause("manual", source=f"{running.params['source']}:{running.id}")

    def part(pairs: list[list[int]], at: datetime) -> int:
        both = [(winner, loser) for winner, loser in pairs]
        return merge_pairs(pool_id=running.pool_id or 0, pairs=both, cause=cause, actor=running.actor, as_of=at)

    return _chunks(running, running.params["pairs"], part)


@job("members.unmerge", title=gettext_lazy("批量撤销合并"))
def unmerge(running: RunningJob) -> dict[str, Any]:
    """The latest first, so that few later merges stand in the way; what cannot be undone any more is left and counted."""
    told = {"actor": running.actor, "apart": running.params["apart"], "source": f"job:{running.id}"}

    def part(ids: list[int], at: datetime) -> int:
        try:
            with transaction.atomic():
                return undo_many(pool_id=running.pool_id or 0, merges=ids, as_of=at, **told).members
        except Problem:  # one that cannot be undone holds up none of the others
            return sum(_one(running, number, at, told) for number in ids)

    return _chunks(running, running.params["merges"], part)


def _one(running: RunningJob, number: int, at: datetime, told: dict[str, Any]) -> int:
    try:
        with transaction.atomic():
            return undo_many(pool_id=running.pool_id or 0, merges=[number], as_of=at, **told).members
    except Problem:
        return 0


def _chunks(running: RunningJob, items: list[Any], act: Any) -> dict[str, Any]:
    done, changed = running.watermark.get("done", 0), running.watermark.get("changed", 0)
    while done < len(items):
        part = items[done : done + CHUNK]
        with transaction.atomic():
            changed += act(part, clock.now())
            done += len(part)
            running.checkpoint(done=done, total=len(items), watermark={"done": done, "changed": changed})
        running.checkpoint()
    return {"given": len(items), "changed": changed, "left": len(items) - changed}
