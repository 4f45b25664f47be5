"""Doing the work: claim under a lease, keep the lease alive, obey, finish; redo after a crash."""

import logging
import threading
import uuid
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from scrm.jobs.kinds import kinds
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem

log = logging.getLogger("scrm.jobs")
LEASE = timedelta(seconds=20)
BEAT = 5.0


class Stopped(Exception):
    """Asked to pause or cancel, or the lease went to somebody else."""

    def __init__(self, status: str | None) -> None:
        super().__init__(status)
        self.status = status


class RunningJob:
    """What a job's function sees: its orders, its watermark, and a checkpoint to report at."""

    def __init__(self, row: JobRun) -> None:
        self.id, self.pool_id, self.params, self.actor = row.pk, row.pool_id, row.params, row.actor
        self.watermark: dict[str, Any] = dict(row.watermark)
        self._token = row.lease_token

    def checkpoint(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        phase: str | None = None,
        watermark: dict[str, Any] | None = None,
    ) -> None:
        """Save progress; raises Stopped when asked to pause or cancel. Call between chunks, inside
        the chunk's transaction when the watermark must move with its rows."""
        given = {"done": done, "total": total, "phase": phase, "watermark": watermark}
        changes = {name: value for name, value in given.items() if value is not None}
        if watermark is not None:
            self.watermark = watermark
        mine = JobRun.objects.filter(pk=self.id, lease_token=self._token)
        if changes and not mine.update(**changes):
            raise Stopped(None)
        asked = mine.values_list("asked", flat=True).first()
        if asked is None:
            raise Stopped(None)
        if asked and not transaction.get_connection().in_atomic_block:
            raise Stopped(JobRun.Status.PAUSED if asked == "pause" else JobRun.Status.CANCELLED)


def claimable() -> Q:
    return Q(status=JobRun.Status.QUEUED) | Q(status=JobRun.Status.RUNNING, lease_until__lt=Now())


def due() -> list[int]:
    """Jobs nobody works on: queued, or running under a lease that ran out."""
    return list(JobRun.objects.filter(claimable()).order_by("pk").values_list("pk", flat=True)[:50])


def _claim(job_id: int) -> JobRun | None:
    with transaction.atomic():
        row = JobRun.objects.select_for_update(skip_locked=True).filter(claimable(), pk=job_id).first()
        if row is None:
            return None
        if row.attempts >= kinds[row.kind].attempts:
            _close(row, JobRun.Status.FAILED, error=row.error or "the worker died each time this was tried")
            return None
        row.status, row.lease_token, row.attempts = JobRun.Status.RUNNING, uuid.uuid4(), row.attempts + 1
        row.started_at = row.started_at or timezone.now()
        row.save()
        JobRun.objects.filter(pk=job_id).update(lease_until=Now() + LEASE)
        return row


class _Heart(threading.Thread):
    """Keeps the lease while the process lives, however long one statement takes."""

    def __init__(self, job_id: int, token: Any) -> None:
        super().__init__(daemon=True)
        self.job_id, self.token, self.stop = job_id, token, threading.Event()

    def run(self) -> None:
        try:
            while not self.stop.wait(BEAT):
                self._beat()
        except Exception:
            log.exception("job %s lost its heart; its lease will run out", self.job_id)
        finally:
            connections.close_all()

    def _beat(self) -> None:
        """One that the database missed is no reason to stop: the next one may still be within the lease."""
        try:
            JobRun.objects.filter(pk=self.job_id, lease_token=self.token).update(lease_until=Now() + LEASE)
        except (OperationalError, InterfaceError) as error:
            log.warning("job %s: a heartbeat did not reach the database: %s", self.job_id, error)
            connections.close_all()


def _close(row: JobRun, status: str, *, result: dict[str, Any] | None = None, error: str = "") -> None:
    changes: dict[str, Any] = {"status": status, "asked": "", "lease_until": None, "lease_token": None, "error": error}
    if status != JobRun.Status.PAUSED:
        changes |= {"finished_at": timezone.now(), "key": None}
    if result is not None:
        changes["result"] = result
    JobRun.objects.filter(pk=row.pk, lease_token=row.lease_token).update(**changes)


def _note(row: JobRun, error: Exception) -> None:
    """Keep why an attempt ended, for the case that it was the last; the database may still be away."""
    connections.close_all()
    try:
        JobRun.objects.filter(pk=row.pk, lease_token=row.lease_token).update(error=f"{type(error).__name__}: {error}")
    except (OperationalError, InterfaceError):
        connections.close_all()


def run(job_id: int, *, heart: bool = True) -> str | None:
    """Claim and do one job; its status afterwards, None when somebody else has it."""
    row = _claim(job_id)
    if row is None:
        return None
    pulse = _Heart(row.pk, row.lease_token)
    if heart:
        pulse.start()
    try:
        _do(row)
    finally:
        pulse.stop.set()
    return JobRun.objects.values_list("status", flat=True).get(pk=job_id)


def _do(row: JobRun) -> None:
    try:
        result = kinds[row.kind].run(RunningJob(row))
    except Stopped as stop:
        if stop.status:
            _close(row, stop.status)
    except Problem as problem:
        _close(row, JobRun.Status.FAILED, error=problem.message)
    except (OperationalError, InterfaceError) as error:
        # The database went away, was restarted, or broke a dead-lock: nothing is wrong with the work. The lease
        # runs out and it is begun again at its watermark, as after a crash.
        log.warning("job %s (%s) lost the database: %s", row.pk, row.kind, error)
        _note(row, error)
    except Exception as error:
        log.exception("job %s (%s) failed", row.pk, row.kind)
        _close(row, JobRun.Status.FAILED, error=f"{type(error).__name__}: {error}")
    else:
        _close(row, JobRun.Status.DONE, result=result or {})
