"""Who buys what is new: the part of a member's lines that are of products first sold in the pool not long before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from psycopg2 import sql as pg
from pydantic import Field

from segmentation.predicting import frames
from segmentation.predicting.declared.habits import EightWeeks, Habit
from segmentation.predicting.declaring import Ask, Settings, Words, register


class Fresh(EightWeeks):
    """For how long a product is new."""

    fresh_days: int = Field(default=30, ge=7, le=180)


@register
class Novelties(Habit):
    key = "novelty"
    title = _("尝新")
    about = _("会员购买的商品行里，有多大一份是刚上市（在本池首次售出后若干天内）的新品。")
    baseline = _("人人一样（全体平均），或照搬本人上一周期的占比，两种做法里误差较小的")
    value_label = _("新品占比")
    icon = "sparkles"
    settings: ClassVar[type[Settings]] = Fresh
    features: ClassVar[str] = "predicting/count_novelties"
    outcome: ClassVar[str] = "predicting/count_novelties"
    lacking: ClassVar[str] = "novelties"
    more_labels: ClassVar[Sequence[Words]] = (_("过去的新品占比"),)
    code_labels: ClassVar[Sequence[Words]] = (_("偏爱熟悉的商品"), _("与多数人一样"), _("尝新族"))
    feature_labels = {"share": _("新品占比（近 6 期）"), "seen": _("商品行数（近 6 期）")}

    def params(self, ask: Ask) -> dict[str, Any]:
        return super().params(ask) | {"fresh": getattr(ask.settings, "fresh_days", 30)}

    @contextmanager
    def laid(self, ask: Ask) -> Iterator[dict[str, pg.Composable]]:
        """When each product was first sold; a product first sold after an earlier cutoff was not bought before it."""
        told = ask.params | self.params(ask)
        with frames.table("predicting_novelties", "predicting/find_novelties", told) as table:
            yield {"novelties": table}
