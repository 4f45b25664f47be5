"""What settings would do, before they are saved: the same statements, up to but not including the writing."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members.models import Pool
from scrm.lib import sql
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import services, settings, steps
from segmentation.recalculation.queries import FEW
from segmentation.standings import queries, running
from segmentation.standings.families import Code, checked, family


@dataclass(frozen=True)
class Preview:
    """Sizes now and then, who would move, and the edges that do it."""

    classes: list[queries.Class]
    told: list[tuple[str, str]]
    moved: int
    members: int
    seconds: float
    ways: list["Way"] = field(default_factory=list)

    @property
    def small(self) -> list[queries.Class]:
        """Classes that would have so few members that figures about them say little."""
        return [row for row in self.classes if 0 < row.members < FEW]


@dataclass(frozen=True)
class Way:
    """How many would go from one class to another; None: nowhere."""

    from_code: int | None
    from_label: str
    to_code: int | None
    to_label: str
    members: int


@transaction.atomic
def preview(*, pool: Pool, family_key: str, given: dict[str, Any], scheme: Scheme | None, as_of: datetime) -> Preview:
    """Try settings on the whole pool without writing anything. Raises Problem."""
    started, chosen = time.perf_counter(), checked(family_key, given)
    family(family_key).refuse(chosen, pool)
    tried = Scheme(pk=scheme.pk if scheme else 0, pool=pool, family=family_key)
    work, chain = running.Work(tried, chosen.model_dump(mode="json")), _chain(pool, as_of)
    running.ready(chain, work)
    running.lay(chain, [work])
    running.gather(chain, work)
    running.measure(chain, work)
    parts = running.computed(chain, work, steps.bounds(chain.parts[0]))
    statement = pg.SQL(steps.body("standings/count_moves")).format(computed=parts)
    moves = sql.fetch(statement, running.values(chain, work))
    chain.drop()
    return _told(work, moves, time.perf_counter() - started)


def _chain(pool: Pool, as_of: datetime) -> steps.Chain:
    """The facts of the last full run do; without one they are read from the orders."""
    days = settings.of(pool).rfm.window_days
    full = RecalculationRun.objects.filter(pool=pool, mode="full", finished_at__isnull=False).order_by("-id").first()
    chain = steps.Chain(pool.pk, as_of, services.live(pool.pk), steps.TEMPORARY, window_days=days)
    if full is None or full.edges.get("window_days") != days:
        steps.facts(chain, services.window(days, as_of))
    else:
        chain.tables["facts"] = steps.known(pool.pk)
    return chain


def _told(work: running.Work, moves: list[tuple[Any, ...]], seconds: float) -> Preview:
    now, then, values = Counter[Any](), Counter[Any](), Counter[Any]()
    for old, new, members, value in moves:
        now[old] += members
        then[new] += members
        values[new] += int(value or 0)
    about = family(work.scheme.family)
    codes = about.listed(work.chosen)
    sizes = {code.number: (then[code.number], values[code.number] if about.unit else None) for code in codes}
    moved = sum(members for old, new, members, _value in moves if old != new)
    told = queries.said(about.told(work.chosen, work.edges))
    members = sum(each for each, _v in sizes.values())
    return Preview(queries.classes(codes, sizes, now), told, moved, members, seconds, _ways(codes, moves))


def _ways(codes: Sequence[Code], moves: list[tuple[Any, ...]]) -> list[Way]:
    """The largest first."""
    known = {code.number: str(code.label) for code in codes} | {None: "–"}
    found = [(old, new, members) for old, new, members, _value in moves if old != new]
    made = [Way(old, known.get(old, str(old)), new, known.get(new, str(new)), members) for old, new, members in found]
    return sorted(made, key=lambda way: -way.members)
