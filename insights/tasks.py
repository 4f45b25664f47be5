from celery import shared_task

from insights import figures, pool
from members.models import Pool
from scrm.lib import clock


@shared_task
def forget_figures() -> int:
    return figures.forget(clock.now())


@shared_task
def keep_pool_figures() -> int:
    """Keep every pool's totals once when its day has begun; how many pools were kept."""
    now = clock.now()
    return sum(pool.keep(each, now) for each in Pool.objects.filter(is_archived=False).order_by("pk"))
