"""Points by the pass over everybody's orders and events: what an act is worth by now is looked up by its age.

Of items counted each time, the pass adds up what the acts are worth. Of items counted once a day it keeps the days as bits,
and counts them by the binary digits of what each is worth. Both come to what `gather_score` makes of single acts: whole days
of age, every act (or day) rounded by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from psycopg2 import sql as pg

from segmentation.standings import columns
from segmentation.standings.columns import Column
from segmentation.standings.families import Ask
from segmentation.standings.score_items import THOUSAND, Item


@dataclass(frozen=True)
class Ages:
    """From when acts count, and how fast they fade."""

    start: datetime  # the midnight ages are counted back from
    window_days: int
    half_life: int  # days; 0: for ever
    ahead: int = 0  # days begun since: ticks go on counting from the day of the last full run

    def worth(self, points: int, age: int) -> int:
        """What is left of so many thousandths after some days; today's acts have a negative age."""
        return round(points * 0.5 ** (age / self.half_life)) if self.half_life and age > 0 else points


def ages(ask: Ask) -> Ages | None:
    """None where a day of the window has not 24 hours: single acts are aged then."""
    last, days, zone = date.fromisoformat(ask.edges["counted_from"]), ask.settings.window_days, ask.zone
    today = max(last, ask.as_of.astimezone(ZoneInfo(zone)).date())
    if not columns.is_steady(last - timedelta(days=days), today, zone):
        return None
    return Ages(datetime.combine(last, time(), ZoneInfo(zone)), days, ask.edges["half_life"], (today - last).days)


@lru_cache(maxsize=64)
def counted(items: tuple[Item, ...], known: Ages | None) -> dict[int, Column]:
    """The items, by number, that the pass counts, and by which column."""
    if known is None:
        return {}
    found = (
        (n, _of_days(item, known) if item.per == "day" else _of_acts(item, known))
        for n, item in enumerate(items)
        if _is_plain(item)
    )
    return dict(found)


def _is_plain(item: Item) -> bool:
    narrowed = item.where or item.channels or item.categories or item.least or item.per == "yuan"
    return item.source in ("order", "event") and not narrowed


def _of_acts(item: Item, known: Ages) -> Column:
    """The sum of what each act is worth. Its age: how many whole days it lies before the start."""
    source, days = _source(item), known.window_days
    worth = [known.worth(item.weight * THOUSAND, days - n) for n in range(1, days + 2)]  # the last: of today, aged -1
    since = known.start - timedelta(days=days)
    text = pg.SQL("sum(({worth})[{days} - greatest({age}, -1)]) FILTER (WHERE {mine})")
    values = {"worth": _numbers(worth), "days": pg.Literal(days), "age": columns.age(source, known.start)}
    return Column(source, text.format(**values, mine=columns.after(source, since, item.kinds)), since)


def _of_days(item: Item, known: Ages) -> Column:
    return columns.days(_source(item), _midnights(known), item.kinds)


def _source(item: Item) -> columns.Source:
    return columns.ORDER if item.source == "order" else columns.EVENT


def _midnights(known: Ages) -> list[datetime]:
    """The days of the window, and those begun since."""
    return [known.start - timedelta(days=n) for n in range(known.window_days, -known.ahead - 1, -1)]


@lru_cache(maxsize=64)
def relation(items: tuple[Item, ...], known: Ages | None) -> pg.SQL:
    """Points (thousandths) by member and source, out of the columns; its slots are filled by the running."""
    parts = []
    found = counted(items, known)
    for source in (columns.ORDER, columns.EVENT):
        mine = {n: column for n, column in found.items() if column.source == source}
        points = " + ".join(_points(items[n], column, known) for n, column in mine.items() if known)
        if mine:
            parts.append(f"SELECT member_id, {points} AS points FROM {{{source}s}} AS {source}s WHERE {{mine}}")  # noqa: S608
    return pg.SQL(" UNION ALL ".join(parts or ["SELECT NULL::bigint AS member_id, NULL::bigint AS points WHERE FALSE"]))


def _points(item: Item, column: Column, known: Ages) -> str:
    return f"coalesce({column.name if item.per != 'day' else _of_bits(item, column, known)}, 0)"


def _of_bits(item: Item, column: Column, known: Ages) -> str:
    """The worth of the days whose bits are set: for each binary digit, how many of those days have it in their worth."""
    bits = known.window_days + 1 + known.ahead
    worth = [known.worth(abs(item.weight) * THOUSAND, known.window_days - n - 1) for n in range(bits)]
    worth = [0] * columns.padding(bits) + worth
    masks = ("".join(str(each >> digit & 1) for each in worth) for digit in range(max(worth).bit_length()))
    parts = [f"bit_count({column.name} & B'{mask}') * {1 << digit}" for digit, mask in enumerate(masks)]
    return ("-" if item.weight < 0 else "") + f"({' + '.join(parts) or '0'})"


def _numbers(numbers: Sequence[int]) -> pg.SQL:
    return pg.SQL(f"'{{{','.join(map(str, numbers))}}}'::int[]")
