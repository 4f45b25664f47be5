"""Who uses a coupon that is offered. What was used before says the most; looked at on the days coupons really were offered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np
from django.utils.translation import gettext_lazy as _
from psycopg2.sql import Composable
from pydantic import Field

from scrm.lib import sql
from segmentation.predicting import frames, offers
from segmentation.predicting.classifying import FEWEST, FEWEST_OF_EACH, Classifier
from segmentation.predicting.declared.categories import Chosen
from segmentation.predicting.declared.defection import ratio
from segmentation.predicting.declared.profiles import tastes
from segmentation.predicting.declaring import (
    Ask,
    Fitted,
    Floats,
    Frame,
    Judgement,
    NotEnoughData,
    Sample,
    Settings,
    Unit,
    Words,
    register,
)

TASTE = "taste"  # of each category one column, shown as one
LEAST_OFFERED = 100  # members; smaller mailings teach little


class EightWeeks(Settings):
    """How long a coupon may be used."""

    horizon_days: int = Field(default=56, ge=7, le=365)


@register
class CouponResponse(Chosen, Classifier):
    key = "coupon"
    title = _("用券倾向")
    about = _("现在发给会员一张券，他在一个周期内核销的概率。核销不等于增量：有没有券都会来买的人也会核销。")
    value_label = _("核销概率")
    unit: ClassVar[Unit] = "share"
    icon = "ticket"
    settings: ClassVar[type[Settings]] = EightWeeks
    features: ClassVar[str] = "predicting/gather_profiles"
    outcome: ClassVar[str] = "predicting/sum_later_redemptions"
    windows: ClassVar[int] = 12
    rfm = ("recency", "n6", "a6")
    feature_labels: ClassVar[dict[str, Words]] = {
        "rate": _("以往核销率"),
        "offers": _("近一年收到的券"),
        "redeemed": _("近一年核销的券"),
        "redeemed_ago": _("距上次核销（天）"),
        "recency": _("距上次购买（天）"),
        "tenure": _("窗口内首购至今（天）"),
        "n1": _("本期订单数"),
        "n3": _("近 3 期订单数"),
        "n6": _("近 6 期订单数"),
        "a1": _("本期消费额"),
        "a3": _("近 3 期消费额"),
        "a6": _("近 6 期消费额"),
        "discount1": _("本期优惠占比"),
        "discount6": _("近 6 期优惠占比"),
        TASTE: _("消费分布在哪些品类"),
    }

    def slots(self, ask: Ask) -> dict[str, Composable]:
        return {"offers": offers.relation()}

    def plan(self, ask: Ask, last: datetime) -> tuple[list[datetime], list[list[datetime]]]:
        """Held out are the newest offers that enough members used; learnt from those whose horizon was over by then."""
        found = sql.rows("segmentation/predicting/list_offers", replace(ask, cutoff=last).params, **self.slots(ask))
        days = [row for row in found if row["offered"] >= LEAST_OFFERED]
        judged = [row["day_at"] for row in days if row["used"] >= FEWEST_OF_EACH and row["offered"] >= FEWEST]
        span = timedelta(days=ask.settings.horizon_days)
        held: list[datetime] = []
        before: list[list[datetime]] = []
        for at in judged[::-1]:
            earlier = [row for row in days if row["day_at"] + span <= at]
            if sum(row["used"] for row in earlier) >= FEWEST_OF_EACH and len(held) < self.holdouts:
                held.append(at)
                before.append([row["day_at"] for row in earlier][-self.windows :])
        if not held:
            raise NotEnoughData("offers", found=len(judged), needed=2)
        return held, before

    def columns(self, frame: Frame) -> dict[str, Floats]:
        found = {"rate": (frame["redeemed"] + 0.1) / (frame["offers"] + 1)}
        found |= {name: frame[name] for name in ("offers", "redeemed", "redeemed_ago")}
        found |= {name: frame[name] for name in ("recency", "tenure", "n1", "n3", "n6", "a1", "a3", "a6")}
        for n in (1, 6):
            found[f"discount{n}"] = ratio(frame[f"d{n}"], np.maximum(frame[f"a{n}"] + frame[f"d{n}"], 1))
        return found | {f"{TASTE}{k}": column for k, column in enumerate(tastes(frame).T)}

    def answer(self, sample: Sample) -> Floats:
        return (sample.later["used"] > 0).astype(float)

    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        return super().learn([offered(each) for each in past], ask, seed)

    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        found = super().judge(fitted, past, [offered(each) for each in held], ask, seed)
        return replace(found, importance=together(found.importance, TASTE))


def together(importance: Sequence[tuple[str, float]], prefix: str) -> list[tuple[str, float]]:
    """Columns that say one thing between them, as one."""
    apart = [each for each in importance if not each[0].startswith(prefix)]
    one = (prefix, sum(value for name, value in importance if name.startswith(prefix)))
    return sorted([*apart, one], key=lambda pair: -pair[1])


def offered(sample: Sample) -> Sample:
    """Only who was offered something can be said to have used it or not."""
    rows: Any = sample.later["offered"] > 0
    return Sample(sample.cutoff, frames.pick(sample.frame, rows), frames.pick(sample.later, rows))
