"""How good scores were, with limits of confidence. Every figure is comparable between a model and its baseline."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy
from scipy.special import ndtri

from segmentation.predicting.declaring import Floats, Metric

Z = float(ndtri(0.975))
DRAWS, MOST_DRAWN = 200, 20_000
BINS = 10


# -- Shares: who does, who does not ------------------------------------------------------------------
def auc(y: Floats, p: Floats) -> float:
    """The chance that somebody who did ranks above somebody who did not."""
    ones = float(y.sum())
    zeros = len(y) - ones
    if not ones or not zeros:
        return 0.5
    return float((scipy.stats.rankdata(p)[y > 0].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def auc_metric(answers: Sequence[Floats], ours: Sequence[Floats], theirs: Sequence[Floats]) -> Metric:
    """The mean over windows, DeLong's limits; the windows hold the same members, so their errors are taken to go together."""
    each = [_delong(y, np.vstack([p, b])) for y, p, b in zip(answers, ours, theirs, strict=True)]
    value, base = (float(np.mean([found[0][k] for found in each])) for k in (0, 1))
    se = float(np.mean([np.sqrt(max(cov[0, 0], 0)) for _, cov in each]))
    change_se = float(np.mean([np.sqrt(max(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1], 0)) for _, cov in each]))
    return Metric(
        "auc", value, max(value - Z * se, 0), min(value + Z * se, 1), base, value - base,
        value - base - Z * change_se, value - base + Z * change_se, main=True,
    )  # fmt: skip


def _delong(y: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """AUCs of several scores over the same answers, and how they vary together (DeLong, Sun and Xu's ranks)."""
    ones, zeros = scores[:, y > 0], scores[:, y <= 0]
    m, n = ones.shape[1], zeros.shape[1]
    if m < 2 or n < 2:
        return np.full(len(scores), 0.5), np.full((len(scores), len(scores)), 0.25)
    both = np.array([scipy.stats.rankdata(np.r_[a, b]) for a, b in zip(ones, zeros, strict=True)])
    of_ones, of_zeros = (np.array([scipy.stats.rankdata(each) for each in part]) for part in (ones, zeros))
    areas = (both[:, :m].sum(axis=1) / m - (m + 1) / 2) / n
    v10, v01 = (both[:, :m] - of_ones) / n, 1 - (both[:, m:] - of_zeros) / m
    return areas, np.cov(v10) / m + np.cov(v01) / n


def ece(y: Floats, p: Floats, bins: int = BINS) -> float:
    """How far shares foretold are from shares that came, in the mean over equal parts."""
    return float(sum(abs(y[part].mean() - p[part].mean()) * len(part) for part in _parts(p, bins)) / len(y))


def brier(y: Floats, p: Floats) -> float:
    return float(np.mean((y - p) ** 2))


def lift(y: Floats, p: Floats, top: float = 0.1) -> float:
    """How much more often than everybody the highest tenth did."""
    best = np.argsort(-p, kind="stable")[: max(1, int(len(p) * top))]
    return float(y[best].mean() / y.mean()) if y.any() else 1.0


# -- Amounts -----------------------------------------------------------------------------------------
def mae(y: Floats, p: Floats) -> float:
    return float(np.abs(y - p).mean())


def rmse(y: Floats, p: Floats) -> float:
    return float(np.sqrt(np.mean((y - p) ** 2)))


def total(y: Floats, p: Floats) -> float:
    """What was foretold for all, per what came."""
    return float(p.sum() / y.sum()) if y.sum() else float("nan")


def capture(y: Floats, p: Floats, top: float = 0.2) -> float:
    """Which part of all the highest fifth brought."""
    best = np.argsort(-p, kind="stable")[: max(1, int(len(p) * top))]
    return float(y[best].sum() / y.sum()) if y.sum() else float("nan")


def pinball(y: Floats, p: Floats, q: float) -> float:
    """The loss of a quantile: the less the better."""
    gap = y - p
    return float(np.maximum(q * gap, (q - 1) * gap).mean())


# -- Limits ------------------------------------------------------------------------------------------
def compare(
    key: str,
    measure: Callable[..., float],
    y: Sequence[Floats],
    ours: Sequence[Floats],
    theirs: Sequence[Floats],
    seed: int,
    *,
    main: bool = False,
) -> Metric:
    """A figure, the baseline's, and their difference with bootstrap limits: the mean over windows, members drawn anew."""
    rng = np.random.default_rng(seed)
    value, base = (float(np.mean([measure(a, p) for a, p in zip(y, each, strict=True)])) for each in (ours, theirs))
    some = [rng.permutation(len(a))[:MOST_DRAWN] for a in y]
    drawn = np.array([_draw(rng, measure, y, ours, theirs, some) for _ in range(DRAWS)])
    part = sum(len(rows) for rows in some) / max(1, sum(len(a) for a in y))
    scale = part**0.5  # fewer were drawn than there are: the limits are those of all
    with np.errstate(all="ignore"):
        spread = Z * np.nanstd(np.c_[drawn, drawn[:, 0] - drawn[:, 1]], axis=0) * scale
    change = value - base
    return Metric(key, value, value - spread[0], value + spread[0], base, change, change - spread[2], change + spread[2], main)


def _draw(
    rng: Any,
    measure: Callable[..., float],
    y: Sequence[Floats],
    ours: Sequence[Floats],
    theirs: Sequence[Floats],
    some: Sequence[Any],
) -> tuple[float, float]:
    found = []
    for a, p, b, rows in zip(y, ours, theirs, some, strict=True):
        again = rows[rng.integers(0, len(rows), len(rows))]
        found.append((measure(a[again], p[again]), measure(a[again], b[again])))
    one, two = np.mean(found, axis=0)
    return float(one), float(two)


def calibration(y: Sequence[Floats], p: Sequence[Floats], *, share: bool, bins: int = BINS) -> list[dict[str, Any]]:
    """Foretold against what came, in equal parts from low to high, with limits of what came."""
    answers, scores = np.concatenate(list(y)), np.concatenate(list(p))
    return [_bin(answers[part], scores[part], share) for part in _parts(scores, bins)]


def _bin(y: Floats, p: Floats, share: bool) -> dict[str, Any]:
    mean, n = float(y.mean()), len(y)
    if share:  # Wilson
        middle, half = (
            (mean + Z**2 / (2 * n)) / (1 + Z**2 / n),
            Z / (1 + Z**2 / n) * np.sqrt(mean * (1 - mean) / n + Z**2 / (4 * n**2)),
        )
    else:
        middle, half = mean, Z * float(y.std()) / np.sqrt(n)
    return {"predicted": float(p.mean()), "actual": mean, "low": float(middle - half), "high": float(middle + half), "members": n}


def _parts(p: Floats, bins: int) -> list[Any]:
    """Rows in order of their score, in parts of equal size; empty ones left out."""
    return [part for part in np.array_split(np.argsort(p, kind="stable"), bins) if len(part)]


def importance(
    names: Sequence[str],
    columns: Floats,
    ask: Callable[[Floats], Floats],
    loss: Callable[[Floats], float],
    seed: int,
    *,
    most: int = 5000,
    repeats: int = 2,
) -> list[tuple[str, float]]:
    """How much worse the answers get when one column says nothing (its values handed round), the greatest first.

    `ask` scores columns, `loss` judges scores of the same rows (less is better); both see the first `most` rows.
    """
    rng = np.random.default_rng(seed)
    some = columns[:most]
    usual = loss(ask(some))
    found = []
    for k, name in enumerate(names):
        losses = []
        for _ in range(repeats):
            mixed = some.copy()
            mixed[:, k] = rng.permutation(mixed[:, k])
            losses.append(loss(ask(mixed)))
        found.append((name, float(np.mean(losses) - usual)))
    return sorted(found, key=lambda pair: -pair[1])
