"""The chance of not buying within a horizon, and after how long without an order a member reaches it.

For a member with x repeat orders, the last of them tx days after the first, P(no order within H) of MBG/NBD rises with the
time since the last order and depends on nothing else. So an edge of P is an age of the pair (x, tx): found once by bisection
for all pairs there are, in whole hours, it makes the stage a comparison of instants and the day of its change exact.

Never 1 - P(alive), and never recency over the member's own interval: measured, both tell less than plain recency.
The modified model (one may stop after the first order, too) keeps lapsed one-time buyers last where BG/NBD does not.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.predicting import btyd
from segmentation.predicting.btyd import Counts

ENOUGH_REPEAT_BUYERS = 30  # fewer say nothing about the pool's rhythm: the fixed days hold
HORIZONS = (30, 60, 90, 180, 365)
GAPS = 2  # a horizon is about two buying intervals: time enough to notice that somebody does not come back
GRID = np.round(np.arange(0.05, 1, 0.05), 2)  # the quantiles edges may lie at
QUARTERS = [0.25, 0.5, 0.75]
LEAST = 0.1  # of the buyers, in each stage
NEVER = 100 * 365 * 24  # hours
TX, T = 1 << 16, (1 << 16) - 1
DRIFT = 0.2  # repeat buyers more or fewer than at the last measuring, from which on it is done again
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """Buyers collapsed to what their chances depend on: repeat orders, days first to last, days first to now, how many."""

    x: Numbers
    tx: Numbers
    t: Numbers
    count: Numbers

    @classmethod
    def unpacked(cls, packed: bytes | memoryview | None) -> Self:
        """Out of 8 bytes a buyer, as `pack_histories` sends them."""
        keys, count = np.unique(np.frombuffer(packed or b"", ">i8").astype(np.int64), return_counts=True)
        return cls(keys >> 32, keys >> 16 & T, keys & T, count.astype(np.int64))

    @property
    def buyers(self) -> int:
        return int(self.count.sum())

    @property
    def repeat_buyers(self) -> int:
        return int(self.count[self.x > 0].sum())

    @property
    def median_gap(self) -> float:
        """The middle one of the repeat buyers' mean intervals, in days."""
        again = self.x > 0
        return quantile(self.tx[again] / self.x[again], self.count[again], 0.5) if again.any() else 0.0

    @property
    def pairs(self) -> tuple[Numbers, Numbers]:
        """The distinct (x, tx)."""
        keys = np.unique(self.x * TX + self.tx)
        return keys // TX, keys % TX


@dataclass(frozen=True)
class Chance:
    """Fitted on one day: the model, the horizon in days, and the chances at which stages begin."""

    r: float
    alpha: float
    a: float
    b: float
    horizon: int
    edges: list[float]  # P(no order within the horizon) from which on silent, sleeping, lost
    shares: list[float]  # what the edges are quantiles of all buyers at
    asked: list[Any]  # the shares and the horizon that were asked for; None: to be found
    gap: float  # median interval of repeat buyers, days
    buyers: int
    repeat_buyers: int
    measured_at: str

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        return cls(**data)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    def of(self, x: Any, tx: Any, t: Any) -> NDArray[np.float64]:
        """P(no order within the horizon)."""
        model = Counts(self.r, self.alpha, self.a, self.b, True, 0.0, self.buyers)
        return 1 - np.asarray(btyd.probability_of_buying(model, self.horizon, x, tx, t))

    def ages(self, x: Any, tx: Any) -> NDArray[np.int64]:
        """Per pair the whole hours since the last order at which it turns silent, sleeping, lost."""
        x, tx = np.ascontiguousarray(x, float), np.ascontiguousarray(tx, float)
        found, low = np.empty((len(x), len(self.edges)), np.int64), np.zeros(len(x), np.int64)
        for n, edge in enumerate(self.edges):
            low = self._age(edge, x, tx, low)
            found[:, n] = low
        return found

    def _age(self, edge: float, x: Any, tx: Any, low: Numbers) -> Numbers:
        """The first hour from `low` on at which the chance has reached the edge, by bisection."""
        low, high = low.copy(), np.full(len(x), NEVER, np.int64)
        while (open_ := low < high).any():
            middle = (low + high) // 2
            reached = self.of(x, tx, tx + middle / 24) >= edge
            high = np.where(open_ & reached, middle, high)
            low = np.where(open_ & ~reached, middle + 1, low)
        return low

    def still_holds(self, found: Histories, asked: list[Any], keep: timedelta, as_of: datetime) -> bool:
        """Whether it was measured as is asked now, lately, on about as many repeat buyers."""
        lately = timedelta(0) <= as_of - datetime.fromisoformat(self.measured_at) < keep
        return self.asked == asked and lately and abs(found.repeat_buyers - self.repeat_buyers) <= DRIFT * self.repeat_buyers


def quantile(values: NDArray[Any], count: Numbers, share: float) -> float:
    """The first value whose cumulative share of the counted reaches `share`."""
    return quantiles(values, count, [share])[0]


def quantiles(values: NDArray[Any], count: Numbers, shares: Iterable[float]) -> list[float]:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(count[order])
    wanted = [math.ceil(round(share * int(reached[-1]), 6)) for share in shares]
    return [float(each) for each in values[order][np.searchsorted(reached, wanted)]]


def best_shares(chances: NDArray[np.float64], count: Numbers) -> list[float]:
    """The three quantiles at which four stages keep most of what the chances tell apart, by the model's own reckoning.

    That is the area under the curve of the stage, were the chances true; no outcome is looked at. Quarters lose much where
    nearly everybody stays, or nearly nobody.
    """
    bins = np.searchsorted(quantiles(chances, count, GRID), chances, side="right")
    sums = [
        np.r_[0, np.cumsum(np.bincount(bins, weight, len(GRID) + 1))]
        for weight in (chances * count, (1 - chances) * count, count)
    ]
    ends = np.array([(0, *cut, len(GRID) + 1) for cut in combinations(range(1, len(GRID) + 1), 3)])
    gone, back, size = (np.diff(total[ends], axis=1) for total in sums)
    before = sums[1][ends[:, :-1]]
    area = (gone * (before + back / 2)).sum(axis=1) - np.where((size < LEAST * sums[2][-1]).any(axis=1), np.inf, 0)
    if not np.isfinite(area).any():
        return QUARTERS
    return [float(GRID[end - 1]) for end in ends[int(np.argmax(area)), 1:-1]]


def horizon_of(gap: float) -> int:
    """The usual number of days nearest to two buying intervals, by ratio."""
    wanted = max(GAPS * gap, 1)
    return min(HORIZONS, key=lambda days: abs(math.log(days / wanted)))


def measure(found: Histories, asked: list[Any], as_of: datetime) -> Chance | None:
    """Fit the model and take the edges as quantiles over all buyers; None where the data cannot say.

    `asked` are the shares and the horizon, each None where it is to be found.
    """
    if found.repeat_buyers < ENOUGH_REPEAT_BUYERS:
        return None
    try:
        model = btyd.fit(*(np.repeat(column, found.count) for column in (found.x, found.tx, found.t)), modified=True)
    except btyd.NotEnoughData:
        return None
    gap, (shares, horizon) = found.median_gap, asked
    chance = Chance(
        model.r, model.alpha, model.a, model.b, horizon or horizon_of(gap), [], [], asked, gap,
        found.buyers, found.repeat_buyers, as_of.isoformat(),
    )  # fmt: skip
    chances = chance.of(found.x, found.tx, found.t)
    if not np.isfinite([model.r, model.alpha, model.a, model.b, *chances]).all():
        return None
    shares = shares or best_shares(chances, found.count)
    return replace(chance, shares=shares, edges=quantiles(chances, found.count, shares))
