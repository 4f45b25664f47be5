"""Asking for long work, and steering it."""

from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils import timezone

from scrm.jobs.kinds import kinds
from scrm.jobs.models import JobRun
from scrm.staff.audit import audit
from scrm.staff.models import User

# Sent after commit with `job_id`; the Celery side listens and rings. Losing it loses nothing.
queued = Signal()


def _ring(job_id: int) -> None:
    transaction.on_commit(lambda: queued.send_robust(JobRun, job_id=job_id))


@transaction.atomic
def enqueue(
    *, kind: str, pool_id: int | None, params: dict[str, Any] | None = None, actor: User | None = None, key: str | None = None
) -> JobRun:
    """A queued job. With `key`, an open job of that key is returned instead of a second one."""
    kinds[kind]
    job, made = _opened(key, kind=kind, pool_id=pool_id, params=params or {}, actor=actor)
    if made:
        audit(actor=actor, action="job.enqueue", target=job, pool_id=pool_id, kind=kind)
        _ring(job.pk)
    return job


def _opened(key: str | None, again: int = 2, **fields: Any) -> tuple[JobRun, bool]:
    """The open job of a key, and whether it was made just now."""
    try:
        with transaction.atomic():
            return JobRun.objects.create(key=key, **fields), True
    except IntegrityError:
        if key is None or not again:
            raise
    # The job in the way may have ended before it is looked for, and let go of the key.
    found = JobRun.objects.filter(key=key).first()
    return (found, False) if found else _opened(key, again - 1, **fields)


@transaction.atomic
def ask(*, job: JobRun, what: str, actor: User | None) -> JobRun:
    """Pause, cancel or resume a job. A queued one obeys at once, a running one at its next checkpoint."""
    job = JobRun.objects.select_for_update().get(pk=job.pk)
    act = {"pause": _pause, "cancel": _cancel, "resume": _resume, "retry": _retry}[what]
    act(job)
    job.save()
    audit(actor=actor, action=f"job.{what}", target=job, pool_id=job.pool_id)
    return job


def _pause(job: JobRun) -> None:
    if job.status == JobRun.Status.QUEUED:
        job.status = JobRun.Status.PAUSED
    elif job.status == JobRun.Status.RUNNING:
        job.asked = "pause"


def _cancel(job: JobRun) -> None:
    if job.status in (JobRun.Status.QUEUED, JobRun.Status.PAUSED):
        job.status, job.finished_at, job.key = JobRun.Status.CANCELLED, timezone.now(), None
    elif job.status == JobRun.Status.RUNNING:
        job.asked = "cancel"


def _resume(job: JobRun) -> None:
    if job.status == JobRun.Status.PAUSED:
        # Attempts count the starts since anybody last looked after it: a pause is no failure.
        job.status, job.asked, job.attempts = JobRun.Status.QUEUED, "", 0
        _ring(job.pk)


def _retry(job: JobRun) -> None:
    if job.status == JobRun.Status.FAILED:
        job.status, job.error, job.attempts, job.finished_at = JobRun.Status.QUEUED, "", 0, None
        _ring(job.pk)
