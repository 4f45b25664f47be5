"""Who will stop buying, and who will buy for less than half."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from django.utils.translation import gettext_lazy as _

from segmentation.predicting import judging
from segmentation.predicting.classifying import Classifier
from segmentation.predicting.declaring import Ask, Fitted, Floats, Frame, Judgement, Sample, Unit, Words, register
from segmentation.predicting.learners import Logistic

WINDOWS = (("025", 0.25), ("05", 0.5), ("1", 1.0), ("2", 2.0), ("3", 3.0), ("6", 6.0))
LABELS: dict[str, Words] = {
    "recency": _("距最近一次购买（天）"),
    "tenure": _("距窗口内首次购买（天）"),
    "gap": _("平均购买间隔（天）"),
    "late": _("距最近购买 ÷ 平均间隔"),
    "days6": _("购买天数（6 期）"),
    "n025": _("订单数（¼ 期）"),
    "n05": _("订单数（½ 期）"),
    "n1": _("订单数（1 期）"),
    "n2": _("订单数（2 期）"),
    "n3": _("订单数（3 期）"),
    "n6": _("订单数（6 期）"),
    "a025": _("消费额（¼ 期）"),
    "a05": _("消费额（½ 期）"),
    "a1": _("消费额（1 期）"),
    "a2": _("消费额（2 期）"),
    "a3": _("消费额（3 期）"),
    "a6": _("消费额（6 期）"),
    "top1": _("最大一单（1 期）"),
    "swing6": _("单笔金额的波动（6 期）"),
    "basket": _("客单价（6 期）"),
    "discount1": _("优惠占比（1 期）"),
    "discount6": _("优惠占比（6 期）"),
    "trend_n025": _("订单数走势（¼ 期比 ½ 期）"),
    "trend_n05": _("订单数走势（½ 期比 1 期）"),
    "trend_n1": _("订单数走势（1 期比 2 期）"),
    "trend_n2": _("订单数走势（2 期比 3 期）"),
    "trend_n3": _("订单数走势（3 期比 6 期）"),
    "trend_a025": _("消费额走势（¼ 期比 ½ 期）"),
    "trend_a05": _("消费额走势（½ 期比 1 期）"),
    "trend_a1": _("消费额走势（1 期比 2 期）"),
    "trend_a2": _("消费额走势（2 期比 3 期）"),
    "trend_a3": _("消费额走势（3 期比 6 期）"),
    "unlike": _("本期消费 ÷ 平常一期"),
}


class Windowed(Classifier):
    """Over windows of the horizon's own length: totals since the beginning drift with the calendar, windows do not."""

    features: ClassVar[str] = "predicting/gather_windows"
    rfm = ("recency", "n6", "a6")
    feature_labels = LABELS
    high_is_bad: ClassVar[bool] = True
    unit: ClassVar[Unit] = "share"

    def columns(self, frame: Frame) -> dict[str, Floats]:
        found = {name: frame[name] for name in ("recency", "tenure", "days6", "top1", "swing6")}
        for name, _length in WINDOWS:
            found[f"n{name}"], found[f"a{name}"] = frame[f"n{name}"], frame[f"a{name}"]
        for (name, length), (wider, wide) in pairwise(WINDOWS):
            n, a = (frame[f"{kind}{name}"] / length for kind in "na")
            of_n, of_a = (frame[f"{kind}{wider}"] / wide for kind in "na")
            found[f"trend_n{name}"], found[f"trend_a{name}"] = (n + 0.1) / (of_n + 0.1), ratio(a + 100, of_a + 100)
        found["gap"] = frame["tenure"] / np.maximum(frame["n6"], 1)
        found["late"] = frame["recency"] / (found["gap"] + 1)
        found["basket"] = frame["a6"] / np.maximum(frame["n6"], 1)
        found["discount1"] = ratio(frame["d1"], np.maximum(frame["a1"] + frame["d1"], 1))
        found["discount6"] = ratio(frame["d6"], np.maximum(frame["a6"] + frame["d6"], 1))
        found["unlike"] = ratio(frame["a1"] + 100, (frame["a6"] - frame["a1"]) / 5 + 100)
        return found


def ratio(one: Floats, other: Floats) -> Floats:
    """Kept within bounds: negative totals (refunds of earlier purchases) happen."""
    return np.clip(one / np.where(np.abs(other) < 1, 1, other), -1e3, 1e3)


@register
class Churn(Windowed):
    key = "churn"
    title = _("流失概率")
    about = _("已购会员在接下来一个周期内一次也不买的概率。")
    value_label = _("流失概率")
    icon = "user-off"

    def answer(self, sample: Sample) -> Floats:
        return (sample.later["n"] == 0).astype(float)


@register
class Halving(Windowed):
    key = "halving"
    title = _("消费减半概率")
    about = _("最近三个周期内买过的会员，下一个周期的消费额不到这一周期一半的概率。多数会员不是突然走掉，而是慢慢买少。")
    value_label = _("减半概率")
    icon = "trending-down"

    def eligible(self, frame: Frame) -> Any:
        return frame["n3"] > 0

    def answer(self, sample: Sample) -> Floats:
        return ((sample.frame["a1"] > 0) & (sample.later["amount"] < sample.frame["a1"] / 2)).astype(float)

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        """Who bought nothing this time has nothing to halve and is told apart with ease: also without them."""
        found = super().judge(fitted, past, held, ask, seed)
        y, ours, theirs = [], [], []
        for each, sample in zip(fitted, held, strict=True):
            some = sample.frame["a1"] > 0
            y.append(self.answer(sample)[some])
            ours.append(self._predict(each, self._matrix(sample.frame))[some])
            theirs.append(Logistic.load(each.params["baseline"]).predict(self._rfm(sample.frame))[some])
        more = judging.compare("auc_buyers", judging.auc, y, ours, theirs, seed)
        return replace(found, metrics=[*found.metrics, more])
