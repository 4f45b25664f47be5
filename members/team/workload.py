"""What every colleague has on their plate: whom they look after, what is open, what came of it.

Upper apps add what they count per owner, for the whole pool in one statement:

    @workload.touches
    def sent(pool: Pool, since: datetime, as_of: datetime) -> dict[int, int]: ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from members import kept
from members.models import CareTask, Pool
from members.team.queries import Colleague, colleagues
from scrm.lib import sql

SPAN = timedelta(days=30)
STAGES = ("leads", "active", "silent", "sleeping", "lost")
Counter = Callable[[Pool, datetime, datetime], dict[int, int]]
_touches: list[Counter] = []


def touches(counter: Counter) -> Counter:
    """Declare how many messages an app sent to each owner's members in a span."""
    if counter not in _touches:
        _touches.append(counter)
    return counter


@dataclass(frozen=True)
class Load:
    """One colleague's plate. Sales in minor units: what their members bought, whoever sold it."""

    who: Colleague
    members: int = 0
    leads: int = 0
    active: int = 0
    silent: int = 0
    sleeping: int = 0
    lost: int = 0
    reachable: int = 0
    orders: int = 0
    sales: int = 0
    tasks: int = 0
    overdue: int = 0
    touches: int = 0
    counted_at: datetime | None = None  # members and sales

    @property
    def full(self) -> float | None:
        """The part of the capacity that is used."""
        return self.members / self.who.capacity if self.who.capacity else None

    @property
    def to_hand_over(self) -> bool:
        return bool(self.members) and not self.who.is_on_duty

    @property
    def mix(self) -> list[tuple[str, float, float]]:
        """Stages as parts of a bar: name, where it begins, how wide it is, in percent."""
        found, begin = [], 0.0
        for stage, name in zip(("lead", *STAGES[1:]), STAGES, strict=True):
            width = 100 * getattr(self, name) / max(self.members, 1)
            if width:
                found.append((stage, round(begin, 2), round(width, 2)))
            begin += width
        return found


def loads(pool: Pool, as_of: datetime) -> list[Load]:
    """Everybody of the pool: one statement for members and sales, one for tasks, one per app that sends."""
    since = as_of - SPAN
    counted = measured(pool, as_of)
    carried = kept.by(counted.rows, "owner_id")
    tasks, sent = _tasks(pool, as_of), _sent(pool, since, as_of)
    return [
        Load(each, **carried.get(each.pk, {}), **tasks.get(each.pk, {}), touches=sent.get(each.pk, 0), counted_at=counted.at)
        for each in colleagues(pool)
    ]


def measured(pool: Pool, as_of: datetime) -> kept.Kept:
    """Members and sales by owner; of a large pool as they were some minutes ago."""
    given = {"pool_id": pool.pk, "since": as_of - SPAN, "as_of": as_of}
    return kept.figures("workload", pool, as_of, lambda: sql.rows("members/ownership/measure_workload", given))


def _tasks(pool: Pool, as_of: datetime) -> dict[int, dict[str, int]]:
    today = as_of.astimezone(pool.zone).date()
    waiting = CareTask.objects.filter(pool=pool, done_at=None, assignee__isnull=False).values("assignee_id")
    rows = waiting.annotate(tasks=Count("id"), overdue=Count("id", filter=Q(due_on__lt=today)))
    return {row["assignee_id"]: {"tasks": row["tasks"], "overdue": row["overdue"]} for row in rows}


def _sent(pool: Pool, since: datetime, as_of: datetime) -> dict[int, int]:
    sums: dict[int, int] = {}
    for counter in _touches:
        for owner, n in counter(pool, since, as_of).items():
            sums[owner] = sums.get(owner, 0) + n
    return sums


def left_behind(pool: Pool) -> list[tuple[Colleague, int]]:
    """Who has left and still has members: they are to be handed over."""
    from members.team.queries import owned

    gone = [each for each in colleagues(pool) if not each.is_on_duty]
    counts = owned(pool, [each.pk for each in gone])
    return [(each, counts[each.pk]) for each in gone if counts.get(each.pk)]
