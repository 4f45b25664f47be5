"""Measures at hand: who has a value and which, and whom an operator selects of them."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from pyroaring import BitMap

from segmentation import bitmaps

Numbers = np.ndarray[Any, np.dtype[Any]]
UNKNOWN = -(2**63)  # stands for a missing value while values travel
SIZES = ("<i1", "<i2", "<i4", "<i8")


@dataclass(frozen=True)
class Column:
    """One whole number per member, in the order of their ids; of texts, their places in `labels`."""

    ids: BitMap
    values: Numbers
    labels: tuple[str, ...] | None = None

    @cached_property
    def numbers(self) -> Numbers:
        return bitmaps.numbers(self.ids)

    def packed(self) -> bytes:
        """The values in as few bytes each as hold the greatest."""
        return narrow(self.values).tobytes()


def narrow(values: Numbers) -> Numbers:
    """The same numbers in as few bytes each as hold the greatest."""
    ends = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    size = next(size for size in SIZES if np.iinfo(size).min <= ends[0] and ends[1] <= np.iinfo(size).max)
    return values.astype(size, copy=False)


def unpacked(ids: BitMap, packed: bytes | memoryview, labels: list[str] | None) -> Column:
    """A column as it was kept."""
    width = len(packed) // max(1, len(ids))
    values = np.frombuffer(packed, dtype=f"<i{width or 1}")
    return Column(ids, values, None if labels is None else tuple(labels))


def column(ids: Numbers, values: Numbers, labels: tuple[str, ...] | None = None) -> Column:
    """A column of values that came in any order."""
    if values.dtype == np.int64:
        known = values != UNKNOWN
        if not known.all():
            ids, values = ids[known], values[known]
        values = narrow(values)
    if len(ids) > 1 and not (ids[1:] > ids[:-1]).all():
        ids, values = _sorted(ids, values)
    return Column(bitmaps.of_array(ids), values, labels)


def _sorted(ids: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """By id; ids that lie close together are put in their places instead of sorted."""
    low, span = int(ids.min()), int(ids.max()) - int(ids.min()) + 1
    if span > 8 * len(ids):
        order = np.argsort(ids)
        return ids[order], values[order]
    places, there = np.zeros(span, values.dtype), np.zeros(span, bool)
    at = ids - np.uint32(low)
    places[at], there[at] = values, True
    found = np.flatnonzero(there)
    return (found + low).astype(np.uint32), places[found]


def select(columns: list[Column], op: str, value: Any) -> BitMap:
    """Who satisfies an operator: of one column, or of the mean that two columns make."""
    if len(columns) > 1:
        return _select_mean(columns[0], columns[1], op, value)
    (one,) = columns
    if op == "known":
        return one.ids
    if one.labels is not None:
        places = {label: place for place, label in enumerate(one.labels)}
        value = tuple(places[label] for label in value if label in places)
    return bitmaps.of_array(one.numbers[_holds(op, one.values, one.values, value)])


def _select_mean(total: Column, count: Column, op: str, value: Any) -> BitMap:
    """Whose exact mean satisfies an operator. The mean of nothing is unknown.

    Where a part of a whole number is asked for, both sides are multiplied until it is one.
    """
    ids, sums, counts = total.numbers, total.values, count.values
    if total.ids != count.ids:  # read at different moments
        ids, mine, others = np.intersect1d(ids, count.numbers, assume_unique=True, return_indices=True)
        sums, counts = sums[mine], counts[others]
    some = counts != 0
    if op == "known":
        return bitmaps.of_array(ids[some])
    times, wanted = whole(value)
    sums, counts = sums[some].astype(np.int64) * times, counts[some].astype(np.int64)
    low, high = sums // counts, -(-sums // counts)  # these compare with a whole number as the exact mean does
    return bitmaps.of_array(ids[some][_holds(op, low, high, wanted)])


def whole(value: Any) -> tuple[int, Any]:
    """By how much a number, or each of several, is multiplied to be whole, and what it is then."""
    parts = [Fraction(str(each)) for each in (value if isinstance(value, tuple) else (value,))]
    times = math.lcm(*(part.denominator for part in parts))
    found = tuple(int(part * times) for part in parts)
    return times, found if isinstance(value, tuple) else found[0]


def _holds(op: str, low: Numbers, high: Numbers, value: Any) -> Numbers:
    found: Numbers
    match op:
        case "gte" | "lt":
            found = low >= value
        case "gt" | "lte":
            found = high > value
        case "eq" | "ne":
            found = (low == value) & (high == value)
        case "between" | "not_between":
            found = (low >= value[0]) & (high <= value[1])
        case "in":
            found = _among(low, value)
        case _:
            raise ValueError(op)
    return ~found if op in ("lt", "lte", "ne", "not_between") else found


def _among(values: Numbers, wanted: tuple[int, ...]) -> Numbers:
    """Which values are wanted: where they are short, each possible one is looked up instead of searched."""
    size = values.dtype.itemsize
    if size > 2:
        return np.isin(values, np.array(wanted, np.int64))
    ends = np.iinfo(values.dtype)
    possible = np.zeros(ends.max - ends.min + 1, bool)
    possible[[each for each in wanted if ends.min <= each <= ends.max]] = True  # those below zero count from the end
    return possible[values.view(f"<u{size}")]
