"""Copies of personal data go in time; docs/privacy.md lists how long each is kept."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from members import exporting
from members.models import AccessEntry
from scrm.jobs.models import JobRun
from scrm.staff import throttle
from scrm.staff.models import IdempotentCall

ANSWERS = timedelta(hours=48)  # bodies of writes with an Idempotency-Key
ORDERS = timedelta(days=30)  # what finished jobs were told
LOOKS = timedelta(days=3 * 365)
BATCH = 10_000


def forget(*, as_of: datetime) -> dict[str, int]:
    """Remove what is past its time; how much of each."""
    over = JobRun.objects.filter(finished_at__lt=as_of - ORDERS).exclude(params={})
    return {
        "exports": exporting.expire(as_of=as_of),
        "answers": _in_batches(IdempotentCall.objects.filter(at__lt=as_of - ANSWERS)),
        "jobs": over.update(params={}, watermark={}),
        "looks": AccessEntry.objects.filter(at__lt=as_of - LOOKS).delete()[0],
        "sign_ins": throttle.forget(as_of=as_of),
    }


def _in_batches(rows: QuerySet[Any]) -> int:
    done = 0
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        done += rows.model.objects.filter(pk__in=ids).delete()[0]
    return done
