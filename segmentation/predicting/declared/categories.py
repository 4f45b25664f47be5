"""Which categories a member will buy of: for each of a pool's twenty most bought ones, the chance within the horizon.

A regression for each category over purchases of it and over recency, frequency and amount; trees were no better.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from pydantic import Field
from scipy.special import logit

from scrm.lib import formats, sql
from segmentation.predicting import frames, judging, sharing
from segmentation.predicting.classifying import FEWEST, FEWEST_OF_EACH, better, squeezed
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
    register,
)
from segmentation.predicting.learners import Logistic

RFM = ("recency", "n6", "a6")
LABELS: dict[str, Words] = {
    "bought1": _("本期买过该品类的订单数"),
    "bought3": _("近 3 期买过该品类的订单数"),
    "bought6": _("近 6 期买过该品类的订单数"),
    "since": _("距上次买该品类（天）"),
    "share6": _("含该品类的订单占比"),
    "recency": _("距上次购买（天）"),
    "tenure": _("窗口内首购至今（天）"),
    "n1": _("本期订单数"),
    "n6": _("近 6 期订单数"),
    "a6": _("近 6 期消费额"),
}


class Level(Settings):
    """Four weeks ahead; categories, or the finer ones."""

    horizon_days: int = Field(default=28, ge=7, le=365)
    level: Literal["category", "subcategory"] = "category"


class Chosen(Model):
    """What models share that look at a pool's most bought categories."""

    def params(self, ask: Ask) -> dict[str, Any]:
        return {"items": list(ask.items), "level": getattr(ask.settings, "level", "category")}

    def choose(self, ask: Ask) -> Sequence[Any]:
        told = ask.params | self.params(ask)
        return sharing.once("choices", repr(sorted(told.items())), lambda: _most_bought(told))


def _most_bought(told: dict[str, Any]) -> list[str]:
    with transaction.atomic(), sql.planner(**frames.ALL_AT_ONCE):
        found = sql.rows("segmentation/predicting/choose_categories", told)
    return [row["name"] for row in found]


@register
class Categories(Chosen):
    key = "category"
    title = _("品类倾向")
    about = _("会员在接下来一个周期内购买各品类的概率，以及最可能购买的品类。")
    baseline = _("对数 RFM 逻辑回归")
    value_label = _("最可能购买的品类与概率")
    unit: ClassVar[Unit] = "share"
    icon = "category"
    settings: ClassVar[type[Settings]] = Level
    features: ClassVar[str] = "predicting/gather_categories"
    outcome: ClassVar[str] = "predicting/sum_later_categories"
    feature_labels = LABELS

    def choose(self, ask: Ask) -> Sequence[Any]:
        found = super().choose(ask)
        if len(found) < 2:
            raise NotEnoughData("categories", found=len(found), needed=2)
        return found

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        if (members := sum(len(each) for each in past)) < FEWEST:
            raise NotEnoughData("members", found=members, needed=FEWEST)
        ours, theirs = [], []
        rfm = np.concatenate([_rfm(each.frame) for each in past])
        for k in range(1, len(ask.items) + 1):
            y = np.concatenate([_answer(each, k) for each in past])
            ours.append(_fit(np.concatenate([_matrix(each.frame, k) for each in past]), y, 0.3).dump())
            theirs.append(_fit(rfm, y, 1.0).dump())
        return Fitted({"lines": ours, "baseline": theirs}, items=list(ask.items))

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        chance = _predict(fitted, frame)
        best = chance.argmax(axis=1) if len(chance) else np.empty(0, int)
        return Scores(chance.max(axis=1, initial=0), code=best, more=chance)

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        found = _Held(fitted, held, len(ask.items))
        if not found.kinds:
            raise NotEnoughData("answers", found=0, needed=FEWEST_OF_EACH)
        metric = found.auc()
        answers, ours, theirs = found.pairs()
        metrics = [metric, found.lift()]
        metrics += [judging.compare(key, measure, answers, ours, theirs, seed) for key, measure in SHARES]
        base = float(np.mean([each.mean() for each in answers]))
        return Judgement(
            metrics,
            better(metric),
            judging.calibration(answers, ours, share=True),
            _importance(fitted[0], held[0], found, seed),
            base,
        )

    def told(self, fitted: Fitted) -> list[tuple[Words, str]]:
        return [(_("品类"), formats.listed(fitted.items))]


SHARES = (("brier", judging.brier), ("ece", judging.ece))


class _Held:
    """Answers and chances of the held-out windows, category by category; those too few bought or left out are not judged."""

    def __init__(self, fitted: Sequence[Fitted], held: Sequence[Sample], items: int) -> None:
        self.answers = [np.column_stack([_answer(each, k) for k in range(1, items + 1)]) for each in held]
        self.ours = [_predict(each, sample.frame) for each, sample in zip(fitted, held, strict=True)]
        self.theirs = [_by_rfm(each, sample.frame) for each, sample in zip(fitted, held, strict=True)]
        rarer = [np.minimum(y.sum(axis=0), len(y) - y.sum(axis=0)) for y in self.answers]
        self.kinds = [k for k in range(items) if all(each[k] >= FEWEST_OF_EACH for each in rarer)]

    def _columns(self, tables: Sequence[Floats]) -> list[Floats]:
        return [table[:, k] for table in tables for k in self.kinds]

    def auc(self) -> Metric:
        """The mean over categories and windows."""
        return judging.auc_metric(*(self._columns(each) for each in (self.answers, self.ours, self.theirs)))

    def lift(self) -> Metric:
        """Of each category, the highest tenth; in the mean."""
        answers, ours, theirs = (self._columns(each) for each in (self.answers, self.ours, self.theirs))
        mine, other = (
            float(np.mean([judging.lift(y, p) for y, p in zip(answers, each, strict=True)])) for each in (ours, theirs)
        )
        return Metric("lift10", mine, baseline=other, change=mine - other)

    def pairs(self) -> tuple[list[Floats], list[Floats], list[Floats]]:
        """Members and categories one after the other."""
        answers, ours, theirs = (
            [table[:, self.kinds].ravel() for table in each] for each in (self.answers, self.ours, self.theirs)
        )
        return answers, ours, theirs


def _columns(frame: Frame, k: int) -> dict[str, Floats]:
    n6 = np.maximum(frame["n6"], 1)
    found = {f"bought{n}": frame[f"n{n}_{k}"] for n in (1, 3, 6)} | {"since": frame[f"last_{k}"]}
    return found | {"share6": frame[f"n6_{k}"] / n6} | {name: frame[name] for name in ("recency", "tenure", "n1", "n6", "a6")}


def _matrix(frame: Frame, k: int) -> Floats:
    return squeezed(np.column_stack(list(_columns(frame, k).values())).astype(float))


def _rfm(frame: Frame) -> Floats:
    return squeezed(np.column_stack([frame[name] for name in RFM]).astype(float))


def _answer(sample: Sample, k: int) -> Floats:
    return (sample.later[f"b_{k}"] > 0).astype(float)


def _fit(x: Floats, y: Floats, strength: float) -> Logistic:
    """Bought by nearly nobody or everybody: the share itself."""
    if min(y.sum(), len(y) - y.sum()) >= FEWEST_OF_EACH:
        return Logistic.fit(x, y, strength=strength)
    nothing = np.zeros(x.shape[1])
    return Logistic(nothing, nothing + 1, nothing, float(logit((y.sum() + 0.5) / (len(y) + 1))))


def _predict(fitted: Fitted, frame: Frame) -> Floats:
    lines = [Logistic.load(each) for each in fitted.params["lines"]]
    return np.column_stack([line.predict(_matrix(frame, k)) for k, line in enumerate(lines, 1)])


def _by_rfm(fitted: Fitted, frame: Frame) -> Floats:
    x = _rfm(frame)
    return np.column_stack([Logistic.load(each).predict(x) for each in fitted.params["baseline"]])


def _importance(fitted: Fitted, held: Sample, found: _Held, seed: int) -> list[tuple[str, float]]:
    """By how much the mean AUC falls when a column is handed round, in all categories at once."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(held))[:3000]
    tables = {k: (_matrix(held.frame, k + 1)[rows], _answer(held, k + 1)[rows]) for k in found.kinds}
    lines = {k: Logistic.load(fitted.params["lines"][k]) for k in found.kinds}

    def mean(handed: int | None, order: Any) -> float:
        areas = []
        for k, (x, y) in tables.items():
            mixed = x if handed is None else np.column_stack([x[:, :handed], x[order, handed], x[:, handed + 1 :]])
            areas.append(judging.auc(y, lines[k].predict(mixed)))
        return float(np.mean(areas))

    usual = mean(None, None)
    falls = [(name, usual - mean(j, rng.permutation(len(rows)))) for j, name in enumerate(_columns(held.frame, 1))]
    return sorted(falls, key=lambda pair: -pair[1])
