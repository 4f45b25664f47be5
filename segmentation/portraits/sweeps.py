"""Order lines and events, the longest tables, read once for all that is said of them: a part of the pool or of time at a time.

What PostgreSQL would sort and group for minutes, once per cut, arrays of a part are counted by in moments: a member's
number less the first of the part is its place in them. A part is small enough to be held.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from tempfile import TemporaryFile
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import Max, Min
from pyroaring import BitMap

from members.models import Member, Pool, Product
from scrm.lib import sql
from segmentation import bitmaps
from segmentation.columns import Numbers
from segmentation.rules.periods import DAY, midnight, today

PART = 100_000  # member numbers read at once
ROWS = 2_000_000  # events
CELLS = 64_000_000  # of a table of members by something, at most
NEW = 60 * 86_400 * 1_000_000  # microseconds that a product counts as new
NEVER = 2**62  # microseconds: not sold
Array = Any  # of numbers, one per row


@dataclass
class Found:
    """What was found so far: a number per member, and who has which value."""

    numbers: dict[str, list[tuple[Numbers, Numbers]]] = field(default_factory=dict)
    values: dict[str, dict[Any, BitMap]] = field(default_factory=dict)

    def number(self, key: str, ids: Numbers, found: Array, known: Array) -> None:
        """Where it is known."""
        self.numbers.setdefault(key, []).append((ids[known], found[known].astype(np.int64)))

    def all_of(self, key: str) -> tuple[Numbers, Numbers]:
        parts = self.numbers.get(key, [])
        none = np.zeros(0, np.int64)
        ids, found = (np.concatenate([none, *column]) for column in (zip(*parts, strict=True) if parts else ((), ())))
        return ids, found

    def classes(self, key: str, low: int, whose: Array, places: Array, names: list[Any]) -> None:
        """`whose` are members by their place after `low`; `places` say which name each row has; -1: none."""
        into, width = self.values.setdefault(key, {}), int(whose.max()) + 1
        for first in range(0, len(names), most := max(1, CELLS // width)):
            some = names[first : first + most]
            mine = (places >= first) & (places < first + len(some))
            there = np.zeros(len(some) * width, bool)
            there[(places[mine] - first) * width + whose[mine]] = True
            for name, has in zip(some, there.reshape(len(some), width), strict=True):
                if len(found := np.flatnonzero(has)):
                    into.setdefault(name, BitMap()).update(bitmaps.of_array(found + low))


def parts(pool: Pool) -> Iterator[dict[str, int]]:
    """The first and last member number of each part."""
    ends = Member.objects.filter(pool=pool).aggregate(low=Min("pk"), high=Max("pk"))
    low, high = ends["low"] or 0, ends["high"] or -1
    for at in range(low, high + 1, PART):
        yield {"low": at, "high": min(at + PART - 1, high)}


# -- Order lines ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Lines:
    """Paid order lines of a part: whose, of which product, paid when, how many pieces, for how much."""

    low: int
    whose: Array
    product: Array
    at: Array
    pieces: Array
    amount: Array


class Goods:
    """The products of a pool, one after the other behind a place for what is none of them; what was learnt of their lines."""

    def __init__(self, pool: Pool) -> None:
        rows = list(Product.objects.filter(pool=pool).order_by("pk").values_list("pk", "category", "subcategory", "brand"))
        self.ids = np.array([row[0] for row in rows], np.int64)
        self.kinds = {
            key: _numbered([str(row[n]) for row in rows]) for n, key in enumerate(("category", "subcategory", "brand"), 1)
        }
        self.began = np.full(len(rows) + 1, NEVER)
        self.sold, self.pieces = (np.zeros(len(rows) + 1) for _ in range(2))

    def places(self, products: Array) -> Array:
        low, high = (int(self.ids[0]), int(self.ids[-1])) if len(self.ids) else (0, -1)
        if high - low < 8 * len(products):  # their numbers lie close together
            table = np.zeros(high - low + 3, np.int32)
            table[self.ids - low + 1] = np.arange(1, len(self.ids) + 1)
            return table[np.clip(products - low + 1, 0, high - low + 2)]
        found = np.minimum(np.searchsorted(self.ids, products), len(self.ids) - 1)
        return np.where(self.ids[found] == products, found + 1, 0).astype(np.int32)

    def learn(self, lines: Lines) -> None:
        """When each was first sold, and for how much."""
        size, some = len(self.began), lines.pieces > 0
        np.minimum.at(self.began, lines.product, lines.at)
        self.sold += np.bincount(lines.product[some], lines.amount[some], size)
        self.pieces += np.bincount(lines.product[some], lines.pieces[some], size)

    @property
    def new_until(self) -> Array:
        """Sixty days from the first sale; not of what was there in the pool's own first sixty."""
        return np.where((self.began < NEVER) & (self.began > self.began.min() + NEW), self.began, -NEVER) + NEW

    @property
    def usual(self) -> Array:
        """What everybody pays a piece of the same subcategory; NaN: unknown."""
        places, names = self.kinds["subcategory"]
        sold, pieces = (np.bincount(places + 1, each, len(names) + 1) for each in (self.sold, self.pieces))
        price = np.where(pieces != 0, sold / np.where(pieces != 0, pieces, 1), np.nan)
        price[0] = np.nan
        return price[places + 1]


def _numbered(found: list[str]) -> tuple[Array, list[str]]:
    """For each, and for what comes before them, its place among the different names; -1: none."""
    names = sorted({each for each in found if each})
    places = {name: place for place, name in enumerate(names)}
    return np.array([-1, *(places.get(each, -1) for each in found)]), names


def sweep_lines(pool: Pool, report: Callable[[], None]) -> Found:
    """What members bought: pieces, prices, brands, new products, and the categories, subcategories and brands themselves.

    What is new and what is usual is known when all were read; until then what was read waits in a file.
    """
    known, found = Goods(pool), Found()
    with TemporaryFile() as waiting:
        several = 0
        for part in parts(pool):
            report()
            if (lines := _paid(pool, part, known)) is not None:
                several += 1
                known.learn(lines)
                for key, (places, names) in known.kinds.items():
                    found.classes(key, lines.low, lines.whose, places[lines.product], names)
                for each in vars(lines).values():
                    np.save(waiting, each)
        waiting.seek(0)
        new_until, usual = known.new_until, known.usual
        for _ in range(several):
            report()
            low, *columns = (np.load(waiting) for _ in fields(Lines))
            _habits(found, known, Lines(int(low), *columns), new_until, usual)
    return found


def _paid(pool: Pool, part: dict[str, int], known: Goods) -> Lines | None:
    ids, at, marks, amount = bitmaps.dated_values(
        sql.text("segmentation/portraits/list_paid_lines"), {"pool": pool.pk, **part}, 2
    )
    if not len(ids):
        return None
    pieces = marks.astype(np.int32)  # the lower half
    product = known.places((marks - pieces) >> 32)
    return Lines(part["low"], ids - np.uint32(part["low"]), product, at, pieces, amount)


def _habits(found: Found, known: Goods, lines: Lines, new_until: Array, usual: Array) -> None:
    size = int(lines.whose.max()) + 1
    members = np.arange(lines.low, lines.low + size)

    def summed(column: Array, where: Array = slice(None)) -> Array:
        return np.bincount(lines.whose[where], column[where], size)

    pieces, spent = (summed(column).astype(np.int64) for column in (lines.pieces, lines.amount))
    found.number("goods_units", members, pieces, pieces > 0)
    found.number("goods_price", members, spent // np.maximum(pieces, 1), pieces > 0)
    price = usual[lines.product]
    priced = (lines.pieces > 0) & np.isfinite(price)
    paid, expected = summed(lines.amount, priced), summed(lines.pieces * price, priced)
    index = np.floor(np.round(100 * paid / np.where(expected > 0, expected, 1), 6))
    found.number("price_index", members, index, expected > 0)
    count, fresh = np.bincount(lines.whose, minlength=size), summed(lines.at < new_until[lines.product]).astype(np.int64)
    found.number("new_product_share", members, fresh * 100 // np.maximum(count, 1), count > 0)
    largest, total = _largest(lines, known.kinds["brand"], size)
    found.number("top_brand_share", members, 100 * largest // np.maximum(total, 1), total > 0)


def _largest(lines: Lines, brands: tuple[Array, list[str]], size: int) -> tuple[Array, Array]:
    """Per member, the money that the dearest brand got, and all brands together."""
    place = brands[0][lines.product]
    largest, total = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for first in range(0, len(brands[1]), most := max(1, CELLS // 8 // size)):
        width = min(most, len(brands[1]) - first)
        mine = (place >= first) & (place < first + width)
        spent = np.bincount((place[mine] - first) * size + lines.whose[mine], lines.amount[mine], width * size)
        for each in spent.astype(np.int64).reshape(width, size):
            total += each
            np.maximum(largest, each, out=largest)
    return largest, total


# -- Events --------------------------------------------------------------------------------------
def sweep_events(pool: Pool, report: Callable[[], None]) -> Found:
    """Which kinds of events members have, and on how many days: some days at a time, of which no other part knows."""
    found, ends = Found(), Member.objects.filter(pool=pool).aggregate(low=Min("pk"), high=Max("pk"))
    low, size = ends["low"] or 0, (ends["high"] or 0) - (ends["low"] or 0) + 1
    text, active = sql.text("segmentation/portraits/list_events"), np.zeros(size, np.int64)
    for days in _spans(pool, size):
        report()
        starts = np.array([bitmaps.micros(_begins(day, pool.zone)) for day in days])
        there = np.zeros(size * len(days), bool)
        given = {"pool": pool.pk, "start": _begins(days[0], pool.zone), "end": _begins(days[-1] + DAY, pool.zone)}
        for kind, ids, at in bitmaps.grouped_instants(text, given):
            whose = ids.astype(np.int64) - low
            inside = (whose >= 0) & (whose < size)
            whose, at = whose[inside], at[inside]
            there[whose * len(days) + np.searchsorted(starts, at, side="right") - 1] = True
            found.values.setdefault("event", {}).setdefault(kind, BitMap()).update(_different(low, size, whose))
        active += there.reshape(size, len(days)).sum(axis=1)
    found.number("active_days", np.arange(low, low + size), active, active > 0)
    return found


def _different(low: int, size: int, whose: Array) -> BitMap:
    there = np.zeros(size, bool)
    there[whose] = True
    return bitmaps.of_array(np.flatnonzero(there) + low)


def _spans(pool: Pool, members: int) -> Iterator[list[date]]:
    """The days there are events of, so many together that they can be held."""
    kinds = sql.rows("segmentation/list_event_kinds", {"pool": pool.pk, "q": "", "limit": None})
    ends = sql.row("segmentation/portraits/find_event_span", {"pool": pool.pk, "kinds": [each["value"] for each in kinds]})
    if ends is None or ends["first"] is None:
        return
    first, last = (today(ends[which], pool.zone) for which in ("first", "last"))
    rows = bitmaps.estimated("SELECT FROM members_event WHERE pool_id = %(pool)s", {"pool": pool.pk})
    days = (last - first).days + 1
    together = max(1, min(days * ROWS // max(rows, 1), CELLS // members, 400))
    for n in range(0, days, together):
        yield [first + k * DAY for k in range(n, min(n + together, days))]


def _begins(day: date, zone: ZoneInfo) -> datetime:
    """The instant from which on it is that day, also where clocks are put back at midnight."""
    at = midnight(day, zone)
    if at.astimezone(UTC).astimezone(zone).date() < day:
        at = datetime.combine(day, time(), zone).replace(fold=1)
    return at.astimezone(UTC)


SWEEPS: Mapping[str, Callable[[Pool, Callable[[], None]], Found]] = {"lines": sweep_lines, "events": sweep_events}
STATEMENTS = {"lines": ("list_paid_lines",), "events": ("list_events",)}


def said(sweep: str) -> str:
    """The statements of a sweep: what was made by others is stale."""
    return "\n".join(sql.text(f"segmentation/portraits/{name}") for name in STATEMENTS[sweep])
