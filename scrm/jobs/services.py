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
    try:
        with transaction.atomic():
            made = JobRun.objects.create(kind=kind, pool_id=pool_id, params=params or {}, actor=actor, key=key)
    except IntegrityError:
        return JobRun.objects.get(key=key)
    audit(actor=actor, action="job.enqueue", target=made, pool_id=pool_id, kind=kind)
    _ring(made.pk)
    return made


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
