"""State of use: how many days of a window a member was active on."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pydantic import Field, model_validator

from scrm.lib import formats
from segmentation.standings import columns, evidence
from segmentation.standings.columns import Column
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, refuse, register

DORMANT, RARE, REGULAR, FREQUENT = 0, 1, 2, 3
Act = Literal["event", "order", "spoke", "opened", "clicked"]


class UsageSettings(Settings):
    """What counts as using us, and how many active days of the window make which class."""

    sources: Annotated[list[Act], Field(min_length=1, max_length=5)] = ["event", "order"]
    kinds: Annotated[list[str], Field(max_length=50)] = []  # of events; none: any
    window_days: Annotated[int, Field(ge=2, le=366)] = 30
    lookback_days: Annotated[int, Field(ge=3, le=1830)] = 180  # active in here but not in the window: dormant
    cut: Literal["fixed", "quantile"] = "fixed"
    regular: Annotated[int, Field(ge=2, le=366)] = 4  # active days from which on
    frequent: Annotated[int, Field(ge=3, le=366)] = 12

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lookback_days <= self.window_days:
            raise refuse("lookback_days", gettext_lazy("沉睡的回看天数须大于统计窗口。"))
        if not self.regular < self.frequent <= self.window_days:
            raise refuse("frequent", gettext_lazy("高频的天数须大于中频，且不超过统计窗口。"))
        return self


@register
class Usage(Family):
    key: ClassVar[str] = "usage"
    title: ClassVar[Words] = gettext_lazy("用户状态")
    about: ClassVar[Words] = gettext_lazy("按一段时间内活跃的天数看亲密度：高频、中频、低频、沉睡")
    icon: ClassVar[str] = "activity"
    settings: ClassVar[type[Settings]] = UsageSettings
    reads: ClassVar[frozenset[str]] = frozenset({"orders", "events", "communities", "deliveries"})
    unit: ClassVar[Any] = "days"
    value_label: ClassVar[Words] = gettext_lazy("窗口内活跃天数")

    def codes(self, settings: Any) -> Sequence[Code]:
        return [
            Code(DORMANT, gettext_lazy("沉睡"), "slate", gettext_lazy("回看期内用过，窗口内没有")),
            Code(RARE, gettext_lazy("低频"), "amber"),
            Code(REGULAR, gettext_lazy("中频"), "blue"),
            Code(FREQUENT, gettext_lazy("高频"), "green"),
        ]

    def columns(self, ask: Ask) -> Sequence[Column]:
        return [column for found in _known(ask) for column in found]

    def gather(self, ask: Ask) -> Statement | None:
        chosen: UsageSettings = ask.settings
        today = ask.as_of.astimezone(ZoneInfo(ask.zone)).date()
        if known := _known(ask):
            before = today - timedelta(days=chosen.window_days + columns.padding(chosen.window_days))
            values = {"zone": ask.zone, "before": before}
            return Statement("standings/gather_marked_days", values, {"marked": _marked(known)}, is_for_both=True)
        since = _start(today - timedelta(days=chosen.lookback_days - 1), ask.zone) - timedelta(microseconds=1)
        acts, values = evidence.acts(chosen.sources, chosen.kinds, since, ask.as_of)
        values |= {"zone": ask.zone, "window_from": today - timedelta(days=chosen.window_days)}
        return Statement("standings/gather_days", values, {"acts": acts}, is_for_both=True)

    def measure(self, ask: Ask) -> Statement | None:
        return Statement("standings/measure_days") if ask.settings.cut == "quantile" else None

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        """At least two days are regular, and more than that frequent, however little the pool is used."""
        regular, frequent = found["days"] or (None, None)
        first = max(regular or ask.settings.regular, 2)
        return {"regular": first, "frequent": max(frequent or ask.settings.frequent, first + 1), "active": found["active"]}

    def compute(self, ask: Ask) -> Statement:
        chosen: UsageSettings = ask.settings
        known = {name: ask.edges.get(name) or getattr(chosen, name) for name in ("regular", "frequent")}
        return Statement(
            "standings/sort_by_days", {**known, "zone": ask.zone, "window": chosen.window_days, "lookback": chosen.lookback_days}
        )

    def outside(self, settings: Any) -> Words:
        return _("近 %(n)s 天没有活跃过") % {"n": settings.lookback_days}

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        regular, frequent = (edges.get(name) or getattr(settings, name) for name in ("regular", "frequent"))
        days = _("近 %(n)s 天内活跃 %(a)s 天起")
        what = formats.listed(evidence.NAMES[source] for source in settings.sources)
        return [
            (gettext_lazy("高频"), days % {"n": settings.window_days, "a": frequent}),
            (gettext_lazy("中频"), days % {"n": settings.window_days, "a": regular}),
            (gettext_lazy("低频"), days % {"n": settings.window_days, "a": 1}),
            (gettext_lazy("沉睡"), _("近 %(n)s 天内活跃过，但不在窗口内") % {"n": settings.lookback_days}),
            (gettext_lazy("计为活跃的行为"), what),
        ]

    def ahead(self, settings: Any, edges: Mapping[str, Any], standing: Any) -> Words:
        regular, frequent = (edges.get(name) or getattr(settings, name) for name in ("regular", "frequent"))
        target = {DORMANT: 1, RARE: regular, REGULAR: frequent}.get(standing.code)
        if target is None:
            return ""
        label = self.codes(settings)[standing.code + 1].label
        return _("再活跃 %(n)s 天成为%(label)s") % {"n": max(target - (standing.value or 0), 1), "label": label}


def _known(ask: Ask) -> list[tuple[Column, Column]]:
    """Per source the days of the window, and the last act of all; none when the passes do not see enough."""
    chosen: UsageSettings = ask.settings
    if not {"order", "event"}.issuperset(chosen.sources):
        return []
    today = ask.as_of.astimezone(ZoneInfo(ask.zone)).date()
    window = columns.midnights(today - timedelta(days=chosen.window_days - 1), today, ask.zone)
    since = _start(today - timedelta(days=chosen.lookback_days - 1), ask.zone) - columns.JUST
    found = []
    for source in (columns.ORDER, columns.EVENT):
        if source in chosen.sources:
            kinds = chosen.kinds if source == columns.EVENT else ()
            found.append((columns.days(source, window, kinds), columns.latest(source, since, kinds)))
    return found


def _marked(known: Sequence[tuple[Column, Column]]) -> pg.Composable:
    """A relation (member_id, days, latest) of the sources; slots are filled by the running."""
    parts = [
        f"SELECT member_id, {days.name} AS days, {latest.name} AS latest"  # noqa: S608  (constants)
        f" FROM {{{latest.source}s}} AS {latest.source}s WHERE {latest.name} IS NOT NULL AND {{mine}}"
        for days, latest in known
    ]
    return pg.SQL(" UNION ALL ".join(parts))


def _start(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
