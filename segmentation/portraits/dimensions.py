"""What a pool's members can be looked at by: facts of the catalogue, what they bought and did, and the pool's own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from members.attributes import queries as fields
from members.models import AttributeField, Pool, Tag
from scrm.lib import sql
from segmentation import own
from segmentation.models import Predictor
from segmentation.portraits import sweeps
from segmentation.portraits.cuts import EVERYBODY
from segmentation.portraits.cutting import Cut
from segmentation.predicting.declaring import is_known, model
from segmentation.rules.catalog import Choice, Fact, Text, facts
from segmentation.rules.facts_member import YUAN
from segmentation.rules.filters import HOURS, WEEKDAYS
from segmentation.rules.normalise import Asked
from segmentation.rules.periods import today
from segmentation.rules.statements import bound, domains, measured, unasked
from segmentation.standings import rules as standings

UNKNOWN, NEVER, NOT_SCORED = Text("未知", "unknown"), Text("没有", "none"), Text("没有评分", "not scored")
NO_CLASS = Text("不在任何一层", "in no class")
THOUSANDTHS = 1000
Ask = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Dimension:
    """One way to look at members: which parts of which cut, what they are called, and how a rule asks for one."""

    key: str
    label: Text
    group: str  # of catalog.GROUPS, "habits" or "predictions"
    cut: str
    absent: Text = UNKNOWN  # whoever is in no part
    many: bool = False  # a member may be in several
    choices: tuple[Choice, ...] = ()
    source: str = ""
    only: tuple[Any, ...] | None = None  # the parts of the cut that are meant
    banded: bool = False
    scale: int = 1
    money: bool = False
    fact: str = ""
    ask: Ask | None = None
    default: Any = None  # the choice of whoever is in no part, where that is one

    def has(self, value: Any) -> bool:
        return self.only is None or value in self.only


GROUPS: dict[str, Text] = {
    "profile": Text("基本资料", "Profile"),
    "own": Text("自定义资料", "Own fields"),
    "tags": Text("标签与社群", "Tags and communities"),
    "value": Text("价值与生命周期", "Value and lifecycle"),
    "predictions": Text("预测", "Predictions"),
    "orders": Text("订单", "Orders"),
    "goods": Text("商品", "Products"),
    "events": Text("行为", "Behaviour"),
    "reach": Text("触达与同意", "Reach and consent"),
    "responses": Text("活动响应", "Campaign responses"),
    "loyalty": Text("积分与权益", "Points and benefits"),
}
# Facts by what cuts them: no edges for choices and sets, () where the numbers themselves say.
Edges = tuple[int, ...] | None
CHOSEN: dict[str, Edges] = {
    "status": None,
    "gender": None,
    "age": (18, 25, 30, 35, 40, 50, 60),
    "birthday_month": None,
    "province": None,
    "city": None,
    "channel": None,
    "owner": None,
    "home_store": None,
    "member_days": (30, 90, 180, 365, 730, 1095),
    "identity": None,
    "community": None,
    "community_messages": (1, 2, 5, 10),
    "stage": None,
    "lead_stage": None,
    "rfm_group": None,
    "r_score": (),
    "f_score": (),
    "m_score": (),
    "order_count": (1, 2, 3, 4, 6, 11),
    "amount_total": (),
    "aov": (),
    "order_days_ago": (7, 30, 90, 180, 365),
    "interval_days": (7, 14, 30, 60, 120),
    "discounted_orders": (1, 2, 4, 8),
    "discount_share": (1, 5, 10, 20, 30, 50),
    "refunds": (1, 2, 3),
    "goods_units": (1, 2, 4, 8, 16, 31),
    "goods_price": (),
    "top_brand_share": (25, 50, 75, 100),
    "price_index": (70, 85, 95, 106, 116, 131),
    "new_product_share": (1, 10, 25, 50),
    "active_days": (1, 2, 4, 8, 15, 31),
    "reachable": None,
    "consent": None,
    "consent_withdrawn": None,
    "blocked": None,
    "messages_sent": (1, 2, 4, 8, 16),
    "messages_opened": (1, 2, 4, 8),
    "messages_clicked": (1, 2, 4),
    "messages_failed": (1, 2, 4),
    "messages_suppressed": (1, 2, 4),
    "campaign_entered": (1, 2, 3, 5),
    "campaign_converted": (1, 2, 3),
    "points": (),
    "points_spent": (),
}
PERCENTILES = (21, 41, 61, 81, 91)


class Catalogue:
    """The dimensions of one pool at an instant and the cuts they are taken from; what has the same cut shares it."""

    def __init__(self, pool: Pool, as_of: datetime) -> None:
        self.pool, self.as_of = pool, as_of
        self.cuts: dict[str, Cut] = {}
        self._read(EVERYBODY, "list_everybody", "members")
        self.dimensions = {found.key: found for found in self._all()}

    def _all(self) -> Iterator[Dimension]:
        order = list(GROUPS)
        found = [*self._chosen(), *self._own(), *self._tags(), *self._standings(), *self._predictions(), *self._bought()]
        yield from sorted(found, key=lambda each: order.index(each.group))

    def _read(self, key: str, name: str, *read: str, value: str = "v0", **more: Any) -> str:
        """A cut by a statement of this package."""
        text, given = sql.text(f"segmentation/portraits/{name}"), {"pool": self.pool.pk, "zone": self.pool.time_zone}
        given |= more.pop("params", {})
        used = {name: each for name, each in given.items() if f"%({name})s" in text}
        self.cuts[key] = Cut(key, "SELECT id", value, f"({text}) AS found", read, used, **more)
        return key

    def _sweep(self, key: str, sweep: str, *read: str, **more: Any) -> str:
        """A cut that a sweep finds together with others."""
        self.cuts[key] = Cut(key, "", "", sweeps.said(sweep), read, sweep=sweep, **more)
        return key

    # -- Facts ---------------------------------------------------------------------------------
    def _chosen(self) -> Iterator[Dimension]:
        known = facts()
        for key, edges in CHOSEN.items():
            if key in known:
                yield self._of_fact(known[key], edges)

    def _of_fact(self, about: Fact, edges: Edges) -> Dimension:
        counted = about.kind in ("count", "amount")
        numbers = edges is not None
        scale = 1 if about.integral or not numbers or about.kind == "money" else THOUSANDTHS
        self._cut(about, edges, scale, positive=counted)
        zero = Text("0", "0") if counted else NEVER if about.kind == "set" else UNKNOWN
        unit = about.unit if numbers and about.unit != YUAN else None
        return Dimension(
            about.key,
            _with_unit(about.label, unit),
            about.group,
            about.key,
            zero,
            many=about.kind == "set",
            choices=about.choices,
            source=about.source,
            banded=numbers,
            scale=scale,
            money=about.kind in ("money", "amount"),
            fact=about.key,
            ask=_asking(about.key, about.kind, scale),
            default=about.absent if about.kind == "choice" else None,
        )

    def _cut(self, about: Fact, edges: Edges, scale: int, *, positive: bool) -> None:
        day = today(self.as_of, self.pool.zone) if about.dated else None
        asked = Asked(about.key, day=day)
        made: dict[str, Any] = {
            "form": "values" if edges is None else "numbers",
            "edges": tuple(edge * scale for edge in edges or ()),
            "scale": scale,
            "whole": edges == () and scale == 1 and about.kind not in ("money", "amount"),
            "positive": positive,
        }
        read = tuple(sorted(domains(asked)))
        if about.key in SWEPT:
            self._sweep(about.key, SWEPT[about.key], *read, **made)
        elif about.key in SUMMED:
            self._read(about.key, "sum_orders", *read, value=SUMMED[about.key], **made)
        else:
            self.cuts[about.key] = self._measured(asked, read, made)

    def _measured(self, asked: Asked, read: tuple[str, ...], made: dict[str, Any]) -> Cut:
        """By the statement of the fact itself."""
        rows, text = unasked(asked), measured(asked)
        head, tail = rows.split("id FROM ", 1)
        value = text.removeprefix(f"{head}id, (").removesuffix(f") AS v0 FROM {tail}")
        given = bound(asked, self.pool.pk, self.pool.zone)
        params = {name: each for name, each in given.items() if each is not None and f"%({name})s" in text}
        return Cut(asked.fact, f"{head}id", value, tail, read, params, **made)

    # -- The pool's own ------------------------------------------------------------------------
    def _own(self) -> Iterator[Dimension]:
        by_key = fields.by_key(self.pool, archived=False)
        for about in own.facts(self.pool):
            field = by_key[about.attribute]
            if field.kind == AttributeField.Kind.TEXT and field.is_sensitive:
                continue
            yield self._of_field(about, field)

    def _of_field(self, about: Fact, field: AttributeField) -> Dimension:
        found = self._of_fact(about, () if field.kind == AttributeField.Kind.NUMBER else None)
        if field.kind in (AttributeField.Kind.TEXT, AttributeField.Kind.DATE):
            self.cuts[about.key] = _plain(self.cuts[about.key], year=field.kind == AttributeField.Kind.DATE)
            return Dimension(found.key, found.label, "own", found.cut, fact=found.fact)
        return found

    def _tags(self) -> Iterator[Dimension]:
        """A dimension for each group of tags."""
        groups: dict[int, list[Tag]] = {}
        for tag in Tag.objects.filter(pool=self.pool).select_related("group").order_by("group__place", "group__name", "pk"):
            groups.setdefault(tag.group_id, []).append(tag)
        for number, tags in groups.items():
            only = frozenset(tag.pk for tag in tags)
            key = self._read(f"tags.{number}", "list_tagged", "tags", only=only)
            choices = tuple(Choice(tag.pk, Text(tag.name, tag.name)) for tag in tags)
            name = Text(f"标签：{tags[0].group.name}", f"Tags: {tags[0].group.name}")
            ask = _asking("tag", "set")
            yield Dimension(key, name, "tags", key, NEVER, many=True, choices=choices, fact="tag", ask=ask)

    def _standings(self) -> Iterator[Dimension]:
        for about in standings.facts(self.pool):
            if about.kind == "choice":
                self._cut(about, None, 1, positive=False)
                ask = _asking(about.key, "choice")
                key, choices = about.key, about.choices
                yield Dimension(key, about.label, "value", key, NO_CLASS, choices=choices, fact=key, ask=ask)

    def _predictions(self) -> Iterator[Dimension]:
        found = (
            Predictor.objects.filter(pool=self.pool, is_on=True, version__isnull=False).select_related("version").order_by("pk")
        )
        for each in found:
            if is_known(each.key):
                yield from self._predicted(each)

    def _predicted(self, row: Predictor) -> Iterator[Dimension]:
        name = model(row.key).name_of(self.pool, row.key)
        key = f"prediction.{row.key}"
        items = [str(item) for item in (row.version.items if row.version else None) or []]
        if items:
            self._read(f"{key}.code", "list_predicted", "predictions", params={"predictor": row.pk})
            choices = tuple(Choice(code, Text(item, item)) for code, item in enumerate(items))
            yield Dimension(f"{key}.code", Text(name, name), "predictions", f"{key}.code", NOT_SCORED, choices=choices)
        if model(row.key).unit != "class":
            params = {"predictor": row.pk}
            self._read(key, "list_percentiles", "predictions", form="numbers", edges=PERCENTILES, params=params)
            label = _with_unit(Text(name, name), Text("百分位", "percentile"))
            fact = f"{row.key}_percentile"
            ask = _asking(fact, "number") if fact in facts() else None
            yield Dimension(key, label, "predictions", key, NOT_SCORED, banded=True, fact=fact, ask=ask)

    # -- What they bought and did --------------------------------------------------------------
    def _bought(self) -> Iterator[Dimension]:
        self._read("order_times", "sum_orders", "orders", form="bits")
        self._read("order_channel", "sum_orders", "orders", value="v1", form="bits")
        self._read("order_store", "list_order_stores", "orders")
        hours, days = HOURS, tuple(Choice(23 + int(day.value), day.label) for day in WEEKDAYS)
        for key, zh, en, choices, first in (
            ("hour", "下单时段", "hour of orders", hours, 0),
            ("weekday", "下单星期", "weekday of orders", days, 23),
        ):
            only = tuple(choice.value for choice in choices)
            ask = _asking_when(key, first)
            yield Dimension(
                f"order_{key}", Text(zh, en), "orders", "order_times", NEVER, True, choices, only=only, fact="orders", ask=ask
            )
        for key, label, source, fact, group in BOUGHT:
            if key in SWEPT:
                self._sweep(key, SWEPT[key], "events" if key == "event" else "orders")
            ask = _asking_store if fact == "store" else _asking_of(fact)
            yield Dimension(key, label, group, key, NEVER, True, source=source, fact=fact, ask=ask)


BOUGHT = (
    ("order_channel", Text("购买渠道", "channels bought in"), "channels", "orders", "orders"),
    ("order_store", Text("消费门店", "stores bought at"), "stores", "store", "orders"),
    ("category", Text("买过的品类", "categories bought"), "", "category_orders", "goods"),
    ("subcategory", Text("买过的子品类", "subcategories bought"), "", "subcategory_orders", "goods"),
    ("brand", Text("买过的品牌", "brands bought"), "", "brand_orders", "goods"),
    ("event", Text("有过的行为", "events"), "event_kinds", "events", "events"),
)
LINES = ("category", "subcategory", "brand", "goods_units", "goods_price", "price_index", "new_product_share", "top_brand_share")
SWEPT = {**dict.fromkeys(LINES, "lines"), **dict.fromkeys(("event", "active_days"), "events")}
SUMMED = {"discounted_orders": "v2", "discount_share": "v3", "refunds": "v4"}  # facts that one scan of orders tells


def _with_unit(label: Text, unit: Text | None) -> Text:
    if unit is None or label.zh.endswith(unit.zh):  # "R 分" says its unit
        return label
    return Text(f"{label.zh}（{unit.zh}）", f"{label.en} ({unit.en})")


def _plain(cut: Cut, *, year: bool) -> Cut:
    """Texts as people wrote them, days by their year."""
    return replace(cut, value=f"left({cut.value}, 4)") if year else replace(cut, free=True)


# -- Rules ---------------------------------------------------------------------------------------
def _asking(fact: str, kind: str, scale: int = 1) -> Ask:
    def ask(value: Any) -> dict[str, Any]:
        if isinstance(value, list):
            return _band(fact, value, scale)
        return {"fact": fact, "op": "any" if kind == "set" else "in", "value": [value]}

    return ask


def _band(fact: str, ends: list[Any], scale: int) -> dict[str, Any]:
    """The condition of a band; the upper end is not in it."""
    sides = [(op, end) for op, end in zip(("gte", "lt"), ends, strict=True) if end is not None]
    found = [{"fact": fact, "op": op, "value": end if scale == 1 else end / scale} for op, end in sides]
    return found[0] if len(found) == 1 else {"all": found} if found else {"fact": fact, "op": "known"}


def _asking_of(fact: str) -> Ask:
    return lambda value: {"fact": fact, "op": "any", "of": [value]}


def _asking_store(value: Any) -> dict[str, Any]:
    return {"fact": "store", "op": "any", "value": [value]}


def _asking_when(field: str, first: int) -> Ask:
    return lambda value: {"fact": "orders", "op": "any", "where": [{"field": field, "op": "in", "value": [value - first]}]}
