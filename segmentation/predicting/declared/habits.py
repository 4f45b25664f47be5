"""Which part of what members do is of some kind: a share that differs from member to member, told from few purchases.

Few purchases say little, so a member's share is drawn towards everybody's, as strongly as would have foretold earlier
periods best. Judged on the period after: against everybody being alike, and against the last period's share. A habit
that two halves of the same member's purchases do not agree on is none, whatever the forecast: then nobody is tagged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import numpy as np
import scipy
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from scrm.lib import formats
from segmentation.predicting import frames, judging
from segmentation.predicting.classifying import FEWEST, FEWEST_OF_EACH, better
from segmentation.predicting.declaring import (
    Ask,
    Fitted,
    Floats,
    Frame,
    Judgement,
    Metric,
    Model,
    NotEnoughData,
    Sample,
    Scores,
    Settings,
    Unit,
    Words,
)

BACK = 6  # horizons that are looked back
PULLS = (0.0, *np.geomspace(0.05, 500, 25).tolist(), 1e9)  # of everybody's share, in mean amounts seen
SURE = 1.2816  # on either side of everybody's share: one in ten by chance
USUALLY = 1


class EightWeeks(Settings):
    """Windows of eight weeks, the longest reaching back most of a year."""

    horizon_days: int = Field(default=56, ge=7, le=182)


@dataclass(frozen=True)
class Told:
    """How strongly members are drawn towards everybody's share, and how much they differ."""

    mean: float
    pull: float
    spread: float  # variance of members' true shares

    def share(self, hits: Floats, seen: Floats) -> Floats:
        return (hits + self.pull * self.mean) / np.maximum(seen + self.pull, 1e-9)

    def code(self, hits: Floats, seen: Floats) -> Any:
        """0 less, 1 as usual, 2 more than everybody, where chance alone would hardly say so."""
        error = np.sqrt(self.spread * self.pull / np.maximum(seen + self.pull, 1e-9))
        apart = self.share(hits, seen) - self.mean
        return (
            np.where(apart > SURE * error, 2, np.where(apart < -SURE * error, 0, USUALLY)) if self.spread else np.ones(len(seen))
        )


class Habit(Model):
    """Subclasses say what is counted between two instants: `seen` and `hits` of it, both in halves (`_a`, `_b`), too."""

    unit: ClassVar[Unit] = "share"
    settings: ClassVar[type[Settings]] = EightWeeks
    windows: ClassVar[int] = 3
    lookback: ClassVar[float] = 1
    lacking: ClassVar[str]  # what is missing where nothing was ever hit
    more_units: ClassVar[Sequence[Unit]] = ("share",)
    is_adjusted: ClassVar[bool] = False  # whether the raw share is another one

    def params(self, ask: Ask) -> dict[str, Any]:
        return {"since": ask.cutoff - timedelta(days=BACK * ask.settings.horizon_days), "until": ask.cutoff}

    def later(self, ask: Ask) -> dict[str, Any]:
        return {"since": ask.cutoff, "until": ask.cutoff + timedelta(days=ask.settings.horizon_days)}

    def eligible(self, frame: Frame) -> Any:
        return frame["seen"] > 0

    def adjusted(self, frame: Frame, end: str = "") -> Floats:
        """The share that is foretold, as it was."""
        return frame[f"hits{end}"] / np.maximum(frame[f"seen{end}"], 1e-9)

    def raw(self, frame: Frame, end: str = "") -> Floats:
        """The share as people would work it out."""
        return self.adjusted(frame, end)

    def copied(self, told: Told, frame: Frame) -> Floats:
        """What is foretold by taking the last period's share for the next one."""
        return np.where(frame["seen_last"] > 0, self.raw(frame, "_last"), told.mean)

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        if (members := sum(len(again(each)) for each in past)) < FEWEST:
            raise NotEnoughData("members", found=members, needed=FEWEST)
        seen, hits = (np.concatenate([each.frame[name] for each in past]) for name in ("seen", "hits"))
        if (some := int(np.count_nonzero(hits))) < FEWEST_OF_EACH:
            raise NotEnoughData(self.lacking, found=some, needed=FEWEST_OF_EACH)
        mean = float(hits.sum() / seen.sum())
        spread = self._spread(past)
        found = min((Told(mean, pull * float(seen.mean()), spread) for pull in PULLS), key=lambda told: self._error(told, past))
        return Fitted({"mean": found.mean, "pull": found.pull, "spread": found.spread})

    def _error(self, told: Told, past: Sequence[Sample]) -> float:
        """How far shares foretold were from those that came."""
        return float(np.mean([judging.rmse(*self._pair(told, again(each))) for each in past if len(again(each))]))

    def _pair(self, told: Told, sample: Sample) -> tuple[Floats, Floats]:
        return self.adjusted(sample.later), told.share(sample.frame["hits"], sample.frame["seen"])

    def _spread(self, past: Sequence[Sample]) -> float:
        """How much members differ beyond chance: what both halves of a member have in common."""
        one, other = self._halves([each.frame for each in past], self.adjusted)
        return max(float(np.cov(one, other)[0, 1]), 0.0) if len(one) > 1 else 0.0

    def _halves(self, found: Sequence[Frame], share: Any) -> tuple[Floats, Floats]:
        both = [(frame["seen_a"] > 0) & (frame["seen_b"] > 0) for frame in found]
        one, other = (
            np.concatenate([share(frame, end)[rows] for frame, rows in zip(found, both, strict=True)]) for end in ("_a", "_b")
        )
        return one, other

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        told, hits, seen = Told(**fitted.params), frame["hits"], frame["seen"]
        return Scores(told.share(hits, seen), code=told.code(hits, seen), more=self.raw(frame)[:, None])

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        found = [again(each) for each in held]
        if (members := min(len(each) for each in found)) < FEWEST:
            raise NotEnoughData("members", found=members, needed=FEWEST)
        told = [Told(**each.params) for each in fitted]
        y, ours = zip(*(self._pair(each, sample) for each, sample in zip(told, found, strict=True)), strict=True)
        alike = [np.full(len(each), one.mean) for one, each in zip(told, found, strict=True)]
        raw = [self.copied(one, each.frame) for one, each in zip(told, found, strict=True)]
        rules = (alike, raw)
        base = min(rules, key=lambda rule: float(np.mean([judging.rmse(a, b) for a, b in zip(y, rule, strict=True)])))
        error = judging.compare("rmse", judging.rmse, y, ours, base, seed, main=True)
        rank = judging.compare("rank", correlation, y, ours, raw, seed)
        halves = self._agreement("halves", self.adjusted, held, seed)
        more = [self._agreement("halves_raw", self.raw, held, seed)] if self.is_adjusted else []
        beats = better(error, less=True) and bool(halves.low is not None and halves.low > 0)
        return Judgement(
            [error, rank, halves, *more], beats, judging.calibration(y, ours, share=False),
            self._importance(told[0], found[0], seed), float(np.mean([each.mean() for each in y])),
        )  # fmt: skip

    def _agreement(self, key: str, share: Any, held: Sequence[Sample], seed: int) -> Metric:
        """How far the two halves of the same members' purchases agree, with bootstrap limits; by chance they do not."""
        one, other = self._halves([each.frame for each in held], share)
        found = judging.compare(key, correlation, [one], [other], [np.zeros(len(one))], seed)
        return Metric(key, found.value, found.low, found.high)

    def _importance(self, told: Told, held: Sample, seed: int) -> list[tuple[str, float]]:
        rows = np.random.default_rng(seed).permutation(len(held))[:5000]
        share, seen, y = self.adjusted(held.frame)[rows], held.frame["seen"][rows], self.adjusted(held.later)[rows]

        def ask(columns: Floats) -> Floats:
            return told.share(columns[:, 0] * columns[:, 1], columns[:, 1])

        return judging.importance(["share", "seen"], np.column_stack([share, seen]), ask, lambda p: judging.rmse(y, p), seed)

    def told(self, fitted: Fitted) -> list[tuple[Words, str]]:
        mean, pull = fitted.params["mean"], fitted.params["pull"]
        return [(_("全体平均"), f"{mean:.2%}"), (_("向平均收缩"), formats.significant(pull))]


def again(sample: Sample) -> Sample:
    """Those who did something in the period after, too: of the others no share is known."""
    rows = sample.later["seen"] > 0
    return Sample(sample.cutoff, frames.pick(sample.frame, rows), frames.pick(sample.later, rows))


def correlation(y: Floats, p: Floats) -> float:
    """Spearman's: whether who has more has more, -1 to 1."""
    one, other = scipy.stats.rankdata(y), scipy.stats.rankdata(p)
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size else 0.0
