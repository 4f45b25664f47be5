"""Rings Celery when a job is queued."""

from typing import Any

from scrm.jobs import services, tasks
from scrm.lib import bell


def ring(sender: object, job_id: int, **_kwargs: Any) -> None:
    bell.ring(tasks.run_job, job_id)


services.queued.connect(ring, dispatch_uid="scrm.jobs.bell")
