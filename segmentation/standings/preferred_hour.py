"""The time of day a member is most likely about: three hours in a row, the pool's day being the prior."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field

from scrm.lib import formats
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, register

MILLION = 1_000_000
HOURS = range(24)
WIDE = 3  # hours of a stretch
LATE = timedelta(days=30)  # what is answered later than this was no sign of the hour it was sent for
Source = Literal["responses", "orders", "events"]


class PreferredHourSettings(Settings):
    """What shows that somebody is about, and how much the pool's day counts beside it."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = ("responses", "orders")
    window_days: Annotated[int, Field(ge=7, le=730)] = 180
    strength: Annotated[int, Field(ge=1, le=1000)] = 12  # the prior counts like so many facts
    least: Annotated[int, Field(ge=1, le=100)] = 3  # with fewer facts nothing is said


@register
class PreferredHour(Family):
    key: ClassVar[str] = "preferred_hour"
    title: ClassVar[Words] = gettext_lazy("偏好时段")
    about: ClassVar[Words] = gettext_lazy("按会员回应、下单与行为的钟点，推断最合适的三小时；数据少时以全池分布为先验")
    icon: ClassVar[str] = "clock-heart"
    settings: ClassVar[type[Settings]] = PreferredHourSettings
    reads: ClassVar[frozenset[str]] = frozenset({"deliveries", "orders", "events"})
    unit: ClassVar[Any] = "number"
    value_label: ClassVar[Words] = gettext_lazy("该时段占比（%）")
    is_ladder: ClassVar[bool] = False

    def codes(self, settings: Any) -> Sequence[Code]:
        return [Code(hour, f"{hour:02}:00–{(hour + WIDE) % 24:02}:00", _tone(hour)) for hour in HOURS]

    def gather(self, ask: Ask) -> Statement:
        chosen: PreferredHourSettings = ask.settings
        window = timedelta(days=chosen.window_days)
        since = ask.as_of - window
        values = {"window": window, "window_from": since, "as_of": ask.as_of, "zone": ask.zone}
        values |= {"sent_from": since - LATE, "late": LATE}
        wanted: dict[str, bool] = {source: source in chosen.sources for source in ("responses", "orders", "events")}
        return Statement("standings/gather_active_hours", {**values, **wanted})

    def measure(self, ask: Ask) -> Statement:
        return Statement("standings/measure_active_hours")

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        counts = [int(n) for n in found["hours"]]
        stretches = [sum(counts[(hour + more) % 24] for more in range(WIDE)) for hour in HOURS]
        whole = sum(counts)
        shares = [n * MILLION // whole if whole else WIDE * MILLION // 24 for n in stretches]
        return {"shares": shares, "best": max(HOURS, key=lambda hour: (stretches[hour], -hour)), "facts": whole}

    def compute(self, ask: Ask) -> Statement:
        values = {"shares": ask.edges.get("shares", []), "best": ask.edges.get("best", 0)}
        return Statement("standings/prefer_hour", {**values, "strength": ask.settings.strength, "least": ask.settings.least})

    def outside(self, settings: Any) -> Words:
        return _("近 %(n)s 天的行为不到 %(least)s 次") % {"n": settings.window_days, "least": settings.least}

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        if not edges.get("facts"):
            return [(gettext_lazy("窗口内还没有可用的行为"), "")]
        said = _("全池最活跃 %(hours)s，占 %(share)s") % {
            "hours": self.codes(settings)[edges["best"]].label,
            "share": formats.percent(edges["shares"][edges["best"]] / MILLION, 1),
        }
        return [(gettext_lazy("先验"), said)]


def _tone(hour: int) -> str:
    return ("slate", "green", "blue", "violet")[hour // 6]
