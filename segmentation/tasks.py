from celery import shared_task

from members.models import Pool
from scrm.lib import clock
from segmentation.recalculation import services as recalculation


@shared_task
def recalculate_touched() -> None:
    """Every pool's minute run."""
    for pool in Pool.objects.order_by("pk"):
        recalculation.tick(pool=pool, as_of=clock.now())


@shared_task
def recalculate_all() -> None:
    """Ask for every pool's nightly run."""
    for pool in Pool.objects.order_by("pk"):
        recalculation.ask(pool=pool, as_of=clock.now())
