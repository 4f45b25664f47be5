from celery import shared_task

from members import partitions
from members.importing import retention
from members.privacy import retention as copies
from members.tracking import stitching
from scrm.lib import clock


@shared_task
def keep_partitions() -> int:
    return partitions.keep(as_of=clock.now())


@shared_task
def take_visitors() -> int:
    return stitching.take_all_waiting()


@shared_task
def forget_strangers() -> int:
    return stitching.forget_strangers(as_of=clock.now())


@shared_task
def forget_imports() -> dict[str, int]:
    return retention.sweep(clock.now())


@shared_task
def forget_copies() -> dict[str, int]:
    return copies.forget(as_of=clock.now())
