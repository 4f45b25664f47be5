"""A scene a member is in for a while, such as travelling: enough clues within a few days, until some days after the last."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field, model_validator

from members.touching import GOODS
from scrm.lib import formats
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, refuse, register

INSIDE = 1
Word = Annotated[str, Field(min_length=1, max_length=80)]


class SceneSettings(Settings):
    """What is a clue, how many of them prove the scene, and how long it holds."""

    away_orders: bool = True  # paid orders in a store of another city than the member's own
    away_events: bool = True  # events whose property `city` is another than the member's own
    events: Annotated[tuple[Word, ...], Field(max_length=20)] = ()  # kinds of events
    words: Annotated[tuple[Word, ...], Field(max_length=20)] = ()  # … that mention one of these; none: any
    categories: Annotated[tuple[Word, ...], Field(max_length=50)] = ()  # paid orders with a product of these
    enough: Annotated[int, Field(ge=1, le=50)] = 2  # clues …
    within_days: Annotated[int, Field(ge=1, le=90)] = 7  # … within so many days prove it
    lasts_days: Annotated[int, Field(ge=1, le=90)] = 7  # it holds so long after the last proof
    longest_days: Annotated[int, Field(ge=2, le=365)] = 60  # after this it is no passing scene, but how the member lives

    @model_validator(mode="after")
    def _has_a_clue(self) -> Self:
        if not (self.away_orders or self.away_events or self.events or self.categories):
            raise refuse("clues", gettext_lazy("请至少选择一种线索。"))
        if self.words and not self.events:
            raise refuse("words", gettext_lazy("关键词只用于行为线索：请先选择行为。"))
        if self.longest_days <= self.lasts_days:
            raise refuse("longest_days", gettext_lazy("最长天数须大于持续天数。"))
        return self


@register
class Scene(Family):
    key: ClassVar[str] = "scene"
    title: ClassVar[Words] = gettext_lazy("消费场景")
    about: ClassVar[Words] = gettext_lazy("按近期线索识别会员正处的场景（如出行中），有开始也有结束")
    icon: ClassVar[str] = "plane"
    settings: ClassVar[type[Settings]] = SceneSettings
    reads: ClassVar[frozenset[str]] = frozenset({"orders", "events", "members"})
    unit: ClassVar[Any] = "count"
    value_label: ClassVar[Words] = gettext_lazy("线索数")
    is_ladder: ClassVar[bool] = False
    ends: ClassVar[bool] = True

    def codes(self, settings: Any) -> Sequence[Code]:
        return [Code(INSIDE, gettext_lazy("进行中"), "blue")]

    def follows(self, settings: Any) -> frozenset[str]:
        return frozenset({GOODS} if settings.categories else ())

    def gather(self, ask: Ask) -> Statement:
        chosen: SceneSettings = ask.settings
        # Far enough back that a start out of sight is one the longest stay has ended by now.
        back = timedelta(days=chosen.longest_days + chosen.lasts_days + chosen.within_days)
        values: dict[str, Any] = {"since": ask.as_of - back, "as_of": ask.as_of}
        values |= {"away_orders": chosen.away_orders, "away_events": chosen.away_events}
        values |= {
            "with_events": bool(chosen.events),
            "event_kinds": list(chosen.events),
            "words": [_like(word) for word in chosen.words],
        }
        return Statement(
            "standings/gather_clues",
            {**values, "with_categories": bool(chosen.categories), "categories": list(chosen.categories)},
        )

    def compute(self, ask: Ask) -> Statement:
        chosen: SceneSettings = ask.settings
        days = {"within": chosen.within_days, "lasts": chosen.lasts_days, "longest": chosen.longest_days}
        return Statement(
            "standings/detect_scene", {"enough": chosen.enough, **{name: timedelta(days=n) for name, n in days.items()}}
        )

    def outside(self, settings: Any) -> Words:
        return _("近 %(n)s 天不到 %(least)s 条线索") % {"n": settings.within_days, "least": settings.enough}

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        proof = _("%(within)s 天内至少 %(enough)s 条线索") % {"within": settings.within_days, "enough": settings.enough}
        end = _("最后一条线索后 %(n)s 天结束") % {"n": settings.lasts_days}
        return [
            (gettext_lazy("开始"), proof),
            (gettext_lazy("结束"), end),
            (gettext_lazy("线索"), formats.listed(_clues(settings))),
        ]


def _clues(settings: SceneSettings) -> list[str]:
    """What counts, in words."""
    found = [_("异地门店下单")] if settings.away_orders else []
    found += [_("异地行为")] if settings.away_events else []
    found += list(settings.events)
    return found + [_("购买%(category)s") % {"category": category} for category in settings.categories]


def _like(word: str) -> str:
    """The word anywhere, as it stands in JSON text."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
