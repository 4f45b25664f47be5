"""Models of yes or no: boosted trees and a logistic regression over the same columns, in the mean of both.

Compared with a logistic regression on the logarithms of recency, frequency and amount: what a good RFM model would say.
"""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from django.utils.translation import gettext_lazy as _

from segmentation.predicting import judging
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
    Words,
)
from segmentation.predicting.learners import Logistic, Trees

FEWEST, FEWEST_OF_EACH = 200, 30


class Classifier(Model):
    """Subclasses say what is read, the columns made of it, and the answer; the rest is here."""

    baseline: ClassVar[Words] = _("对数 RFM 逻辑回归")
    rfm: ClassVar[Sequence[str]]  # columns of the frame the baseline knows

    @abstractmethod
    def columns(self, frame: Frame) -> dict[str, Floats]:
        """What is learnt from, by name, rows in step with the frame."""

    @abstractmethod
    def answer(self, sample: Sample) -> Floats:
        """1 where it came true, else 0."""

    def outdated(self, fitted: Fitted) -> bool:
        """Whether other columns are made by now than it has learnt from; their names depend on no member."""
        nothing: Frame = defaultdict(lambda: np.empty(0))
        return list(self.columns(nothing)) != fitted.params["columns"]

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        y = np.concatenate([self.answer(each) for each in past]) if past else np.empty(0)
        enough(y)
        x = np.concatenate([self._matrix(each.frame) for each in past])
        names = list(self.columns(past[0].frame))
        base = Logistic.fit(np.concatenate([self._rfm(each.frame) for each in past]), y, strength=1.0)
        line, trees = Logistic.fit(squeezed(x), y), Trees.fit(x, y, seed=seed)
        return Fitted({"columns": names, "logistic": line.dump(), "baseline": base.dump()}, trees.dump())

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        return Scores(self._predict(fitted, self._matrix(frame)))

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        y = [self.answer(each) for each in held]
        for each in y:
            enough(each)
        ours = [self._predict(each, self._matrix(sample.frame)) for each, sample in zip(fitted, held, strict=True)]
        theirs = [
            Logistic.load(each.params["baseline"]).predict(self._rfm(sample.frame))
            for each, sample in zip(fitted, held, strict=True)
        ]
        metrics = [judging.auc_metric(y, ours, theirs)]
        for key, measure in (("brier", judging.brier), ("ece", judging.ece), ("lift10", judging.lift)):
            metrics.append(judging.compare(key, measure, y, ours, theirs, seed))
        return Judgement(
            metrics,
            better(metrics[0]),
            judging.calibration(y, ours, share=True),
            self._importance(fitted[0], held[0], seed),
            float(np.mean([each.mean() for each in y])),
        )

    def _importance(self, fitted: Fitted, held: Sample, seed: int) -> list[tuple[str, float]]:
        """By how much the AUC falls."""
        rows = np.random.default_rng(seed).permutation(len(held))[:5000]
        x, y = self._matrix(held.frame)[rows], self.answer(held)[rows]
        return judging.importance(fitted.params["columns"], x, partial(self._predict, fitted), lambda p: -judging.auc(y, p), seed)

    def _matrix(self, frame: Frame) -> Floats:
        return np.column_stack(list(self.columns(frame).values())).astype(float)

    def _rfm(self, frame: Frame) -> Floats:
        return squeezed(np.column_stack([frame[name] for name in self.rfm]).astype(float))

    def _predict(self, fitted: Fitted, x: Floats) -> Floats:
        if not len(x):
            return np.empty(0)
        assert fitted.artefact is not None
        line = Logistic.load(fitted.params["logistic"]).predict(squeezed(x))
        return (line + Trees.load(fitted.artefact).predict(x)) / 2


def squeezed(x: Floats) -> Floats:
    """Amounts by their logarithm, so that a few large ones do not decide."""
    return np.sign(x) * np.log1p(np.abs(x))


def enough(y: Floats) -> None:
    """Raises NotEnoughData unless both answers were given often enough."""
    if len(y) < FEWEST:
        raise NotEnoughData("members", found=len(y), needed=FEWEST)
    if (rarer := int(min(y.sum(), len(y) - y.sum()))) < FEWEST_OF_EACH:
        raise NotEnoughData("answers", found=rarer, needed=FEWEST_OF_EACH)


def better(metric: Metric, *, less: bool = False) -> bool | None:
    """Whether the change is an improvement beyond chance."""
    if metric.change_low is None or metric.change_high is None:
        return None
    return bool(metric.change_high < 0) if less else bool(metric.change_low > 0)
