"""How well a group is: every figure from counts, with its uncertainty, or "not enough data" (docs/adr/0015).

Nothing here reads or writes: a group's counts go in, its figures come out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from scipy import special

from members.models import CommunityPolicy

WEEKS = 8  # that a trend looks at
LEAST_WEEKS, LEAST_MESSAGES = 4, 30  # below these a trend is a guess
WEIGHTS = {"active": 0.4, "talk": 0.2, "growth": 0.2, "trend": 0.2}
SURE = 0.95


@dataclass(frozen=True)
class Counts:
    """What was counted of a group at an instant. Weeks are sums of messages, oldest first."""

    created_at: datetime
    as_of: datetime
    members: int
    ever: int
    joins: int  # four weeks
    leaves: int
    month_days: float  # person-days of the four weeks
    week_days: float
    senders: int  # seven days, those still in the group
    reported_senders: int | None  # the busiest reported day's: reports do not say who
    messages: int  # seven days
    is_heard: bool  # whether messages were ever counted or reported
    weeks: Sequence[int] = ()


@dataclass(frozen=True)
class Estimate:
    """A figure and the bounds it lies between with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass
class Figures:
    """What is said of a group; None: not enough data."""

    active: int = 0
    is_active_at_least: bool = False
    active_share: float | None = None
    message_rate: float | None = None
    net_share: float | None = None
    leave: Estimate | None = None
    trend: Estimate | None = None  # relative change of messages from week to week
    life: Estimate | None = None  # days until the group is quiet
    life_note: str = ""
    parts: dict[str, float] = field(default_factory=dict)
    score: int | None = None
    warnings: list[str] = field(default_factory=list)
    is_dying: bool = False


def judge(counts: Counts, policy: CommunityPolicy) -> Figures:
    """All figures of a group under a pool's thresholds."""
    found = Figures()
    _activity(found, counts)
    before = counts.members - counts.joins + counts.leaves
    found.net_share = (counts.joins - counts.leaves) / before if before > 0 else None
    found.leave = rate(counts.leaves, counts.month_days) if counts.month_days > 0 else None
    fitted = _trend(found, counts)
    if fitted:
        _life(found, fitted, counts, policy)
    found.parts = parts(found, policy)
    found.score = score(found.parts) if counts.members else None
    found.warnings = warnings(found, counts, policy)
    old_enough = (counts.as_of - counts.created_at).days >= policy.least_age_days
    found.is_dying = old_enough and ("empty" in found.warnings or len(found.warnings) >= policy.warnings)
    return found


def _activity(found: Figures, counts: Counts) -> None:
    """Who spoke within seven days. Reports give only numbers per day: the busiest day is the least there can have been."""
    at_least = min(counts.reported_senders or 0, counts.members)
    found.active = max(counts.senders, at_least)
    found.is_active_at_least = counts.reported_senders is not None
    if counts.is_heard and counts.members:
        found.active_share = found.active / counts.members
    if counts.is_heard and counts.week_days > 0:
        found.message_rate = counts.messages / counts.week_days


def rate(events: int, exposure: float) -> Estimate:
    """Events per unit of exposure with exact Poisson limits (Garwood 1936); none seen still has an upper limit."""
    tail = (1 - SURE) / 2
    low = float(special.chdtri(2 * events, 1 - tail)) / 2 if events else 0.0
    high = float(special.chdtri(2 * events + 2, tail)) / 2
    return Estimate(events / exposure, low / exposure, high / exposure)


@dataclass(frozen=True)
class Fit:
    """Messages a week as exp(level + slope · week); `level` is the last week's."""

    level: float
    slope: float
    low: float
    high: float


def fit(weeks: Sequence[int]) -> Fit | None:
    """A log-linear trend by quasi-Poisson regression: what is over-dispersed gets wider bounds (McCullagh & Nelder 1989).

    None when the fit does not settle (for example: everything in one week).
    """
    y = np.array(weeks, dtype=float)
    x = np.arange(len(y)) - (len(y) - 1)  # the last week is zero: its level is the intercept
    design = np.column_stack([np.ones_like(x), x])
    beta = np.array([math.log(max(y.mean(), 1e-9)), 0.0])
    for _round in range(60):
        mu = np.exp(np.clip(design @ beta, -30, 30))
        information = design.T @ (design * mu[:, None])
        try:
            step = np.linalg.solve(information, design.T @ (y - mu))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-10:
            break
    else:
        return None
    mu = np.exp(np.clip(design @ beta, -30, 30))
    dispersion = max(1.0, float(((y - mu) ** 2 / np.maximum(mu, 1e-9)).sum()) / (len(y) - 2))
    error = math.sqrt(dispersion * float(np.linalg.inv(design.T @ (design * mu[:, None]))[1, 1]))
    width = float(special.stdtrit(len(y) - 2, (1 + SURE) / 2)) * error
    return Fit(float(beta[0]), float(beta[1]), float(beta[1]) - width, float(beta[1]) + width)


def _trend(found: Figures, counts: Counts) -> Fit | None:
    if len(counts.weeks) < LEAST_WEEKS:
        found.life_note = "short"
        return None
    if sum(counts.weeks) < LEAST_MESSAGES:
        found.life_note = "few"
        return None
    fitted = fit(counts.weeks)
    if fitted is None:
        found.life_note = "unclear"
        return None
    found.trend = Estimate(*(math.expm1(slope) for slope in (fitted.slope, fitted.low, fitted.high)))
    return fitted


def _life(found: Figures, fitted: Fit, counts: Counts, policy: CommunityPolicy) -> None:
    """Days until the fitted messages fall to the quiet rate; only where the decline itself is beyond doubt."""
    quiet = policy.least_message_rate * 7 * counts.members
    if not quiet:
        found.life_note = "empty"
    elif fitted.level <= math.log(quiet):
        found.life = Estimate(0.0, 0.0, 0.0)
    elif fitted.high >= 0:
        found.life_note = "steady"
    else:
        above = fitted.level - math.log(quiet)
        found.life = Estimate(*(7 * above / -slope for slope in (fitted.slope, fitted.low, fitted.high)))


def parts(found: Figures, policy: CommunityPolicy) -> dict[str, float]:
    """What the score is made of, each 0 … 1; what is not known is left out."""
    made: dict[str, float] = {}
    if found.active_share is not None:
        made["active"] = _share(found.active_share, policy.good_active_share)
    if found.message_rate is not None:
        made["talk"] = _share(found.message_rate, policy.good_message_rate)
    if found.net_share is not None:
        made["growth"] = _share(found.net_share + policy.most_net_loss, policy.most_net_loss)
    if found.trend is not None:
        made["trend"] = min(max(1 + 2 * min(found.trend.value, 0.0), 0.0), 1.0)
    return made


def _share(value: float, whole: float) -> float:
    return min(max(value / whole, 0.0), 1.0) if whole > 0 else 1.0


def score(made: dict[str, float]) -> int | None:
    """The weighted mean of the known parts, 0 … 100; without activity there is none."""
    if "active" not in made:
        return None
    whole = sum(WEIGHTS[name] for name in made)
    return round(100 * sum(WEIGHTS[name] * value for name, value in made.items()) / whole)


def warnings(found: Figures, counts: Counts, policy: CommunityPolicy) -> list[str]:
    """Codes of what is beyond its threshold."""
    if not counts.members:
        return ["empty"] if counts.ever else []
    told: dict[str, Any] = {
        "inactive": found.active_share is not None and found.active_share < policy.least_active_share,
        "silent": found.message_rate is not None and found.message_rate < policy.least_message_rate,
        "shrinking": found.net_share is not None and found.net_share < -policy.most_net_loss,
        "ending": found.life is not None and found.life.value < policy.least_life_days,
        "weak": found.score is not None and found.score < policy.least_score,
    }
    return [code for code, holds in told.items() if holds]
