"""The arithmetic of results, in closed forms: differences, intervals, power. Knows no database.

Newcombe (1998, method 10) for a difference of rates, Katz's log-ratio with +½ for relative lift,
Welch for means, CUPED with the spend of the period before. Wald intervals are not used: with the
holdouts real shops keep they cover 86 % instead of 95 %.
"""

from dataclasses import dataclass
from math import exp, isfinite, log, nan, sqrt

from scipy import special

CONFIDENCE = 0.95
# Below this many conversions in an arm the first looks are noise (docs/adr, reference: peeking).
ENOUGH = 50
# Arms as unequal as this happen once in a thousand campaigns by chance.
SRM_ALARM = 0.001


@dataclass(frozen=True)
class Estimate:
    """A figure and the interval around it."""

    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        return all(isfinite(number) for number in (self.value, self.low, self.high))

    @property
    def excludes_zero(self) -> bool:
        return self.is_known and (self.low > 0 or self.high < 0)

    def times(self, factor: float) -> "Estimate":
        """The same estimate in other units: per member → in total."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


UNKNOWN = Estimate(nan, nan, nan)


@dataclass(frozen=True)
class Moments:
    """What a mean comparison needs of one arm: sums of y (in the window), x (before), and products."""

    n: int
    y: float = 0.0
    yy: float = 0.0
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(
            self.n + other.n, self.y + other.y, self.yy + other.yy, self.x + other.x, self.xx + other.xx, self.xy + other.xy
        )

    @property
    def mean_y(self) -> float:
        return self.y / self.n

    @property
    def mean_x(self) -> float:
        return self.x / self.n

    @property
    def var_y(self) -> float:
        return max(0.0, (self.yy - self.y * self.y / self.n) / (self.n - 1))

    @property
    def var_x(self) -> float:
        return max(0.0, (self.xx - self.x * self.x / self.n) / (self.n - 1))

    @property
    def cov(self) -> float:
        return (self.xy - self.x * self.y / self.n) / (self.n - 1)


def _z(confidence: float = CONFIDENCE) -> float:
    return float(special.ndtri(0.5 + confidence / 2))


def wilson(hits: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """The rate hits/n with Wilson's score interval."""
    if n == 0:
        return UNKNOWN
    z, p = _z(confidence), hits / n
    middle, spread = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n))


def newcombe(hits: int, n: int, base_hits: int, base_n: int, confidence: float = CONFIDENCE) -> Estimate:
    """The difference of two rates with Newcombe's hybrid score interval."""
    if not n or not base_n:
        return UNKNOWN
    one, two = wilson(hits, n, confidence), wilson(base_hits, base_n, confidence)
    down = sqrt((one.value - one.low) ** 2 + (two.high - two.value) ** 2)
    up = sqrt((one.high - one.value) ** 2 + (two.value - two.low) ** 2)
    difference = one.value - two.value
    return Estimate(difference, difference - down, difference + up)


def relative_lift(hits: int, n: int, base_hits: int, base_n: int, confidence: float = CONFIDENCE) -> Estimate:
    """How much larger the rate is, as a fraction (0.2 = +20 %), with Katz's log-ratio interval (+½)."""
    if not n or not base_n:
        return UNKNOWN
    a, b, m, k = hits + 0.5, base_hits + 0.5, n + 0.5, base_n + 0.5
    ratio = (a / m) / (b / k)
    spread = _z(confidence) * sqrt(max(0.0, 1 / a - 1 / m + 1 / b - 1 / k))
    value = (hits / n) / (base_hits / base_n) if base_hits else ratio
    return Estimate(value - 1, exp(log(ratio) - spread) - 1, exp(log(ratio) + spread) - 1)


def _welch(difference: float, var_a: float, n_a: int, var_b: float, n_b: int, confidence: float) -> Estimate:
    a, b = var_a / n_a, var_b / n_b
    if a + b == 0:
        return Estimate(difference, difference, difference)
    freedom = (a + b) ** 2 / (a * a / (n_a - 1) + b * b / (n_b - 1))
    spread = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * sqrt(a + b)
    return Estimate(difference, difference - spread, difference + spread)


def welch(treated: Moments, base: Moments, confidence: float = CONFIDENCE) -> Estimate:
    """The difference of two means, variances not assumed equal."""
    if treated.n < 2 or base.n < 2:
        return UNKNOWN
    return _welch(treated.mean_y - base.mean_y, treated.var_y, treated.n, base.var_y, base.n, confidence)


def cuped_theta(treated: Moments, base: Moments) -> float:
    """The slope of spend in the window on spend before it, within arms."""
    xx = treated.var_x * (treated.n - 1) + base.var_x * (base.n - 1)
    xy = treated.cov * (treated.n - 1) + base.cov * (base.n - 1)
    return xy / xx if xx > 0 else 0.0


def _adjusted_variance(arm: Moments, theta: float) -> float:
    return max(0.0, arm.var_y - 2 * theta * arm.cov + theta * theta * arm.var_x)


def cuped(treated: Moments, base: Moments, confidence: float = CONFIDENCE) -> Estimate:
    """Welch on y − θ·x: the same difference with what was known beforehand taken out."""
    if treated.n < 2 or base.n < 2:
        return UNKNOWN
    theta = cuped_theta(treated, base)
    difference = treated.mean_y - base.mean_y - theta * (treated.mean_x - base.mean_x)
    return _welch(difference, _adjusted_variance(treated, theta), treated.n, _adjusted_variance(base, theta), base.n, confidence)


def variance_kept(treated: Moments, base: Moments) -> float:
    """The share of the variance that CUPED leaves (1 = the past says nothing)."""
    if treated.n < 2 or base.n < 2:
        return 1.0
    theta, raw = cuped_theta(treated, base), treated.var_y / treated.n + base.var_y / base.n
    left = _adjusted_variance(treated, theta) / treated.n + _adjusted_variance(base, theta) / base.n
    return left / raw if raw > 0 else 1.0


def srm(treated: int, base: int, base_share: float) -> float:
    """p-value of the arms' sizes under the planned share: tiny means that assignment went wrong."""
    total = treated + base
    if not total or not 0 < base_share < 1:
        return 1.0
    expected = total * base_share
    chi = (base - expected) ** 2 / expected + (treated - (total - expected)) ** 2 / (total - expected)
    return float(special.chdtrc(1, chi))


def detectable(rate: float, treated: int, base: int, power: float = 0.8, confidence: float = CONFIDENCE) -> float:
    """The smallest true difference of rates that would be found with this power."""
    if not treated or not base:
        return nan
    rate = min(max(rate, 0.5 / (treated + base)), 0.5)
    return (_z(confidence) + float(special.ndtri(power))) * sqrt(rate * (1 - rate) * (1 / treated + 1 / base))


def enough(conversions: int, base_conversions: int) -> bool:
    """Whether both arms have the conversions that a conclusion needs."""
    return min(conversions, base_conversions) >= ENOUGH
