"""What keeps a pool from being archived. Upper apps announce themselves: `@blockers.register`."""

from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from members.models import Pool
from scrm.jobs.models import JobRun

Finder = Callable[[Pool], Iterable[str]]  # sentences that name what to end first
OPEN = (JobRun.Status.QUEUED, JobRun.Status.RUNNING, JobRun.Status.PAUSED)
_finders: list[Finder] = []


def register(finder: Finder) -> Finder:
    """Declare a function that names what still goes on in a pool."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def of(pool: Pool) -> list[str]:
    """Everything that goes on."""
    return [sentence for finder in _finders for sentence in finder(pool)]


@register
def _jobs(pool: Pool) -> Iterable[str]:
    if n := JobRun.objects.filter(pool_id=pool.pk, status__in=OPEN).count():
        yield _("%(n)s 个后台任务还没结束") % {"n": n}
