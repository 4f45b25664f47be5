"""Having portraits ready: cutting up the pool, at once while it is small, by a worker otherwise."""

from datetime import datetime, timedelta

from members.models import Pool
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.staff.models import User
from segmentation.leaves import Shelf
from segmentation.portraits import cuts
from segmentation.portraits.dimensions import Catalogue

KIND = "portraits.refresh"
AT_ONCE = 50_000  # members of a pool that is cut up while the page waits
SECONDS = 4.0  # which it does so long; a worker goes on
OLD = timedelta(minutes=30)  # a larger pool is cut anew when it is looked at after so long


def refresh(*, pool: Pool, as_of: datetime, report: cuts.Report | None = None) -> int:
    """Cut the pool up anew where its data changed; how many cuts there are. Interrupted, it goes on where it was."""
    wanted = list(Catalogue(pool, as_of).cuts.values())
    cuts.refresh(pool, wanted, as_of, report or cuts.silent)
    return len(wanted)


def ask(*, pool: Pool, actor: User | None) -> JobRun:
    """Have a worker do it; asking twice is asking once."""
    return jobs.enqueue(kind=KIND, pool_id=pool.pk, actor=actor, key=f"portraits:{pool.pk}")


def ready(*, pool: Pool, as_of: datetime, actor: User | None) -> JobRun | None:
    """See that there is something to show: the worker's job while there is one under way."""
    wanted = list(Catalogue(pool, as_of).cuts.values())
    if not cuts.stale(pool, wanted, as_of):
        return None
    if len(Shelf(pool).universe()) <= AT_ONCE and not cuts.refresh(pool, wanted, as_of, seconds=SECONDS):
        return None
    (when, _mark), last = cuts.kept(pool), latest(pool)
    if last is None and (when is None or when < as_of - OLD or not cuts.complete(pool, wanted)):
        return ask(pool=pool, actor=actor)
    return last


def latest(pool: Pool) -> JobRun | None:
    """The job that is under way, or failed: then it is for people to ask again."""
    found = JobRun.objects.filter(kind=KIND, pool_id=pool.pk).order_by("-pk").first()
    return found if found is not None and (found.is_open or found.status == JobRun.Status.FAILED) else None
