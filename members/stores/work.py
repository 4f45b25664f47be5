"""Home stores out of what members bought, as a job."""

from typing import Any

from django.db import transaction
from django.db.models import Max, Min
from django.utils.translation import gettext_lazy as _

from members.models import Member, Pool
from members.stores import services
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock

SPAN = 50_000  # member ids per transaction


@job(services.HOMES_JOB, title=_("补全归属门店"))
def homes(running: RunningJob) -> dict[str, Any]:
    """Range by range of ids; after a crash it goes on behind the last one."""
    pool = Pool.objects.get(pk=running.pool_id or 0)
    span = Member.objects.filter(pool=pool).aggregate(first=Min("id"), last=Max("id"))
    first, last = (span["first"] or 1) - 1, span["last"] or 0
    mark: dict[str, int] = {"last": first, "settled": 0, **running.watermark}
    while mark["last"] < last:
        upto = min(mark["last"] + SPAN, last)
        with transaction.atomic():
            settled = services.settle_homes(pool=pool, after=mark["last"], upto=upto, as_of=clock.now())
            mark = {"last": upto, "settled": mark["settled"] + settled}
            running.checkpoint(done=upto - first, total=last - first, watermark=mark)
        running.checkpoint()
    return {"settled": mark["settled"]}
