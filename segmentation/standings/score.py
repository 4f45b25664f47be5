"""Weight score: points for what members do and are, worth less with time; in bands; and why a member has them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pydantic import Field, model_validator

from members.models import Member
from members.touching import DELIVERED, GOODS, VALUES
from scrm.lib import formats, sql
from segmentation.models import Scheme
from segmentation.standings import score_columns, score_items
from segmentation.standings.columns import Column
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, refuse, register
from segmentation.standings.score_items import THOUSAND, Bonus, Item

COLD, WARM, HOT, TOP = 1, 2, 3, 4
BACKTESTED = ("half_life", "basis", "backtest", "tested", "tested_at")
BANDS = ("warm_from", "hot_from", "top_from")
HALF_LIVES = (0, 7, 14, 30, 60, 90, 180, 365)  # tried by the backtest; 0: no decay
HORIZON = timedelta(days=30)  # the backtest asks who buys within it
SAMPLED = 20_000  # members, about
ENOUGH = 50  # buyers and others at least, for the backtest to mean something
KEEP = timedelta(days=28)  # a half-life found lately is kept: scores of two days are told by the same one
FAIR = 0.002  # of AUC: a half-life this near the best is as good, and the longest of them moves scores least


class ScoreSettings(Settings):
    """What earns points, how fast they fade, and where the bands begin."""

    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=30)] = (
        Item(source="order", weight=50),
        Item(source="event", kinds=("add_to_cart",), weight=10),
        Item(source="event", kinds=("favourite",), weight=5),
        Item(source="event", kinds=("view",), weight=1, per="day"),
        Item(source="clicked", weight=5),
    )
    bonuses: Annotated[tuple[Bonus, ...], Field(max_length=20)] = ()
    window_days: Annotated[int, Field(ge=7, le=1830)] = 365
    decay: Literal["backtest", "days", "none"] = "backtest"
    half_life: Annotated[int, Field(ge=1, le=1830)] = 90  # for "days", and where a backtest says nothing
    cut: Literal["share", "points"] = "share"
    shares: tuple[int, int, int] = (30, 10, 3)  # per cent of those with points: warm or above, hot or above, top
    points: tuple[int, int, int] = (50, 200, 500)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 100 > self.shares[0] > self.shares[1] > self.shares[2] > 0:
            raise refuse("shares", gettext_lazy("各档的占比须逐档变小，且在 0 与 100 之间。"))
        if not 0 < self.points[0] < self.points[1] < self.points[2]:
            raise refuse("points", gettext_lazy("各档的分数须逐档变大，且大于 0。"))
        return self


@register
class Score(Family):
    key: ClassVar[str] = "score"
    title: ClassVar[Words] = gettext_lazy("权重分")
    about: ClassVar[Words] = gettext_lazy("给行为、订单与资料配权重，随时间衰减，得出热度分与分档")
    icon: ClassVar[str] = "flame"
    settings: ClassVar[type[Settings]] = ScoreSettings
    reads: ClassVar[frozenset[str]] = frozenset({"orders", "events", "members", "deliveries", "communities"})
    unit: ClassVar[Any] = "score"
    value_label: ClassVar[Words] = gettext_lazy("权重分")

    def codes(self, settings: Any) -> Sequence[Code]:
        return [
            Code(COLD, gettext_lazy("低分"), "slate"),
            Code(WARM, gettext_lazy("温热"), "amber"),
            Code(HOT, gettext_lazy("高热"), "violet"),
            Code(TOP, gettext_lazy("极高"), "red"),
        ]

    def prepare(self, ask: Ask) -> dict[str, Any]:
        """Scores count from the beginning of today, until the next full run; by the half-life that told best who buys."""
        today = ask.as_of.astimezone(ZoneInfo(ask.zone)).date()
        return {"counted_from": today.isoformat(), **half_life(ask)}

    def columns(self, ask: Ask) -> Sequence[Column]:
        known = score_columns.ages(ask)
        return list(score_columns.counted(ask.settings.items, known).values())

    def gather(self, ask: Ask) -> Statement:
        items, known = ask.settings.items, score_columns.ages(ask)
        elsewhere = score_columns.counted(items, known)
        acts, values = _acts(ask.settings, _start(ask), ask.as_of, ask.zone, elsewhere)
        values |= {"half_life": ask.edges["half_life"], "counted_from": _start(ask)}
        slots = {"acts": acts, "counted": score_columns.relation(items, known)}
        return Statement("standings/gather_score", values, slots, is_for_both=True)

    def follows(self, settings: Any) -> frozenset[str]:
        done = {DELIVERED for item in settings.items if item.source == "received"}
        bought = {GOODS for item in settings.items if item.categories}
        return frozenset(done | bought | {VALUES for bonus in settings.bonuses if bonus.field == "attribute"})

    def measure(self, ask: Ask) -> Statement:
        below = [1 - share / 100 for share in ask.settings.shares]
        return Statement("standings/measure_score", {"below": below})

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        """Rising, also where many members have the same points."""
        chosen: ScoreSettings = ask.settings
        known = list(chosen.points) if chosen.cut == "points" or not found["members"] else [int(n) for n in found["edges"]]
        for n in range(1, len(known)):
            known[n] = max(known[n], known[n - 1] + 1)
        return {**ask.edges, **dict(zip(BANDS, known, strict=True)), "members": found["members"]}

    def compute(self, ask: Ask) -> Statement:
        return Statement("standings/sort_by_score", {name: ask.edges[name] for name in BANDS})

    def outside(self, settings: Any) -> Words:
        return _("近 %(n)s 天没有得分") % {"n": settings.window_days}

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        labels = [code.label for code in self.codes(settings)[1:]]
        rows: list[tuple[Words, Words]] = [
            (label, _("%(n)s 分起") % {"n": formats.full(edges[name])})
            for label, name in zip(labels, BANDS, strict=True)
            if name in edges
        ]
        return [*rows, (gettext_lazy("半衰期"), _told_half_life(edges)), *_told_backtest(edges)]

    def ahead(self, settings: Any, edges: Mapping[str, Any], standing: Any) -> Words:
        name = {COLD: "warm_from", WARM: "hot_from", HOT: "top_from"}.get(standing.code)
        if name is None or name not in edges:
            return ""
        label = self.codes(settings)[standing.code].label
        return _("再得 %(n)s 分进入%(band)s") % {"n": formats.full(max(edges[name] - (standing.value or 0), 1)), "band": label}

    def reasons(self, scheme: Scheme, member: Member, as_of: datetime) -> list[tuple[str, str]]:
        return [(each.what, each.said) for each in why(scheme, member, as_of)]


def _start(ask: Ask) -> datetime:
    """The beginning of the day scores count from."""
    return datetime.combine(date.fromisoformat(ask.edges["counted_from"]), time(), ZoneInfo(ask.zone))


def _acts(
    settings: ScoreSettings, start: datetime, as_of: datetime, zone: str, counted: Collection[int] = ()
) -> tuple[pg.SQL, dict[str, Any]]:
    acts, values = score_items.relation(settings.items, settings.bonuses, counted)
    return acts, {**values, "acts_from": start - timedelta(days=settings.window_days), "as_of": as_of, "zone": zone}


# -- The half-life -------------------------------------------------------------------------------
def half_life(ask: Ask) -> dict[str, Any]:
    """Days, and what the backtest found for each candidate; "basis" says where it is from."""
    chosen: ScoreSettings = ask.settings
    if chosen.decay != "backtest":
        return {"half_life": chosen.half_life if chosen.decay == "days" else 0, "basis": chosen.decay}
    if _is_lately(ask):
        return {name: ask.edges[name] for name in BACKTESTED}
    tried = _backtest(ask)
    others = tried[0]["members"] - tried[0]["buyers"] if tried else 0
    if not tried or min(tried[0]["buyers"], others) < ENOUGH:
        return {"half_life": chosen.half_life, "basis": "few"}
    best = max(each["auc"] for each in tried)
    fair = [each["half_life"] for each in tried if each["auc"] >= best - FAIR]
    kept = [{"half_life": each["half_life"], "auc": round(float(each["auc"]), 4)} for each in tried]
    best_of = {"half_life": 0 if 0 in fair else max(fair), "basis": "backtest", "backtest": kept}
    return {**best_of, "tested": tried[0]["members"], "tested_at": ask.as_of.isoformat()}


def _is_lately(ask: Ask) -> bool:
    """Whether the last full run by these settings knows a half-life that was tested within weeks."""
    known = ask.edges.get("tested_at")
    return known is not None and abs(ask.as_of - datetime.fromisoformat(known)) < KEEP


def _backtest(ask: Ask) -> list[dict[str, Any]]:
    cutoff = ask.as_of - HORIZON
    acts, values = _acts(ask.settings, cutoff, cutoff, ask.zone)
    every = max(_buyers(ask.pool_id) // SAMPLED, 1)
    mine = (
        "member_id IN (SELECT m.id FROM members_member AS m WHERE m.pool_id = {} AND m.merged_into IS NULL AND mod(m.id, {}) = 0)"
    )
    sampled = acts.format(mine=pg.SQL(mine).format(pg.Literal(ask.pool_id), pg.Literal(every)))
    values |= {"pool_id": ask.pool_id, "until": ask.as_of, "half_lives": list(HALF_LIVES)}
    return list(sql.rows("segmentation/standings/backtest_score", values, acts=sampled))


def _buyers(pool_id: int) -> int:
    return Member.objects.filter(pool=pool_id, merged_into=None).count()


def _told_half_life(edges: Mapping[str, Any]) -> str:
    days = edges.get("half_life")
    said = _told_days(days or 0)
    basis = {
        "backtest": _("由回测选出"),
        "few": _("数据太少，回测没有意义，用设定值"),
        "days": _("设定值"),
        "none": _("设定值"),
    }.get(edges.get("basis", ""), "")
    return f"{said} · {basis}" if basis else said


def _told_backtest(edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
    """One row per half-life tried: how well it told who buys in the thirty days after."""
    return [
        (_("回测 AUC：%(days)s") % {"days": _told_days(each["half_life"])}, f"{each['auc']:.3f}")
        for each in edges.get("backtest", [])
    ]


def _told_days(days: int) -> str:
    return _("%(n)s 天") % {"n": days} if days else _("不衰减")


# -- Why -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Reason:
    """One item's part of a member's points."""

    what: str
    times: int
    latest: datetime | None
    given: float  # before decay
    points: float

    @property
    def said(self) -> str:
        left = _("%(points)s 分") % {"points": f"{self.points:,.1f}"}
        if self.given == self.points:
            return _("%(n)s 次，%(left)s") % {"n": self.times, "left": left}
        return _("%(n)s 次，原 %(given)s 分，衰减后 %(left)s") % {"n": self.times, "given": f"{self.given:,.1f}", "left": left}


def why(scheme: Scheme, member: Member, as_of: datetime) -> list[Reason]:
    """Where a member's points come from, most points first, by the scheme as it was last computed."""
    if not scheme.applied or "counted_from" not in scheme.edges:
        return []
    settings = ScoreSettings.model_validate(scheme.applied)
    zone = member.pool.time_zone
    start = datetime.combine(date.fromisoformat(scheme.edges["counted_from"]), time(), ZoneInfo(zone))
    acts, values = _acts(settings, start, as_of, zone)
    values |= {"pool_id": scheme.pool_id, "half_life": scheme.edges["half_life"], "counted_from": start}
    mine = acts.format(mine=pg.SQL("member_id = {}").format(pg.Literal(member.pk)))
    known = [*settings.items, *settings.bonuses]
    return [
        Reason(
            score_items.told(known[row["item"]]), row["times"], row["latest"], row["given"] / THOUSAND, row["points"] / THOUSAND
        )
        for row in sql.rows("segmentation/standings/explain_score", values, acts=mine)
    ]
