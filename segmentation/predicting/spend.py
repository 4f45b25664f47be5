"""What a purchase of a member is worth: the Gamma-Gamma model in closed form (Fader, Hardie 2013).

A member's purchases scatter around a level of their own; the fewer are known, the more the pool's level counts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from scipy.special import digamma, gammaln

from segmentation.predicting.btyd import FEWEST, Floats, NotEnoughData

_BOUNDS = ((-7.0, 12.0), (float(np.log(1.05)), 12.0), (-12.0, 14.0))  # q above 1: the pool has a mean
_ROUNDS = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-9}


@dataclass(frozen=True)
class Spend:
    """Fitted parameters; `v` is in the unit of money the data had."""

    p: float
    q: float
    v: float
    log_likelihood: float
    customers: int

    @property
    def level(self) -> float:
        """What a purchase is worth in the mean over members."""
        return self.p * self.v / (self.q - 1)


def fit(n: Any, worth: Any) -> Spend:
    """From the number of purchases and their mean worth; members without, or with nothing spent, are left out."""
    n, worth = np.asarray(n, float), np.asarray(worth, float)
    told = (n > 0) & (worth > 0) & np.isfinite(worth)
    n, worth = n[told], worth[told]
    if len(n) < FEWEST:
        raise NotEnoughData("spenders", found=len(n), needed=FEWEST)
    unit = float(worth.mean())
    ns, at = np.unique(n, return_inverse=True)
    found = scipy.optimize.minimize(
        _loss, np.log([2.0, 3.0, 1.0]), (ns, at, worth / unit), "L-BFGS-B", jac=True, bounds=_BOUNDS, options=_ROUNDS
    )
    p, q, v = (float(each) for each in np.exp(found.x))
    return Spend(p, q, v * unit, -float(found.fun) * len(n) - len(n) * float(np.log(unit)), len(n))


def expected(model: Spend, n: Any, worth: Any) -> Floats:
    """The worth of a member's next purchase; the pool's level where nothing is known of theirs."""
    n, worth = np.asarray(n, float), np.asarray(worth, float)
    told = np.where(worth > 0, n, 0)
    return model.p * (told * worth + model.v) / (model.p * told + model.q - 1)


def _loss(logs: Floats, ns: Floats, at: Any, worth: Floats) -> tuple[float, Floats]:
    """Negative mean log-likelihood and its gradient in the logarithms."""
    p, q, v = np.exp(logs)
    n = ns[at]
    total = n * worth
    log_total, log_all = np.log(total), np.log(total + v)
    of_n = gammaln(p * ns + q) - gammaln(p * ns) - gammaln(q) + q * logs[2]
    likelihood = of_n[at] + p * n * log_total - np.log(worth) - (p * n + q) * log_all
    psi = digamma(p * ns + q)
    d_p = (ns * (psi - digamma(p * ns)))[at] + n * (log_total - log_all)
    d_q = (psi - digamma(q) + logs[2])[at] - log_all
    d_v = q / v - (p * n + q) / (total + v)
    return float(-likelihood.mean()), -np.array([d_p.mean() * p, d_q.mean() * q, d_v.mean() * v])
