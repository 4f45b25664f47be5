from celery import shared_task

from insights import figures
from scrm.lib import clock


@shared_task
def forget_figures() -> int:
    return figures.forget(clock.now())
