"""The repurchase ladder: which purchase members have reached, how long each step takes, who is due next."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pydantic import Field

from scrm.lib import formats
from segmentation.standings.columns import Column, placed_orders
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, register

DAY = 86_400
TONES = ("slate", "amber", "blue", "violet", "green")
# The first order of each day: the one before is a day or more ago, or of another date.
OF_A_DAY = pg.SQL(
    "a.before IS NULL OR a.at >= a.before + interval '26 hours'"
    " OR (a.at AT TIME ZONE %(zone)s)::date <> (a.before AT TIME ZONE %(zone)s)::date"
)
ENOUGH = 20  # fewer who took a step say nothing about how long it takes


class LadderSettings(Settings):
    steps: Annotated[int, Field(ge=2, le=10)] = 5
    same_day: bool = True  # orders of one day are one purchase: a basket is often split


@register
class Ladder(Family):
    key: ClassVar[str] = "ladder"
    title: ClassVar[Words] = gettext_lazy("复购阶梯")
    about: ClassVar[Words] = gettext_lazy("第 1 到第 5 次购买各有多少人到达、每一步要多久、谁快要买下一次")
    icon: ClassVar[str] = "ladder"
    settings: ClassVar[type[Settings]] = LadderSettings
    unit: ClassVar[Any] = "count"
    value_label: ClassVar[Words] = gettext_lazy("购买次数")

    def codes(self, settings: Any) -> Sequence[Code]:
        return [Code(n, self._label(n, settings.steps), TONES[min(n - 1, 4)]) for n in range(1, settings.steps + 1)]

    @staticmethod
    def _label(n: int, steps: int) -> str:
        return (_("第 %(n)s 次及以上") if n == steps else _("第 %(n)s 次")) % {"n": n}

    def columns(self, ask: Ask) -> Sequence[Column]:
        return [placed_orders()]

    def gather(self, ask: Ask) -> Statement | None:
        values = {"zone": ask.zone, "steps": ask.settings.steps}
        slots = {"placed": pg.Identifier(placed_orders().name), "counted": OF_A_DAY if ask.settings.same_day else pg.SQL("TRUE")}
        return Statement("standings/gather_purchases", values, slots, is_for_both=True)

    def measure(self, ask: Ask) -> Statement | None:
        return Statement("standings/measure_purchases", {"steps": ask.settings.steps})

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        steps = found["steps"]
        return {"steps": json.loads(steps) if isinstance(steps, str) else steps}

    def compute(self, ask: Ask) -> Statement:
        waits = [step["wait"][1] if step["advanced"] >= ENOUGH else None for step in ask.edges.get("steps", [])]
        return Statement("standings/sort_by_purchases", {"steps": ask.settings.steps, "waits": waits})

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        return [(self._label(step["step"], settings.steps), self._about(step)) for step in edges.get("steps", [])]

    @staticmethod
    def _about(step: Mapping[str, Any]) -> str:
        reached = _("%(n)s 人到达") % {"n": formats.full(step["reached"])}
        if not step["advanced"]:
            return reached
        share = formats.percent(step["advanced"] / step["reached"], 1)
        days = [formats.decimal(seconds / DAY, 1) for seconds in step["wait"]]
        on = _("其中 %(share)s 买了下一次，中位 %(b)s 天（四分位 %(a)s–%(c)s 天）")
        return formats.clauses([reached, on % {"share": share, "a": days[0], "b": days[1], "c": days[2]}])

    def ahead(self, settings: Any, edges: Mapping[str, Any], standing: Any) -> Words:
        if standing.code >= settings.steps:
            return ""
        return _("再购买 1 次到%(step)s") % {"step": self._label(standing.code + 1, settings.steps)}
