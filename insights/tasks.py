from celery import shared_task

from insights import figures, pool
from members.models import Pool
from scrm.lib import clock


@shared_task
def forget_figures() -> int:
    return figures.forget(clock.now())


@shared_task
def keep_pool_figures() -> int:
    """Every hour: have every pool's figures at hand, and keep the totals once when its day has begun."""
    now, kept = clock.now(), 0
    for each in Pool.objects.filter(is_archived=False).order_by("pk"):
        pool.warm(each, now)
        kept += pool.keep(each, now)
    return kept
