"""Aggregates over what members did, found for all schemes in one pass over orders and one over events.

A family names the columns it wants (`Family.columns`); equal ones are computed once. Each is an aggregate over
`placed_at` and `net_amount` of paid orders, or `occurred_at` and `kind` of events, and reads only what is after its `since`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from psycopg2 import sql as pg

Source = Literal["order", "event"]
ORDER: Source = "order"
EVENT: Source = "event"
AT: dict[str, pg.SQL] = {"order": pg.SQL("placed_at"), "event": pg.SQL("occurred_at")}
DAY = timedelta(days=1)
JUST = timedelta(microseconds=1)
WORD = 64  # days that fit in a number: no string is made for every act
FEW_DAYS = "(bit_or(1::bigint << ({n} - 1 - {day})) FILTER (WHERE {mine}))::bit(64)"
PLACED = pg.SQL("array_agg(placed_at ORDER BY placed_at)")
MANY_DAYS = "bit_or(set_bit({zeros}, {day}, 1)) FILTER (WHERE {mine})"


@dataclass(frozen=True)
class Column:
    """One aggregate of one source; `since`: it looks at nothing up to then (None: at everything)."""

    source: Source
    sql: pg.Composable
    since: datetime | None = None

    @cached_property
    def name(self) -> str:
        """Equal columns have equal names."""
        return "c_" + blake2b(repr((self.source, self.sql)).encode(), digest_size=8).hexdigest()


def after(source: Source, since: datetime, kinds: Sequence[str] = ()) -> pg.Composable:
    """The test that an act is later than an instant, and of these kinds."""
    test = pg.SQL("{} > {}").format(AT[source], instant(since))
    return of_kinds(kinds) + pg.SQL(" AND ") + test if kinds else test


def of_kinds(kinds: Sequence[str]) -> pg.Composable:
    """The test that an event is of one of these kinds."""
    those = "kind = {}" if len(kinds) == 1 else "kind = ANY({}::text[])"
    return pg.SQL(those).format(pg.Literal(kinds[0] if len(kinds) == 1 else list(kinds)))


def latest(source: Source, since: datetime, kinds: Sequence[str] = ()) -> Column:
    """The last act after an instant. Compared when all are read: whatever the instant, it is one maximum to the pass."""
    only = pg.SQL(" FILTER (WHERE {})").format(of_kinds(kinds)) if kinds else pg.SQL("")
    found = pg.SQL("max({})").format(AT[source]) + only
    text = pg.SQL("CASE WHEN {found} > {since} THEN {found} END").format(found=found, since=instant(since))
    return Column(source, text, since)


def placed_orders() -> Column:
    """When all orders were, the first one first; the pass reads orders as they were placed, so nothing is sorted."""
    return Column("order", PLACED)


def newest_order(n: int, since: datetime) -> Column:
    """When the n-th newest order after an instant was."""
    found = pg.SQL("({placed})[count(*)::int - {n} + 1]").format(placed=PLACED, n=pg.Literal(n))
    return Column("order", pg.SQL("CASE WHEN {at} > {since} THEN {at} END").format(at=found, since=instant(since)))


def windowed(days: int, as_of: datetime) -> dict[str, Column]:
    """Count, amount and oldest order of so many days; who ordered before them only has nulls of the last two."""
    since = as_of - timedelta(days=days)
    mine = after("order", since)
    return {
        "count": Column("order", pg.SQL("(count(*) FILTER (WHERE {}))::int").format(mine), since),
        "amount": Column("order", pg.SQL("(sum(net_amount) FILTER (WHERE {}))::bigint").format(mine), since),
        "oldest": Column("order", pg.SQL("min(placed_at) FILTER (WHERE {})").format(mine), since),
    }


def days(source: Source, midnights: Sequence[datetime], kinds: Sequence[str] = ()) -> Column:
    """On which days members acted, as a string of bits: the last `len(midnights)` of them, from the first day to the last."""
    since, n = midnights[0] - JUST, len(midnights)
    text = FEW_DAYS if n <= WORD else MANY_DAYS
    values = {"n": pg.Literal(n), "zeros": pg.SQL(f"B'{'0' * n}'"), "day": number(source, midnights)}
    return Column(source, pg.SQL(text).format(**values, mine=after(source, since, kinds)), since)


def padding(days: int) -> int:
    """How many zeros stand before so many days: few fill a number."""
    return max(WORD - days, 0)


def number(source: Source, midnights: Sequence[datetime]) -> pg.Composable:
    """The number of the day of an act, from 0; by arithmetic where all days are of one length, as there are millions of acts."""
    if all(b - a == DAY for a, b in pairwise(at.astimezone(UTC) for at in midnights)):
        return pg.SQL("floor((date_part('epoch', {}) - {}) / 86400)::int").format(AT[source], _epoch(midnights[0]))
    return pg.SQL("(width_bucket({}, {}) - 1)").format(AT[source], instants(midnights))


def age(source: Source, start: datetime) -> pg.Composable:
    """How many whole days an act lies before an instant."""
    return pg.SQL("floor(({} - date_part('epoch', {})) / 86400)::int").format(_epoch(start), AT[source])


def _epoch(at: datetime) -> pg.Composable:
    return pg.SQL("{}::float8").format(pg.Literal(int(at.timestamp())))


def instant(at: datetime) -> pg.Composable:
    """A constant: an expression that is only stable would be evaluated for every row."""
    return pg.SQL("{}::timestamptz").format(pg.Literal(at))


def instants(given: Iterable[datetime]) -> pg.Composable:
    text = ",".join(f'"{at.isoformat()}"' for at in given)
    return pg.SQL(f"'{{{text}}}'::timestamptz[]")


def midnights(first: date, last: date, zone: str) -> list[datetime]:
    """When the days from … to begin in a time zone."""
    return [datetime.combine(first + n * DAY, time(), ZoneInfo(zone)) for n in range((last - first).days + 1)]


def is_steady(first: date, last: date, zone: str) -> bool:
    """Whether all days from … to have 24 hours."""
    return len({at.utcoffset() for at in midnights(first, last + DAY, zone)}) == 1
