"""Order lines and events, the longest tables, read once for all that is said of them: a part of the pool at a time.

What PostgreSQL would sort and group for minutes, once per cut, arrays of a part are grouped by in moments. A part is
small enough to be held, and whoever is in it is in no other, so what parts say is only put side by side.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Max, Min
from pyroaring import BitMap

from members.models import Member, Pool
from scrm.lib import sql
from segmentation import bitmaps
from segmentation.columns import UNKNOWN, Numbers

PART = 100_000  # member numbers read at once
KINDS = 65_536  # of events
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

    def classes(self, key: str, ids: Numbers, places: Array, names: list[Any]) -> None:
        """`places` say which name each row has; -1: none."""
        into, known = self.values.setdefault(key, {}), places >= 0
        if not known.any():
            return
        ids, places = ids[known], places[known].astype(np.min_scalar_type(max(1, len(names))))
        order = np.argsort(places, kind="stable")
        ends = np.cumsum(np.bincount(places, minlength=len(names)))
        for name, some in zip(names, np.split(ids[order], ends[:-1]), strict=True):
            if len(some):
                into.setdefault(name, BitMap()).update(bitmaps.of_array(some))


def parts(pool: Pool) -> Iterator[dict[str, int]]:
    """The first and last member number of each part."""
    ends = Member.objects.filter(pool=pool).aggregate(low=Min("pk"), high=Max("pk"))
    low, high = ends["low"] or 0, ends["high"] or -1
    for at in range(low, high + 1, PART):
        yield {"low": at, "high": min(at + PART - 1, high)}


# -- Order lines ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Goods:
    """Products that were ever paid for, one after the other; before them a place for those that came since."""

    ids: list[int]
    new_until: list[Any]
    usual: Array  # what everybody pays a piece of the like; NaN: unknown
    kinds: dict[str, tuple[Array, list[str]]]  # the place of each product's category … among the names


def goods(pool: Pool) -> Goods:
    """What is known of the products of a pool."""
    found = sql.rows("segmentation/portraits/measure_products", {"pool": pool.pk})
    usual = np.array([np.nan, *(np.nan if row["usual"] is None else row["usual"] for row in found)])
    kinds = {}
    for key in ("category", "subcategory", "brand"):
        names = sorted({row[key] for row in found if row[key]})
        places = {name: place for place, name in enumerate(names)}
        kinds[key] = np.array([-1, *(places.get(row[key], -1) for row in found)]), names
    return Goods([row["product_id"] for row in found], [row["new_until"] for row in found], usual, kinds)


def sweep_lines(pool: Pool, report: Callable[[], None]) -> Found:
    """What members bought: pieces, prices, brands, new products, and the categories, subcategories and brands themselves."""
    known, found, text = goods(pool), Found(), sql.text("segmentation/portraits/list_paid_lines")
    params = {"pool": pool.pk, "products": known.ids, "new_until": known.new_until}
    for part in parts(pool):
        report()
        ids, marks, pieces, amount = bitmaps.packed_values(text, params | part, 3, UNKNOWN)
        if len(ids):
            marks = np.where(marks == UNKNOWN, 0, marks)
            for key, (places, names) in known.kinds.items():
                found.classes(key, ids, places[marks >> 1], names)
            _habits(found, known, Lines(ids, marks >> 1, marks & 1, pieces, amount))
    return found


@dataclass(frozen=True)
class Lines:
    """Paid order lines: whose, of which product, whether it was new then, how many pieces, for how much."""

    ids: Numbers
    product: Array
    fresh: Array
    pieces: Array
    amount: Array


def _habits(found: Found, known: Goods, lines: Lines) -> None:
    members, whose = np.unique(lines.ids, return_inverse=True)

    def summed(column: Array, where: Array = slice(None)) -> Array:
        return np.bincount(whose[where], column[where], len(members))

    pieces, spent = (summed(column).astype(np.int64) for column in (lines.pieces, lines.amount))
    found.number("goods_units", members, pieces, pieces > 0)
    found.number("goods_price", members, spent // np.maximum(pieces, 1), pieces > 0)
    usual = known.usual[lines.product]
    priced = (lines.pieces > 0) & np.isfinite(usual)
    paid, expected = summed(lines.amount, priced), summed(lines.pieces * usual, priced)
    index = np.floor(np.round(100 * paid / np.where(expected > 0, expected, 1), 6))
    found.number("price_index", members, index, expected > 0)
    count, fresh = np.bincount(whose, minlength=len(members)), summed(lines.fresh).astype(np.int64)
    found.number("new_product_share", members, fresh * 100 // np.maximum(count, 1), count > 0)
    largest, total = _largest(whose, known.kinds["brand"][0][lines.product], lines.amount, len(members))
    found.number("top_brand_share", members, 100 * largest // np.maximum(total, 1), total > 0)


def _largest(whose: Array, brand: Array, amount: Array, members: int) -> tuple[Array, Array]:
    """Per member, the money that the dearest brand got, and all brands together."""
    branded, brands = brand >= 0, max(1, brand.max() + 1)
    pairs, place = np.unique(whose[branded] * brands + brand[branded], return_inverse=True)
    spent = np.bincount(place, amount[branded], len(pairs)).astype(np.int64)
    owners = pairs // brands
    largest, total = np.zeros(members, np.int64), np.zeros(members, np.int64)
    np.maximum.at(largest, owners, spent)
    np.add.at(total, owners, spent)
    return largest, total


# -- Events --------------------------------------------------------------------------------------
def sweep_events(pool: Pool, report: Callable[[], None]) -> Found:
    """Which kinds of events members have, and on how many days."""
    rows = sql.rows("segmentation/list_event_kinds", {"pool": pool.pk, "q": "", "limit": KINDS - 1})
    kinds = [row["value"] for row in rows]
    found, text = Found(), sql.text("segmentation/portraits/list_event_days")
    params = {"pool": pool.pk, "zone": pool.time_zone, "kinds": kinds}
    for part in parts(pool):
        report()
        ids, marks = bitmaps.packed_values(text, params | part, 1, UNKNOWN)
        if len(ids):
            found.classes("event", ids, marks % KINDS - 1, kinds)
            days = np.sort((ids.astype(np.int64) << 20) + np.maximum(marks // KINDS, 0))
            different = np.append(True, days[1:] != days[:-1])  # many times as fast as np.unique, which hashes
            members, count = np.unique(days[different] >> 20, return_counts=True)
            found.number("active_days", members, count, count > 0)
    return found


SWEEPS: Mapping[str, Callable[[Pool, Callable[[], None]], Found]] = {"lines": sweep_lines, "events": sweep_events}
STATEMENTS = {"lines": ("measure_products", "list_paid_lines"), "events": ("list_event_days",)}


def said(sweep: str) -> str:
    """The statements of a sweep: what was made by others is stale."""
    return "\n".join(sql.text(f"segmentation/portraits/{name}") for name in STATEMENTS[sweep])
