"""Rings Celery when a job is queued. A silent bell is no harm: the ticker looks every few seconds."""

import logging
from typing import Any

from kombu.exceptions import OperationalError

from scrm.jobs import services

log = logging.getLogger("scrm.jobs")


def ring(sender: object, job_id: int, **_kwargs: Any) -> None:
    from scrm.jobs.tasks import run_job

    try:
        run_job.apply_async((job_id,), retry=False)
    except OperationalError as error:
        log.warning("job %s waits for the ticker: %s", job_id, error)


services.queued.connect(ring, dispatch_uid="scrm.jobs.bell")
