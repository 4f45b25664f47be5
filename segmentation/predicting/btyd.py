"""Buying until they stop, in closed form: BG/NBD and MBG/NBD (how often, whether still) and their data.

Notation of the literature: a customer is x repeat purchases, the last of them tx after the first, watched for T after the
first, all in one unit of time (days here). r, alpha describe buying rates, a, b the chance of stopping after a purchase.
Under MBG a customer may stop after the first purchase too; under BG/NBD a one-time buyer counts as alive for certain, so
"1 - P(alive)" is not churn: ask `probability_of_buying`. What a purchase is worth: `segmentation.predicting.spend`.

Fader, Hardie, Lee (2005), Batislam, Denizel, Filiztekin (2007). The hypergeometric function is Euler-transformed, so nothing
overflows; where it still has no digits left, a quadrature over the chance of stopping takes its place.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import betaincinv, digamma, expit, gammaln, hyp2f1

Floats = NDArray[np.float64]

FEWEST, FEWEST_REPEATERS = 20, 5
_BOUNDS = (-12.0, 14.0)  # of the logarithms: what runs away stays a number
_START = np.log([0.5, 0.5, 0.8, 2.5])
_ROUNDS = {"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-9}
_NODES = 64
_DENSE = 4_000_000


class NotEnoughData(Exception):
    """Nothing can be learnt from these purchases; the sentence says what is missing."""

    SAID: ClassVar[dict[str, str]] = {
        "members": "{found} members to learn from; at least {needed} are needed",
        "repeaters": "{found} members bought more than once; at least {needed} are needed",
        "answers": "the rarer answer was given {found} times; at least {needed} are needed",
        "spenders": "{found} members with purchases of some value; at least {needed} are needed",
        "days": "purchases reach over {found} days; at least {needed} are needed",
        "categories": "{found} categories of products bought; at least {needed} are needed",
        "offers": "{found} offers of coupons that enough members used; at least {needed} are needed",
        "seeds": "{found} members of the segment bought lately; at least {needed} are needed",
        "others": "{found} members outside the segment bought lately; at least {needed} are needed",
        "discounts": "{found} members with a discount to compare; at least {needed} are needed",
        "novelties": "{found} members bought something new; at least {needed} are needed",
        "activities": "{found} members ordered while something was on; at least {needed} are needed",
        "alike": "members are of {found} kinds; at least {needed} are needed",
        "same_day": "all purchases are of the last day; some days after them are needed",
    }

    def __init__(self, code: str, *, found: int = 0, needed: int = 0) -> None:
        super().__init__(self.SAID[code].format(found=found, needed=needed))
        self.code, self.found, self.needed = code, found, needed


@dataclass(frozen=True)
class History:
    """Customers as the models see them, one row each: `x` repeat purchases, `tx` and `T` in days, `worth` of a purchase."""

    member: NDArray[Any]
    x: Floats
    tx: Floats
    T: Floats
    worth: Floats
    """Mean value of the repeat purchases; 0 where there is none."""


@dataclass(frozen=True)
class Counts:
    """Fitted parameters; `modified` is MBG/NBD. `alpha` is in the unit of time the data had."""

    r: float
    alpha: float
    a: float
    b: float
    modified: bool
    log_likelihood: float
    customers: int

    @property
    def shift(self) -> int:
        return int(self.modified)


def summarise(member: Any, day: Any, amount: Any, until: int) -> History:
    """Purchases (one row each, days as whole numbers) into customers as known at the end of day `until`.

    Purchases of one day are one purchase; later ones are not looked at.
    """
    member, day, amount = np.asarray(member), np.asarray(day, np.int64), np.asarray(amount, float)
    seen = day <= until
    member, day, amount = member[seen], day[seen], amount[seen]
    if not len(member):
        empty = np.empty(0)
        return History(member, empty, empty, empty, empty)
    start = int(day.min())
    ids, code = _coded(member)
    key = code * (until - start + 1) + (day - start)
    order = np.argsort(key, kind="stable")
    key, amount = key[order], amount[order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    total, key = np.add.reduceat(amount, first), key[first]
    code, day = key // (until - start + 1), key % (until - start + 1) + start
    begin = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    who = ids[code[begin]]
    x = np.diff(np.r_[begin, len(code)]) - 1
    repeats = np.add.reduceat(total, begin) - total[begin]
    born = day[begin]
    worth = np.divide(repeats, x, out=np.zeros(len(x)), where=x > 0)
    return History(who, x.astype(float), (day[begin + x] - born).astype(float), (until - born).astype(float), worth)


def fit(x: Any, tx: Any, T: Any, *, modified: bool = False) -> Counts:
    """The likeliest parameters; raises NotEnoughData when nobody came back or there are hardly any customers."""
    x, tx, T = (np.asarray(each, float) for each in (x, tx, T))
    _enough(x, T)
    unit = float(T.mean())
    data = _Sums.of(x, tx / unit, T / unit, modified)
    found = scipy.optimize.minimize(_loss, _START, (data,), "L-BFGS-B", jac=True, bounds=[_BOUNDS] * 4, options=_ROUNDS)
    r, alpha, a, b = (float(each) for each in np.exp(found.x))
    loss = float(found.fun) * len(x) + float((x * np.log(unit)).sum())
    return Counts(r, alpha * unit, a, b, modified, -loss, len(x))


def probability_alive(model: Counts, x: Any, tx: Any, T: Any) -> Floats:
    """Whether the customer has not stopped for good by T, 0 to 1."""
    x, tx, T = (np.asarray(each, float) for each in (x, tx, T))
    return expit(-_stopped(model.r, model.alpha, model.a, model.b, x, tx, T, model.shift))


def expected_purchases(model: Counts, t: float, x: Any, tx: Any, T: Any) -> Floats:
    """Purchases to be expected within the next `t`."""
    x, tx, T = (np.atleast_1d(np.asarray(each, float)) for each in (x, tx, T))
    return _if_alive(model, t, x, T) * probability_alive(model, x, tx, T)


def probability_of_buying(model: Counts, t: float, x: Any, tx: Any, T: Any) -> Floats:
    """The chance of at least one purchase within the next `t`. One minus this is churn."""
    x, T = np.asarray(x, float), np.asarray(T, float)
    never = (model.r + x) * (np.log(model.alpha + T) - np.log(model.alpha + T + t))
    return -probability_alive(model, x, tx, T) * np.expm1(never)


def time_to_next(model: Counts, q: float, x: Any, tx: Any, T: Any) -> Floats:
    """By when the next purchase has happened with probability `q`, counted from T; infinite where it may never come."""
    x, T = np.asarray(x, float), np.asarray(T, float)
    left = 1 - q / np.maximum(probability_alive(model, x, tx, T), 1e-300)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        wait = (model.alpha + T) * np.expm1(-np.log(left) / (model.r + x))
    return np.where(left > 0, wait, np.inf)


def _enough(x: Floats, T: Floats) -> None:
    if len(x) < FEWEST:
        raise NotEnoughData("members", found=len(x), needed=FEWEST)
    if (came := int((x > 0).sum())) < FEWEST_REPEATERS:
        raise NotEnoughData("repeaters", found=came, needed=FEWEST_REPEATERS)
    if T.max() <= 0:
        raise NotEnoughData("same_day")


@dataclass(frozen=True)
class _Sums:
    """All the likelihood needs: what depends on x or on T alone is summed per value, only the rest per kind of customer.

    Kinds are distinct (x, tx, T) of those who may have stopped; their functions of one value are looked up.
    """

    s: int
    n: float
    x: Floats
    count_x: Floats
    T: Floats
    count_t: Floats
    x_t: Floats  # purchases of those watched for T
    tx: Floats
    count: Floats
    at_x: Any
    at_tx: Any
    at_t: Any

    @classmethod
    def of(cls, x: Floats, tx: Floats, T: Floats, modified: bool) -> "_Sums":
        (xs, x_code), (txs, tx_code), (ts, t_code) = (_coded(each) for each in (x, tx, T))
        key, count = np.unique((x_code * len(txs) + tx_code) * len(ts) + t_code, return_counts=True)
        at_x, at_tx, at_t = key // len(ts) // len(txs), key // len(ts) % len(txs), key % len(ts)
        sums: list[Floats] = [
            np.bincount(code, weights, len(values)).astype(float)
            for code, weights, values in ((x_code, None, xs), (t_code, None, ts), (t_code, x, ts))
        ]
        may = (xs[at_x] > 0) | modified
        return cls(
            int(modified),
            float(len(x)),
            xs,
            sums[0],
            ts,
            sums[1],
            sums[2],
            txs,
            count[may].astype(float),
            at_x[may],
            at_tx[may],
            at_t[may],
        )


def _loss(logs: Floats, data: _Sums) -> tuple[float, Floats]:
    """Negative mean log-likelihood and its gradient in the logarithms."""
    r, alpha, a, b = np.exp(logs)
    d, x, s = data, data.x, data.s
    stays = np.maximum(b + x - 1 + s, 1e-300)
    log_t, log_tx = np.log(alpha + d.T), np.log(alpha + d.tx)
    gap = log_t[d.at_t] - log_tx[d.at_tx]
    rate = (r + x)[d.at_x]
    odds = rate * gap + (logs[2] - np.log(stays))[d.at_x]
    small = np.exp(-np.abs(odds))
    softplus = np.maximum(odds, 0) + np.log1p(small)
    stopped = d.count * np.where(odds >= 0, 1.0, small) / (1 + small)
    of_x = gammaln(r + x) - gammaln(r) + r * logs[1] + gammaln(a + b) + gammaln(b + x + s) - gammaln(b) - gammaln(a + b + x + s)
    watched = r * d.count_t + d.x_t
    likelihood = d.count_x @ of_x - watched @ log_t + d.count @ softplus
    d_r = d.count_x @ (digamma(r + x) - digamma(r) + logs[1]) - d.count_t @ log_t + stopped @ gap
    shorter = (1 / (alpha + d.T))[d.at_t] - (1 / (alpha + d.tx))[d.at_tx]
    d_alpha = d.n * r / alpha - watched @ (1 / (alpha + d.T)) + stopped @ (rate * shorter)
    both = digamma(a + b) - digamma(a + b + x + s)
    d_a = d.count_x @ both + stopped.sum() / a
    d_b = d.count_x @ (both + digamma(b + x + s) - digamma(b)) - stopped @ (1 / stays)[d.at_x]
    return float(-likelihood / d.n), -np.array([d_r * r, d_alpha * alpha, d_a * a, d_b * b]) / d.n


def _stopped(r: float, alpha: float, a: float, b: float, x: Floats, tx: Floats, T: Floats, s: int) -> Floats:
    """Log odds of having stopped."""
    odds = (r + x) * (np.log(alpha + T) - np.log(alpha + tx)) + np.log(a) - np.log(np.maximum(b + x - 1 + s, 1e-300))
    return np.where((x > 0) | (s > 0), odds, -np.inf)


def _if_alive(model: Counts, t: float, x: Floats, T: Floats) -> Floats:
    """Expected purchases of a customer who is alive; asked once per distinct (x, T)."""
    (x, T), back = _distinct(x, T)
    r, alpha, a, b = model.r, model.alpha, model.a, model.b + model.shift
    c, z = a + b + x - 1, t / (alpha + T + t)
    with np.errstate(all="ignore"):
        found = c / (a - 1) * (1 - (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, c, z))
        most = (r + x) / (alpha + T) * t
        bad = ~np.isfinite(found) | (found < 0) | (found > most * (1 + 1e-9))
    if abs(a - 1) < 1e-5 or max(a, b) > 1e3:
        bad[:] = True
    found[bad] = _by_quadrature(r, alpha, a, b, t, x[bad], T[bad])
    return found[back]


def _by_quadrature(r: float, alpha: float, a: float, b: float, t: float, x: Floats, T: Floats) -> Floats:
    """The same as a mean over the chance of stopping p ~ Beta(a, b + x), at its own quantiles."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    xs, at = np.unique(x, return_inverse=True)
    p = np.clip(betaincinv(a, b + xs[:, None], (nodes + 1) / 2), 1e-12, 1)
    found = np.zeros(len(x))
    for k in range(_NODES):
        each = p[at, k]
        found += weights[k] / 2 * -np.expm1(-(r + x) * np.log1p(each * t / (alpha + T))) / each
    return found


def _distinct(x: Floats, T: Floats) -> tuple[list[Floats], Any]:
    """Distinct (x, T) and, for each row, which of them it is."""
    (xs, x_code), (ts, t_code) = _coded(x), _coded(T)
    key, back = np.unique(x_code * len(ts) + t_code, return_inverse=True)
    return [np.asarray(xs[key // len(ts)], float), np.asarray(ts[key % len(ts)], float)], back


def _coded(column: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values and the code of each row; small whole numbers are their own code, which spares a sort."""
    if (
        column.dtype.kind in "iuf"
        and bool((column == np.floor(column)).all())
        and (high := column.max()) - (low := column.min()) < _DENSE
    ):
        return np.arange(low, high + 1), (column - low).astype(np.int64)
    values, code = np.unique(column, return_inverse=True)
    return values, code.astype(np.int64)
