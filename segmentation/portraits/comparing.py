"""Shares against shares: TGI with its interval, the effect that ranks, one segment against another.

TGI is 100 × the share in the segment ÷ the share in the pool. A segment is a part of its pool, so the two shares
are not independent: the interval is Katz's (log-ratio, +½) of the segment against the rest of the pool, which are,
carried over to the index (docs/adr/0025).
"""

from dataclasses import dataclass
from math import asin, exp, log, sqrt

Z = 1.959964
FEW = 10  # members with a trait, observed and expected: below both nothing is said
HALF = 0.5


@dataclass(frozen=True)
class Against:
    """One trait in a segment of `n` against its pool."""

    members: int
    share: float
    pool_members: int
    pool_share: float
    tgi: float | None  # None: nobody in the pool has it, or nobody is there
    low: float | None
    high: float | None
    effect: float  # Cohen's h: difference of the shares where both tails count alike
    few: bool

    @property
    def differs(self) -> bool:
        """Whether the difference is beyond chance."""
        return self.low is not None and self.high is not None and not self.low <= 100 <= self.high and not self.few


def against(members: int, size: int, pool_members: int, pool_size: int) -> Against:
    """`members` of the `size` in the segment have the trait, `pool_members` of all `pool_size`."""
    share, usual = _part(members, size), _part(pool_members, pool_size)
    tgi = 100 * members * pool_size / (size * pool_members) if pool_members and size else None
    low, high = (None, None) if tgi is None else _limits(members, size, pool_members, pool_size, tgi)
    few = max(members, size * usual) < FEW
    return Against(members, share, pool_members, usual, tgi, low, high, effect(share, usual) if size else 0.0, few)


def _limits(members: int, size: int, pool_members: int, pool_size: int, tgi: float) -> tuple[float, float]:
    rest, others = pool_members - members, pool_size - size
    if others == 0:
        return 100.0, 100.0
    weight = size / pool_size
    middle = log(_ratio(members, size, rest, others))
    spread = Z * sqrt(_variance(members, size) + _variance(rest, others))
    ends = [100 * found / (weight * found + 1 - weight) for found in (exp(middle - spread), exp(middle + spread))]
    return min(ends[0], tgi), max(ends[1], tgi)


def effect(share: float, other: float) -> float:
    """Cohen's h of two shares: .2 is small, .5 medium, .8 large."""
    return 2 * (asin(sqrt(min(1.0, share))) - asin(sqrt(min(1.0, other))))


@dataclass(frozen=True)
class Between:
    """One trait in two segments: how many times as frequent it is in the first, × 100."""

    index: float | None
    low: float | None
    high: float | None
    effect: float
    few: bool

    @property
    def differs(self) -> bool:
        return self.low is not None and self.high is not None and not self.low <= 100 <= self.high and not self.few


def between(first: tuple[int, int], second: tuple[int, int], both: tuple[int, int]) -> Between:
    """(members, size) of each segment and of their overlap.

    Who is in both moves both shares, so the variance is summed over three groups that share nobody.
    """
    (a, n), (b, m), (c, k) = first, second, both
    share, other = _part(a, n), _part(b, m)
    few = max(a, b) < FEW
    if not n or not m or not (a or b):
        return Between(None, None, None, 0.0, few)
    first_weight, second_weight = 1 / (a + HALF), 1 / (b + HALF)
    groups = ((c, k, first_weight - second_weight), (a - c, n - k, first_weight), (b - c, m - k, second_weight))
    variance = sum(_spread(*group) for group in groups) if k else _variance(a, n) + _variance(b, m)
    spread = Z * sqrt(variance)
    middle = log(_ratio(a, n, b, m))
    index = 100 * share / other if b else None
    ends = 100 * exp(middle - spread), 100 * exp(middle + spread)
    low, high = (min(ends[0], index), max(ends[1], index)) if index is not None else ends
    return Between(index, low, high, effect(share, other), few)


def _spread(members: int, size: int, weight: float) -> float:
    """What a group adds to the variance of the logarithm of the ratio, in which its members count by `weight`."""
    chance = (members + HALF) / (size + 1)
    return size * chance * (1 - chance) * weight**2


def _part(members: int, size: int) -> float:
    return members / size if size else 0.0


def _ratio(a: int, n: int, b: int, m: int) -> float:
    return ((a + HALF) / (n + HALF)) / ((b + HALF) / (m + HALF))


def _variance(members: int, size: int) -> float:
    return 1 / (members + HALF) - 1 / (size + HALF)
