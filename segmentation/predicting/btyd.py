"""Buying until they stop, in closed form: BG/NBD and MBG/NBD (how often, whether still) and their data.

Notation of the literature: a customer is x repeat purchases, the last of them tx after the first, watched for T after the
first, all in one unit of time (days here). r, alpha describe buying rates, a, b the chance of stopping after a purchase.
Under MBG a customer may stop after the first purchase too; under BG/NBD a one-time buyer counts as alive for certain, so
"1 - P(alive)" is not churn: ask `probability_of_buying`. What a purchase is worth: `segmentation.predicting.spend`.

Fader, Hardie, Lee (2005), Batislam, Denizel, Filiztekin (2007). The hypergeometric function is Euler-transformed, so nothing
overflows; where it still has no digits left, a quadrature over the chance of stopping takes its place.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaincinv, digamma, expit, gammaln, hyp2f1

Floats = NDArray[np.float64]

FEWEST, FEWEST_REPEATERS = 20, 5
_BOUNDS = (-12.0, 14.0)  # of the logarithms: what runs away stays a number
_ROUNDS = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9}
_NODES = 64
_DENSE = 4_000_000


class NotEnoughData(Exception):
    """Nothing can be learnt from these purchases; the sentence says what is missing."""


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
    groups, count = _groups(x, tx, T)
    xs, at = np.unique(groups[0], return_inverse=True)
    data = (xs, at, groups[1] / unit, groups[2] / unit, count, int(modified))
    starts = (np.log([0.5, 0.5, 0.8, 2.5]), np.zeros(4))
    found = min(
        (minimize(_loss, start, data, "L-BFGS-B", jac=True, bounds=[_BOUNDS] * 4, options=_ROUNDS) for start in starts), key=_fun
    )
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
        raise NotEnoughData(f"{len(x)} customers with a purchase; at least {FEWEST} are needed")
    if (came := int((x > 0).sum())) < FEWEST_REPEATERS:
        raise NotEnoughData(f"{came} customers bought more than once; at least {FEWEST_REPEATERS} are needed")
    if T.max() <= 0:
        raise NotEnoughData("all purchases are of the last day; nothing has been observed after them")


def _fun(found: Any) -> float:
    return float(found.fun)


def _loss(logs: Floats, xs: Floats, at: Any, tx: Floats, T: Floats, count: Floats, s: int) -> tuple[float, Floats]:
    """Negative mean log-likelihood over groups of like customers, and its gradient in the logarithms.

    Gamma functions are taken once per distinct x and spread by index.
    """
    r, alpha, a, b = np.exp(logs)
    x = xs[at]
    log_t = np.log(alpha + T)
    gap = log_t - np.log(alpha + tx)
    g = (r + x) * gap + np.log(a) - np.log(np.maximum(b + x - 1 + s, 1e-300))
    g = np.where((x > 0) | (s > 0), g, -np.inf)
    stopped = expit(g)
    of_x = (
        gammaln(r + xs) - gammaln(r) + r * logs[1] + gammaln(a + b) + gammaln(b + xs + s) - gammaln(b) - gammaln(a + b + xs + s)
    )
    likelihood = of_x[at] - (r + x) * log_t + np.logaddexp(0, g)
    d_r = (digamma(r + xs) - digamma(r) + logs[1])[at] - log_t + stopped * gap
    d_alpha = r / alpha - (r + x) / (alpha + T) + stopped * (r + x) * (1 / (alpha + T) - 1 / (alpha + tx))
    both = digamma(a + b) - digamma(a + b + xs + s)
    d_a = both[at] + stopped / a
    d_b = (both + digamma(b + xs + s) - digamma(b))[at] - stopped / np.maximum(b + x - 1 + s, 1e-300)
    n = count.sum()
    gradient = np.array([count @ d_r * r, count @ d_alpha * alpha, count @ d_a * a, count @ d_b * b])
    return float(-(count @ likelihood) / n), -gradient / n


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


def _groups(x: Floats, tx: Floats, T: Floats) -> tuple[list[Floats], Floats]:
    """Distinct (x, tx, T) and how many customers share each."""
    columns = [_coded(each) for each in (x, tx, T)]
    key = np.zeros(len(x), np.int64)
    for values, code in columns:
        key = key * len(values) + code
    key, count = np.unique(key, return_counts=True)
    found: list[Floats] = []
    for values, _ in reversed(columns):
        found.insert(0, np.asarray(values[key % len(values)], float))
        key = key // len(values)
    return found, count.astype(float)


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
