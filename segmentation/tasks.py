import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from celery import shared_task

from members.models import Pool
from scrm.lib import clock
from segmentation import leaves
from segmentation.predicting import services as predicting
from segmentation.recalculation import services as recalculation
from segmentation.segments import computing
from segmentation.segments.hooks import sending
from segmentation.tagging import applying

log = logging.getLogger("scrm.segmentation")


def _each_pool(do: Callable[[Pool, datetime], Any]) -> None:
    """For every pool; one that fails says so and does not stop the others."""
    for pool in Pool.objects.filter(is_archived=False).order_by("pk"):
        try:
            do(pool, clock.now())
        except Exception:
            log.exception("pool %s", pool.pk)


@shared_task
def recalculate_touched() -> None:
    """Every pool's minute run."""
    _each_pool(lambda pool, as_of: recalculation.tick(pool=pool, as_of=as_of))


@shared_task
def recalculate_all() -> None:
    """Ask for every pool's nightly run."""
    _each_pool(lambda pool, as_of: recalculation.ask(pool=pool, as_of=as_of))


@shared_task
def refresh_live_segments() -> None:
    """Compute live segments whose turn it is; one that fails says so and does not stop the others."""
    computing.settle(clock.now())
    for segment in computing.due(clock.now()):
        computing.take_turn(segment, clock.now())


@shared_task
def tell_hooks() -> None:
    """Send what is owed to the hooks of segments."""
    sending.pump(clock.now())


@shared_task
def forget_notices() -> None:
    """Drop what was delivered to hooks long ago."""
    sending.forget_old(clock.now())


@shared_task
def follow_changes() -> int:
    """Ask for the rules of tags whose data changed."""
    applying.settle()
    return applying.ask_changed(as_of=clock.now())


@shared_task
def apply_tag_rules() -> int:
    """Ask for every nightly rule of a tag."""
    applying.settle()
    return applying.ask_nightly(as_of=clock.now())


@shared_task
def sweep_leaves() -> None:
    """Drop kept answers that are past their time."""
    leaves.sweep(as_of=clock.now())


@shared_task
def refresh_models() -> None:
    """Ask for every pool's models that are on: scored every night, trained anew every week."""
    _each_pool(lambda pool, as_of: predicting.ask_night(pool=pool, as_of=as_of))
