from celery import shared_task

from scrm.jobs import running


@shared_task
def run_job(job_id: int) -> None:
    running.run(job_id)


@shared_task
def tick() -> None:
    """Ring again for jobs nobody works on: a lost message or a dead worker delays, never loses."""
    for job_id in running.due():
        run_job.delay(job_id)
