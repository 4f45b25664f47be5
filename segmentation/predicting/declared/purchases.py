"""How often, for how much and when next: BG/NBD and Gamma-Gamma over every member's purchases so far."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from scrm.lib import formats
from segmentation.predicting import btyd, judging, spend
from segmentation.predicting.classifying import better
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

COLUMNS: dict[str, Words] = {
    "x": _("复购次数"),
    "tx": _("首末次购买相隔（天）"),
    "t": _("距首次购买（天）"),
    "paid": _("累计消费"),
}
FEWEST_HELD = 100
# Each figure against the rule that is best at it; of totals and the highest fifth, the one with the least squared error.
MEASURES = (
    ("rmse", judging.rmse, judging.rmse),
    ("mae", judging.mae, judging.mae),
    ("total", judging.total, judging.rmse),
    ("capture20", judging.capture, judging.rmse),
)


class Quarter(Settings):
    """These models look further ahead than a month."""

    horizon_days: int = Field(default=90, ge=7, le=730)


class Histories(Model):
    """What the models of purchases share: the same SELECT and the same BG/NBD."""

    features: ClassVar[str] = "predicting/gather_histories"
    settings: ClassVar[type[Settings]] = Quarter
    needs_no_answers: ClassVar[bool] = True
    windows: ClassVar[int] = 0
    holdouts: ClassVar[int] = 1
    lookback: ClassVar[float] = 0.5
    feature_labels = COLUMNS

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        frame = past[-1].frame
        return Fitted({"counts": asdict(btyd.fit(frame["x"], frame["tx"], frame["t"]))})

    def told(self, fitted: Fitted) -> list[tuple[Words, str]]:
        known = {**fitted.params["counts"], **fitted.params.get("spend", {})}
        return [(name, formats.significant(known[name])) for name in ("r", "alpha", "a", "b", "p", "q", "v") if name in known]


def counts_of(fitted: Fitted) -> btyd.Counts:
    return btyd.Counts(**fitted.params["counts"])


def people(frame: Frame) -> tuple[Any, Any, Any]:
    return frame["x"], frame["tx"], frame["t"]


class Amounts(Histories):
    """Those that foretell how much of something comes: judged against the best of the rules people go by."""

    baseline = _("照搬上一周期、只算复购、个人平均频率，三种做法里误差最小的")
    comes: ClassVar[str]  # column of the outcome

    @abstractmethod
    def rules(self, frame: Frame, days: int) -> dict[str, Floats]:
        """What people do without a model."""

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        y = [each.later[self.comes] for each in held]
        ours = [self.score(each, sample.frame, ask).value for each, sample in zip(fitted, held, strict=True)]
        rules = [self.rules(each.frame, ask.settings.horizon_days) for each in held]
        return judge_amounts(self, fitted, held, y, ours, rules, ask, seed)


@register
class Purchases(Amounts):
    key = "purchases"
    title = _("预期购买次数")
    about = _("会员在接下来一个周期内预计购买几次（同一天算一次）。")
    value_label = _("预期购买次数")
    unit: ClassVar[Unit] = "count"
    icon = "shopping-cart"
    comes: ClassVar[str] = "days"
    more_labels: ClassVar[Sequence[Words]] = (_("仍在购买的概率"), _("周期内购买的概率"))
    more_units: ClassVar[Sequence[Unit]] = ("share", "share")

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        model, who, days = counts_of(fitted), people(frame), ask.settings.horizon_days
        more = np.column_stack([btyd.probability_alive(model, *who), btyd.probability_of_buying(model, days, *who)])
        return Scores(btyd.expected_purchases(model, days, *who), more=more)

    def rules(self, frame: Frame, days: int) -> dict[str, Floats]:
        return heuristics(frame, days)


@register
class LifetimeValue(Amounts):
    key = "ltv"
    title = _("预期消费额（LTV）")
    about = _("会员在接下来一个周期内预计消费多少：预期购买次数 × 每次购买的预期金额。")
    value_label = _("预期消费额")
    unit: ClassVar[Unit] = "money"
    icon = "coins"
    comes: ClassVar[str] = "amount"
    more_labels: ClassVar[Sequence[Words]] = (_("预期购买次数"), _("每次购买的预期金额"))
    more_units: ClassVar[Sequence[Unit]] = ("count", "money")

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        found, frame = super().learn(past, ask, seed), past[-1].frame
        worth = spend.fit(frame["x"] + 1, frame["paid"] / (frame["x"] + 1))
        return Fitted({**found.params, "spend": asdict(worth)})

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        times = btyd.expected_purchases(counts_of(fitted), ask.settings.horizon_days, *people(frame))
        n = frame["x"] + 1
        each = spend.expected(spend.Spend(**fitted.params["spend"]), n, frame["paid"] / n)
        return Scores(times * each, more=np.column_stack([times, each]))

    def rules(self, frame: Frame, days: int) -> dict[str, Floats]:
        return spend_heuristics(frame, days)


@register
class NextPurchase(Histories):
    key = "next"
    title = _("下次购买时间")
    about = _("会员下一次购买最可能落在哪段时间：25%、50%、75% 的可能在各自的日期前购买。")
    baseline = _("同类会员（最近购买与频次相近）过去实际等了多久")
    value_label = _("一半可能在几天内购买")
    unit: ClassVar[Unit] = "days"
    icon = "calendar-clock"
    windows: ClassVar[int] = 1  # for the baseline: how long others waited
    lookback: ClassVar[float] = 1
    more_labels: ClassVar[Sequence[Words]] = (_("25% 可能在几天内"), _("75% 可能在几天内"))
    more_units: ClassVar[Sequence[Unit]] = ("days", "days")

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        low, half, high = (_days(btyd.time_to_next(counts_of(fitted), q, *people(frame))) for q in (0.25, 0.5, 0.75))
        return Scores(half, more=np.column_stack([low, high]))

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        """Waits are known up to the horizon only; so are the answers asked for."""
        most, sample, model = float(ask.settings.horizon_days), held[0], counts_of(fitted[0])
        y = np.minimum(np.where(sample.later["n"] > 0, sample.later["wait"], most), most)
        metrics = []
        for q in (0.25, 0.5, 0.75):
            ours = np.minimum(btyd.time_to_next(model, q, *people(sample.frame)), most)
            theirs = _like_them(past[0][-1], sample.frame, q, most)
            metrics.append(
                judging.compare(
                    f"pinball{int(q * 100)}",
                    lambda a, p, q=q: judging.pinball(a, p, q),
                    [y],
                    [ours],
                    [theirs],
                    seed,
                    main=q == 0.5,
                )
            )
        told = _importance(model, sample.frame, y, most, seed)
        return Judgement(metrics, better(metrics[1], less=True), _reached(model, sample, y, most), told, float(np.median(y)))


def heuristics(frame: Frame, days: int) -> dict[str, Floats]:
    """What people do without a model: as often as in the last such span, the same without first purchases, the personal rate."""
    again = frame["n1"] - (frame["t"] < days)
    return {"same": frame["n1"], "again": np.maximum(again, 0), "rate": frame["x"] / np.maximum(frame["t"], 1) * days}


def spend_heuristics(frame: Frame, days: int) -> dict[str, Floats]:
    """The same in money."""
    each = frame["paid"] / (frame["x"] + 1)
    times = heuristics(frame, days)
    return {"same": frame["a1"], "again": times["again"] * each, "rate": times["rate"] * each}


def judge_amounts(
    model: Model,
    fitted: Sequence[Fitted],
    held: Sequence[Sample],
    y: Sequence[Floats],
    ours: Sequence[Floats],
    rules: Sequence[dict[str, Floats]],
    ask: Ask,
    seed: int,
) -> Judgement:
    """Amounts against the best of three rules. The squared error decides: the absolute one likes too low a forecast."""
    if len(y[0]) < FEWEST_HELD:
        raise NotEnoughData("members", found=len(y[0]), needed=FEWEST_HELD)
    metrics: list[Metric] = []
    for key, measure, judge in MEASURES:
        errors = {name: float(np.mean([judge(a, each[name]) for a, each in zip(y, rules, strict=True)])) for name in rules[0]}
        best = min(errors, key=errors.__getitem__)
        metrics.append(judging.compare(key, measure, y, ours, [each[best] for each in rules], seed, main=key == "rmse"))
    names = [name for name in COLUMNS if name in held[0].frame]
    rows = np.random.default_rng(seed).permutation(len(held[0]))[:5000]
    frame = {name: column[rows] for name, column in held[0].frame.items()}

    def ask_again(columns: Floats) -> Floats:
        return model.score(fitted[0], frame | dict(zip(names, columns.T, strict=True)), ask).value

    matrix = np.column_stack([frame[name] for name in names])
    found = judging.importance(names, matrix, ask_again, lambda p: judging.rmse(y[0][rows], p), seed)
    base = float(np.mean([each.mean() for each in y]))
    return Judgement(metrics, better(metrics[0], less=True), judging.calibration(y, ours, share=False), found, base)


def _days(wait: Floats) -> Floats:
    """Beyond ten years is never."""
    return np.where(wait < 3650, wait, np.nan)


def _cells(frame: Frame, edges: Floats) -> Any:
    """Twelve kinds of members by recency and frequency."""
    return np.searchsorted(edges, frame["t"] - frame["tx"]) * 3 + np.minimum(frame["x"], 2).astype(int)


def _like_them(past: Sample, frame: Frame, q: float, most: float) -> Floats:
    """How long members of the same kind waited a horizon earlier."""
    edges = np.quantile(past.frame["t"] - past.frame["tx"], [0.25, 0.5, 0.75])
    waits = np.minimum(np.where(past.later["n"] > 0, past.later["wait"], most), most)
    theirs, mine = _cells(past.frame, edges), _cells(frame, edges)
    table = np.array(
        [np.quantile(waits[theirs == cell], q) if (theirs == cell).any() else np.quantile(waits, q) for cell in range(12)]
    )
    return table[mine]


def _importance(model: btyd.Counts, frame: Frame, y: Floats, most: float, seed: int) -> list[tuple[str, float]]:
    """By how much half the chance misses the day."""
    rows, names = np.random.default_rng(seed).permutation(len(y))[:5000], ["x", "tx", "t"]

    def ask(columns: Floats) -> Floats:
        return np.minimum(btyd.time_to_next(model, 0.5, *columns.T), most)

    matrix = np.column_stack([frame[name][rows] for name in names])
    return judging.importance(names, matrix, ask, lambda p: judging.pinball(y[rows], p, 0.5), seed)


def _reached(model: btyd.Counts, sample: Sample, y: Floats, most: float) -> list[dict[str, Any]]:
    """Of each chance to have bought by the end of the horizon: how many had."""
    bought = (sample.later["n"] > 0).astype(float)
    chance = btyd.probability_of_buying(model, most, *people(sample.frame))
    return judging.calibration([bought], [chance], share=True)
