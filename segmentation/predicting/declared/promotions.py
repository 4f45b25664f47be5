"""Who buys at a discount more than what they buy explains: what is on offer decides most of anybody's raw share of discounts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import numpy as np
from django.utils.translation import gettext_lazy as _
from psycopg2 import sql as pg
from pydantic import Field

from segmentation.predicting import frames
from segmentation.predicting.declared.habits import BACK, Habit, Told
from segmentation.predicting.declaring import Ask, Fitted, Floats, Frame, Scores, Settings, Unit, Words, register


class WholeWeeks(Settings):
    """Discounts are compared week by week, so periods are whole weeks."""

    horizon_days: int = Field(default=56, ge=28, le=182, multiple_of=7)


@register
class Promotions(Habit):
    key = "promotion"
    title = _("促销敏感")
    about = _("会员比别人买同样的商品、在同样的周里，多省（或少省）了几个百分点：为正是追逐优惠，为负是看重价值。")
    baseline = _("人人一样（只看商品与当周的优惠），或照搬本人的原始优惠占比，两种做法里误差较小的")
    value_label = _("多省的百分点")
    icon = "rosette-discount"
    unit: ClassVar[Unit] = "share"
    settings: ClassVar[type[Settings]] = WholeWeeks
    features: ClassVar[str] = "predicting/gather_discounts"
    outcome: ClassVar[str] = "predicting/gather_discounts"
    lacking: ClassVar[str] = "discounts"
    more_labels: ClassVar[Sequence[Words]] = (_("原始优惠占比"),)
    code_labels: ClassVar[Sequence[Words]] = (_("看重价值"), _("不偏不倚"), _("追逐优惠"))
    feature_labels = {"share": _("多省的百分点（近 6 期）"), "seen": _("原价合计（近 6 期）")}
    is_adjusted: ClassVar[bool] = True
    unproven: ClassVar[Words] = _(
        "调整掉商品与当周的优惠后，会员之间的差别不比偶然大：这家店的优惠占比主要由买什么决定。评分可以查看，但不给任何会员打标签。"
    )

    @contextmanager
    def laid(self, ask: Ask) -> Iterator[dict[str, pg.Composable]]:
        """What was off each product in each week: of the six periods before each of the windows."""
        periods = BACK + self.windows + self.holdouts
        since = ask.cutoff - timedelta(days=periods * ask.settings.horizon_days)
        with frames.table("predicting_discounts", "predicting/sum_discounts", ask.params | {"since": since}) as table:
            yield {"discounts": table, "newest": pg.Literal(ask.cutoff)}

    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        """Above or below everybody, whom rounding towards the usual may put beside zero together."""
        found = super().score(fitted, frame, ask)
        return replace(found, value=found.value - fitted.params["mean"])

    def raw(self, frame: Frame, end: str = "") -> Floats:
        return frame[f"off{end}"] / np.maximum(frame[f"seen{end}"], 1e-9)

    def copied(self, told: Told, frame: Frame) -> Floats:
        """As far above the others as their raw share is."""
        return self.raw(frame) - float(frame["off"].sum() / max(frame["seen"].sum(), 1)) + told.mean
