from celery import shared_task

from members import partitions
from members.communities import watch
from members.importing import retention
from members.merging import undoing
from members.models import Pool
from members.ownership import automatic
from members.privacy import retention as copies
from members.quality import services as quality
from members.stores import services as stores
from members.tagging import expiring, joining
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
def count_quality() -> None:
    """Ask for every pool's figures of today."""
    for pool in Pool.objects.filter(is_archived=False).order_by("pk"):
        quality.ask(pool=pool, actor=None)


@shared_task
def forget_copies() -> dict[str, int]:
    return copies.forget(as_of=clock.now())


@shared_task
def forget_merges() -> int:
    """What merges past their time remembered goes; a chunk of each pool a day."""
    return sum(undoing.forget_old(pool=pool, as_of=clock.now()) for pool in Pool.objects.order_by("pk"))


@shared_task
def keep_org() -> None:
    """Codes of stores in new orders, owners for newcomers."""
    stores.notice_all(as_of=clock.now())
    automatic.distribute_all(as_of=clock.now())


@shared_task
def watch_communities() -> int:
    return watch.measure_all(as_of=clock.now())


@shared_task
def expire_tags() -> int:
    return expiring.expire(as_of=clock.now())


@shared_task
def forget_tag_merges() -> int:
    return joining.forget_old(as_of=clock.now())
