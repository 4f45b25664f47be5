"""A pool cut up by one statement: a bitmap of members per choice, per band of numbers, per bit of a mask."""

import math
from collections.abc import Mapping
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
    """One statement, which yields `id` and `v0`, and how its rows become parts."""

    key: str
    text: str
    domains: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    form: Literal["values", "numbers", "bits"] = "values"
    edges: tuple[int, ...] = ()  # of numbers, in scaled units; empty: by the numbers found
    scale: int = 1
    whole: bool = False  # of numbers: few different ones each stand for themselves
    positive: bool = False  # of numbers: nothing counts like no row
    free: bool = False  # of values: people wrote them

    def parts(self) -> list[Part]:
        """Read the data; the parts, the largest first where they have no order."""
        if self.form == "values":
            return _valued(bitmaps.grouped_ids(self.text, dict(self.params)), FEW if self.free else 1)
        ids, values = self._numbers()
        return _bits(ids, values) if self.form == "bits" else self._bands(ids, values)

    def _numbers(self) -> tuple[Numbers, Numbers]:
        text = self.text if self.scale == 1 else f"SELECT id, round(v0 * {self.scale}) AS v0 FROM ({self.text}) AS raw"  # noqa: S608 - constants and the catalogue; values are bound
        ids, values = bitmaps.packed_values(text, dict(self.params), 1, UNKNOWN)
        known = values > 0 if self.positive else values != UNKNOWN
        return ids[known], values[known]

    def _bands(self, ids: Numbers, values: Numbers) -> list[Part]:
        distinct = np.unique(values) if self.whole else np.zeros(0)
        if 0 < len(distinct) <= DISTINCT:
            return [([int(one), int(one) + 1], bitmaps.of_array(ids[values == one])) for one in distinct]
        edges = list(self.edges) or edges_of(values)
        places = np.searchsorted(np.array(edges, np.int64), values, side="right")
        ends = list(zip([None, *edges], [*edges, None], strict=True))
        found = [(list(band), bitmaps.of_array(ids[places == place])) for place, band in enumerate(ends)]
        return [(band, members) for band, members in found if members]


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


def _valued(groups: list[tuple[Any, Numbers]], fewest: int) -> list[Part]:
    """A part per value, the largest first; what is too rare or too much is one part."""
    known = [(value, bitmaps.of_array(ids)) for value, ids in groups if value is not None and value != ""]
    known.sort(key=lambda part: (-len(part[1]), str(part[0])))
    kept = [(value, ids) for value, ids in known[:MOST] if len(ids) >= fewest]
    rest = known[len(kept) :]
    return [*kept, ({REST: len(rest)}, BitMap.union(*(ids for _value, ids in rest)))] if rest else kept


def _bits(ids: Numbers, masks: Numbers) -> list[Part]:
    """A part per bit that anybody has."""
    found = [(bit, bitmaps.of_array(ids[(masks >> bit) & 1 == 1])) for bit in range(63)]
    return [(bit, members) for bit, members in found if members]
