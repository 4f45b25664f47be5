from celery import shared_task

from members import partitions
from scrm.lib import clock


@shared_task
def keep_partitions() -> int:
    return partitions.keep(as_of=clock.now())
