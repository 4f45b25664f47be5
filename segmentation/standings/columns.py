"""Aggregates over what members did, found for all schemes in one pass over orders and one over events.

A family names the columns it wants (`Family.columns`); equal ones are computed once. Each is an aggregate over
`placed_at` and `net_amount` of paid orders, or `occurred_at` and `kind` of events, and reads only what is after its `since`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import Literal
from zoneinfo import ZoneInfo

from psycopg2 import sql as pg

Source = Literal["order", "event"]
ORDER: Source = "order"
EVENT: Source = "event"
AT: dict[str, pg.SQL] = {"order": pg.SQL("placed_at"), "event": pg.SQL("occurred_at")}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Column:
    """One aggregate of one source; `since`: it looks at nothing up to then (None: at everything)."""

    source: Source
    sql: pg.Composable
    since: datetime | None = None

    @property
    def name(self) -> str:
        """Equal columns have equal names."""
        return "c_" + blake2b(repr((self.source, self.sql)).encode(), digest_size=8).hexdigest()


def after(source: Source, since: datetime, kinds: Sequence[str] = ()) -> pg.Composable:
    """The test that an act is later than an instant, and of these kinds."""
    test = pg.SQL("{} > {}").format(AT[source], instant(since))
    return test + pg.SQL(" AND kind = ANY({}::text[])").format(pg.Literal(list(kinds))) if kinds else test


def over(source: Source, aggregate: str, since: datetime, kinds: Sequence[str] = ()) -> Column:
    """min, max … of the moments after an instant."""
    text = pg.SQL(aggregate + "({}) FILTER (WHERE {})").format(AT[source], after(source, since, kinds))
    return Column(source, text, since)


def newest_order(n: int, since: datetime) -> Column:
    """When the n-th newest order after an instant was; the pass reads orders as they were placed, so nothing is sorted."""
    text = pg.SQL(
        "(array_agg(placed_at ORDER BY placed_at) FILTER (WHERE {mine}))[(count(*) FILTER (WHERE {mine}))::int - {n} + 1]"
    )
    return Column("order", text.format(mine=after("order", since), n=pg.Literal(n)), since)


def days(source: Source, midnights: Sequence[datetime], kinds: Sequence[str] = ()) -> Column:
    """On which days members acted, as a string of bits: the first is the day that begins at the first of `midnights`."""
    since, zeros = midnights[0] - timedelta(microseconds=1), pg.SQL(f"B'{'0' * len(midnights)}'")
    text = "bit_or(set_bit({zeros}, width_bucket({at}, {days}) - 1, 1)) FILTER (WHERE {mine})"
    found = pg.SQL(text).format(zeros=zeros, at=AT[source], days=instants(midnights), mine=after(source, since, kinds))
    return Column(source, found, since)


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
