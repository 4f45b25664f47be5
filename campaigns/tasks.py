"""The bell: looks at what is due. Lost or doubled, it does no harm."""

from celery import shared_task

from campaigns import engine
from scrm.lib import clock


@shared_task
def tick() -> dict[str, int]:
    return engine.tick(clock.now())
