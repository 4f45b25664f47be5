"""A pool cut up by what a statement says: a bitmap of members per choice, per band of numbers, per bit of a mask."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from pyroaring import BitMap

from segmentation import bitmaps
from segmentation.columns import UNKNOWN, Numbers

MOST = 300  # different values that are told apart; the others are one
FEW = 10  # free text that fewer members share could tell who they are
DISTINCT = 8  # numbers with so few values are not put into bands
REST = "rest"
Part = tuple[Any, BitMap]


@dataclass(frozen=True)
class Cut:
    """Rows of a statement that yield an id and a value, or an outcome of a sweep, and how they become parts."""

    key: str
    select: str  # up to the id
    value: str
    rows: str  # from where on
    domains: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    form: Literal["values", "numbers", "bits"] = "values"
    edges: tuple[int, ...] = ()  # of numbers, in scaled units; empty: by the numbers found
    scale: int = 1
    whole: bool = False  # of numbers: few different ones each stand for themselves
    positive: bool = False  # of numbers: nothing counts like no row
    free: bool = False  # of values: people wrote them
    only: frozenset[Any] | None = None  # of values: those that are meant
    sweep: str = ""  # what it is read by, with others, if not by its own statement

    @property
    def text(self) -> str:
        return f"{self.select}, ({self.value}) AS v0 FROM {self.rows}"

    @property
    def number(self) -> str:
        """The value of a statement that yields numbers."""
        return f"({self.value})" if self.scale == 1 else f"round(({self.value}) * {self.scale})"

    @property
    def source(self) -> tuple[Any, ...]:
        """Cuts of the same source are read together: numbers of the same rows, and the same values."""
        if self.sweep:
            return (self.sweep,)
        same = (self.select, self.rows, repr(sorted(self.params.items())))
        return (self.value, *same) if self.form == "values" else ("", *same)

    def of_values(self, groups: Iterable[tuple[Any, BitMap]]) -> list[Part]:
        """A part per value, the largest first; what is too rare or too much is one part."""
        wanted = [(value, ids) for value, ids in groups if self.only is None or value in self.only]
        return _valued(wanted, FEW if self.free else 1)

    def of_numbers(self, ids: Numbers, values: Numbers) -> list[Part]:
        """A part per band or per bit."""
        known = values > 0 if self.positive else values != UNKNOWN
        ids, values = ids[known], values[known]
        return _bits(ids, values) if self.form == "bits" else self._bands(ids, values)

    def _bands(self, ids: Numbers, values: Numbers) -> list[Part]:
        distinct = np.unique(values) if self.whole else np.zeros(0)
        if 0 < len(distinct) <= DISTINCT:
            return [([int(one), int(one) + 1], bitmaps.of_array(ids[values == one])) for one in distinct]
        edges = list(self.edges) or edges_of(values)
        places = np.searchsorted(np.array(edges, np.int64), values, side="right")
        ends = list(zip([None, *edges], [*edges, None], strict=True))
        found = [(list(band), bitmaps.of_array(ids[places == place])) for place, band in enumerate(ends)]
        return [(band, members) for band, members in found if members]


def read(together: Sequence[Cut]) -> list[list[Part]]:
    """The parts of each of some cuts of the same source, by one statement."""
    first = together[0]
    if first.form == "values":
        groups = [(value, bitmaps.of_array(ids)) for value, ids in bitmaps.grouped_ids(first.text, dict(first.params))]
        return [cut.of_values(groups) for cut in together]
    columns = ", ".join(f"{cut.number} AS v{n}" for n, cut in enumerate(together))
    text = f"{first.select}, {columns} FROM {first.rows}"
    ids, *values = bitmaps.packed_values(text, dict(first.params), len(together), UNKNOWN)
    return [cut.of_numbers(ids, found) for cut, found in zip(together, values, strict=True)]


def edges_of(values: Numbers) -> list[int]:
    """Where to cut numbers: between few values each, else near the fifths, at numbers with two digits."""
    if not len(values):
        return []
    distinct = np.unique(values)
    if len(distinct) <= DISTINCT:
        return [int(value) for value in distinct[1:]]
    fifths = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="nearest")
    edges = sorted({round_off(int(value)) for value in fifths})
    return [edge for edge in edges if distinct[0] < edge <= distinct[-1]]


def round_off(value: int) -> int:
    """The nearest number with two digits and noughts."""
    step = 10 ** max(0, math.floor(math.log10(abs(value))) - 1) if value else 1
    return round(value / step) * step


def _valued(groups: list[tuple[Any, BitMap]], fewest: int) -> list[Part]:
    known = [(value, ids) for value, ids in groups if value is not None and value != ""]
    known.sort(key=lambda part: (-len(part[1]), str(part[0])))
    kept = [(value, ids) for value, ids in known[:MOST] if len(ids) >= fewest]
    rest = known[len(kept) :]
    return [*kept, ({REST: len(rest)}, BitMap.union(*(ids for _value, ids in rest)))] if rest else kept


def _bits(ids: Numbers, masks: Numbers) -> list[Part]:
    """A part per bit that anybody has, the largest first."""
    found = [(bit, bitmaps.of_array(ids[(masks >> bit) & 1 == 1])) for bit in range(63)]
    return sorted(((bit, members) for bit, members in found if members), key=lambda part: -len(part[1]))
