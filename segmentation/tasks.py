import logging

from celery import shared_task

from members.models import Pool
from scrm.lib import clock
from segmentation import leaves
from segmentation.recalculation import services as recalculation
from segmentation.segments import services as segments

log = logging.getLogger("scrm.segmentation")


@shared_task
def recalculate_touched() -> None:
    """Every pool's minute run."""
    for pool in Pool.objects.filter(is_archived=False).order_by("pk"):
        recalculation.tick(pool=pool, as_of=clock.now())


@shared_task
def recalculate_all() -> None:
    """Ask for every pool's nightly run."""
    for pool in Pool.objects.filter(is_archived=False).order_by("pk"):
        recalculation.ask(pool=pool, as_of=clock.now())


@shared_task
def refresh_live_segments() -> None:
    """Compute live segments that are due; one that fails says so and does not stop the others."""
    for segment in segments.due(clock.now()):
        try:
            segments.refresh(segment=segment, as_of=clock.now())
        except Exception as error:
            log.exception("segment %s", segment.pk)
            segments.fail(segment=segment, error=str(error))
    leaves.sweep(as_of=clock.now())
