"""What models share that look at members as a whole at one instant, without asking what came after."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import numpy as np
from django.utils.translation import gettext_lazy as _
from psycopg2.sql import Composable
from pydantic import Field

from segmentation.predicting import offers
from segmentation.predicting.declared.categories import Chosen
from segmentation.predicting.declared.defection import ratio
from segmentation.predicting.declaring import Ask, Floats, Frame, Settings, Words

KINDS = 20
LABELS: dict[str, Words] = {
    "recency": _("距上次购买（天）"),
    "tenure": _("窗口内首购至今（天）"),
    "n1": _("本期订单数"),
    "n3": _("近 3 期订单数"),
    "n6": _("近 6 期订单数"),
    "a1": _("本期消费额"),
    "a3": _("近 3 期消费额"),
    "a6": _("近 6 期消费额"),
    "basket": _("客单价"),
    "discount6": _("优惠占比"),
    "pieces": _("每单商品行数"),
    "breadth": _("买过的品类数"),
    "weekend": _("周末订单占比"),
    "evening": _("晚间订单占比"),
    "offers": _("近一年收到的券"),
    "redeemed": _("近一年核销的券"),
    "rate": _("以往核销率"),
}


class TwoMonths(Settings):
    """Windows of two months: the longest reaches back a year."""

    horizon_days: int = Field(default=60, ge=7, le=365)


class Profiles(Chosen):
    """Subclasses learn from the newest state; nothing is foretold, so nothing needs to have happened since."""

    features: ClassVar[str] = "predicting/gather_profiles"
    settings: ClassVar[type[Settings]] = TwoMonths
    windows: ClassVar[int] = 0
    holdouts: ClassVar[int] = 1
    lookback: ClassVar[float] = 0
    needs_no_answers: ClassVar[bool] = True
    feature_labels: ClassVar[Mapping[str, Words]] = LABELS

    def horizon(self, settings: Settings) -> timedelta:
        return timedelta(0)

    def slots(self, ask: Ask) -> dict[str, Composable]:
        return {"offers": offers.relation()}

    def choose(self, ask: Ask) -> Sequence[Any]:
        """Categories are told apart where products have any."""
        return [*super().choose(ask)][:KINDS]


def described(frame: Frame) -> dict[str, Floats]:
    """A member in figures people understand."""
    n = np.maximum(frame["n6"], 1)
    found = {name: frame[name] for name in ("recency", "tenure", "n1", "n3", "n6", "a1", "a3", "a6")}
    found["basket"] = frame["a6"] / n
    found["discount6"] = ratio(frame["d6"], np.maximum(frame["a6"] + frame["d6"], 1))
    found["pieces"] = frame["lines"] / n
    found |= {name: frame[name] for name in ("breadth", "weekend", "evening", "offers", "redeemed")}
    found["rate"] = (frame["redeemed"] + 0.1) / (frame["offers"] + 1)
    return found


def tastes(frame: Frame) -> Floats:
    """Of what was spent on goods, the share of each category."""
    spent = np.column_stack([np.maximum(frame[f"c_{k}"], 0) for k in range(1, KINDS + 1)])
    return spent / np.maximum(spent.sum(axis=1, keepdims=True), 1)
