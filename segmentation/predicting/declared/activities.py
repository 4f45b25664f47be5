"""Who buys when something is on: the part of a member's orders in campaigns, at deep discounts, on days they joined in."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from psycopg2.sql import Composable
from pydantic import Field

from segmentation.predicting import offers
from segmentation.predicting.declared.habits import EightWeeks, Habit
from segmentation.predicting.declaring import Ask, Settings, Words, register


class Occasions(EightWeeks):
    """What counts as something that is on."""

    within_days: int = Field(default=7, ge=1, le=60)
    deep_percent: int = Field(default=20, ge=1, le=100)
    event_kinds: str = Field(default="sign_in, share, message_open", max_length=200, pattern=r"^[\w\s,，.:-]*$")


@register
class Activities(Habit):
    key = "activity"
    title = pgettext_lazy("model", "活动参与")
    about = _("会员的订单里，有多大一份下在活动中：营销活动触达后若干天内、优惠较深的订单，或当天参与了互动。")
    baseline = _("人人一样（全体平均），或照搬本人上一周期的占比，两种做法里误差较小的")
    value_label = _("活动订单占比")
    icon = "confetti"
    settings: ClassVar[type[Settings]] = Occasions
    features: ClassVar[str] = "predicting/count_activities"
    outcome: ClassVar[str] = "predicting/count_activities"
    lacking: ClassVar[str] = "activities"
    more_labels: ClassVar[Sequence[Words]] = (_("过去的活动订单占比"),)
    code_labels: ClassVar[Sequence[Words]] = (_("少参加活动"), _("与多数人一样"), _("活动达人"))
    feature_labels = {"share": _("活动订单占比（近 6 期）"), "seen": _("订单数（近 6 期）")}

    def params(self, ask: Ask) -> dict[str, Any]:
        found = ask.settings.model_dump()
        kinds = found["event_kinds"].replace("，", ",").split(",")
        more = {"within": found["within_days"], "deep": found["deep_percent"]}
        return super().params(ask) | more | {"kinds": [each.strip() for each in kinds if each.strip()]}

    def slots(self, ask: Ask) -> dict[str, Composable]:
        return {"offers": offers.relation()}
