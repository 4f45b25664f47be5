from celery import shared_task

from loyalty import services
from loyalty.models import DueMember


@shared_task
def tick() -> None:
    """Ask for points wherever members are due: a lost bell delays them, never loses them."""
    for pool_id in DueMember.objects.values_list("pool_id", flat=True).distinct():
        services.request_earning(pool_id=pool_id)
