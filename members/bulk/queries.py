"""Reading bulk acts: what was done to many, how far it is, whether it can be taken back."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from members.bulk.acts import acts
from members.bulk.services import why_not_undone
from members.models import BulkAct, Pool
from scrm.jobs.models import JobRun


@dataclass(frozen=True)
class Line:
    """A bulk act as a page shows it."""

    bulk: BulkAct
    label: str
    icon: str
    said: str
    job: JobRun | None
    undo_job: JobRun | None
    no_undo: str  # why it cannot be taken back

    @property
    def is_open(self) -> bool:
        return any(job is not None and job.is_open for job in (self.job, self.undo_job))

    @property
    def status(self) -> str:
        """running, cancelled, failed, paused, done, undoing, undone."""
        if self.bulk.undone_at:
            return "undone"
        if self.undo_job:
            return "undoing" if self.undo_job.is_open else str(self.undo_job.status)
        if self.job is None or self.bulk.finished_at:
            return "done"
        return str(self.job.status)


def bulk_acts(pool: Pool) -> QuerySet[BulkAct]:
    """The pool's bulk acts, newest first; the frozen sets stay where they are."""
    return BulkAct.objects.filter(pool=pool).select_related("by").defer("chosen").order_by("-pk")


def bulk_of(pool: Pool, pk: int) -> BulkAct:
    """One act of the pool, or 404."""
    return get_object_or_404(BulkAct.objects.select_related("pool", "by"), pool=pool, pk=pk)


def lines(pool: Pool, found: list[BulkAct], as_of: datetime) -> list[Line]:
    """Acts with their jobs: one read for all."""
    numbers = [number for bulk in found for number in (bulk.job_id, bulk.undo_job_id) if number]
    jobs = JobRun.objects.filter(pool_id=pool.pk).in_bulk(numbers)
    return [_line(pool, bulk, jobs, as_of) for bulk in found]


def _line(pool: Pool, bulk: BulkAct, jobs: dict[int, JobRun], as_of: datetime) -> Line:
    act = acts[bulk.act] if bulk.act in acts else None  # noqa: SIM401  (a Registry has no get)
    job = jobs.get(bulk.job_id or 0)
    reason = why_not_undone(bulk, as_of)
    if not reason and job is not None and job.is_open:
        reason = _("任务还没结束；请先取消或等它完成，再撤销")
    return Line(
        bulk=bulk,
        label=str(act.label) if act else bulk.act,
        icon=act.icon if act else "",
        said=act.said(pool, bulk.params) if act else "",
        job=job,
        undo_job=jobs.get(bulk.undo_job_id or 0),
        no_undo=reason,
    )
