"""Hints only: what is due stands in the deliveries table."""

from celery import shared_task

from touchpoints import outbox, queries, resolving


@shared_task
def pump(step_id: int) -> None:
    """Send what is due of a step; when there is more than one shift can do, hint again."""
    if outbox.pump(step_id).stopped == "time":
        pump.delay(step_id)


@shared_task
def tick() -> None:
    """Every few seconds: settle what was interrupted, read what came in, hint at what is due."""
    resolving.look_after()
    for step_id in queries.due_steps():
        pump.delay(step_id)
