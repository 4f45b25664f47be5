from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty import services
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock


@job("loyalty.earn", title=_("计算订单积分"))
def earn(job: RunningJob) -> dict[str, Any]:
    """Chunk by chunk until nobody is due; a chunk is one transaction, so a crash repeats nothing."""
    assert job.pool_id is not None
    members = entries = 0
    while True:
        taken, written = services.earn_chunk(pool_id=job.pool_id, as_of=clock.now())
        members, entries = members + taken, entries + written
        job.checkpoint(done=members)
        if not taken:
            return {"members": members, "entries": entries}
