"""What earns points in a weight score, and the relation of all points members earned: (member_id, item, at, points).

Points here are thousandths, so that shares of a point add up as integers. Fragments name only tables of this app
and those below; values are bound.
"""

import re
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pydantic import Field, model_validator

from members import behaviour
from members.models import Channel
from scrm.lib import formats
from segmentation.standings.evidence import NAMES, TABLES
from segmentation.standings.families import Settings, Words, refuse

THOUSAND = 1000
YUAN_100 = 10_000  # minor units that a weight "per 100 yuan" is given for
Text = Annotated[str, Field(min_length=1, max_length=80)]
Weight = Annotated[int, Field(ge=-10_000, le=10_000)]
NUMBER = re.compile(r"-?[0-9]{1,15}([.][0-9]{1,6})?")  # what a property is compared with, and what it must look like
Act = Literal["event", "order", "spoke", "received", "opened", "clicked"]
COMPARED = (("is", "="), ("contains", gettext_lazy("包含")), ("gte", "≥"), ("lte", "≤"))
BONUSES: dict[str, Words] = {
    "gender": gettext_lazy("性别"),
    "province": gettext_lazy("省份"),
    "city": gettext_lazy("城市"),
    "status": gettext_lazy("身份"),
    "identity": gettext_lazy("有身份标识"),
    "device": gettext_lazy("用过的设备"),
    "attribute": gettext_lazy("自定义字段"),
}


class Where(Settings):
    """A condition on a property of the event; several of one item must all hold."""

    name: Text
    op: Literal["is", "contains", "gte", "lte"] = "is"
    value: Text

    @model_validator(mode="after")
    def _is_a_number(self) -> Self:
        if self.op in ("gte", "lte") and not NUMBER.fullmatch(self.value):
            raise refuse("where", gettext_lazy("大于与小于只用于数字。"))
        return self


class Item(Settings):
    """Something done, and what each time is worth."""

    source: Act
    weight: Weight
    per: Literal["time", "day", "yuan"] = "time"  # yuan: per 100 yuan of paid orders
    kinds: Annotated[tuple[Text, ...], Field(max_length=50)] = ()  # of events; none: any
    where: Annotated[tuple[Where, ...], Field(max_length=5)] = ()  # of events
    channels: Annotated[tuple[Text, ...], Field(max_length=20)] = ()  # of orders, by code
    categories: Annotated[tuple[Text, ...], Field(max_length=50)] = ()  # of orders: with a product of these
    least: Annotated[int, Field(ge=0, le=10**12)] = 0  # of orders: from this amount on, minor units

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.source != "event" and (self.kinds or self.where):
            raise refuse("where", gettext_lazy("行为类型与属性条件只用于行为事件。"))
        if self.source != "order" and (self.channels or self.categories or self.least or self.per == "yuan"):
            raise refuse("order", gettext_lazy("渠道、品类、金额只用于订单。"))
        return self


class Bonus(Settings):
    """Points for what a member is or has; they do not decay."""

    field: Literal["gender", "province", "city", "status", "identity", "device", "attribute"]
    key: Annotated[str, Field(max_length=40)] = ""  # of the pool's own field
    values: Annotated[tuple[Text, ...], Field(min_length=1, max_length=50)]
    weight: Weight

    @model_validator(mode="after")
    def _names_its_field(self) -> Self:
        if (self.field == "attribute") != bool(self.key):
            raise refuse("key", gettext_lazy("自定义字段须写明是哪一个，其他资料不需要。"))
        return self


# -- As relations --------------------------------------------------------------------------------
ACT = (
    "SELECT member_id, {n}::int AS item, {at} AS at, {points} AS points FROM {relation}"
    " WHERE {where} AND {at} > %(acts_from)s AND {at} <= %(as_of)s AND {{mine}}"
)
# An act at midnight is of the day that begins: counted back from a midnight, it is not a day older than the others.
DAILY = (
    "SELECT member_id, {n}::int AS item, max({at}) + interval '1 microsecond' AS at, {points} AS points FROM {relation}"
    " WHERE {where} AND {at} > %(acts_from)s AND {at} <= %(as_of)s AND {{mine}}"
    " GROUP BY member_id, ({at} AT TIME ZONE %(zone)s)::date"
)
BOUGHT = (
    "EXISTS (SELECT FROM members_orderline AS l INNER JOIN members_product AS p ON p.id = l.product_id"
    " WHERE l.member_id = members_order.member_id AND l.order_id = members_order.id"
    " AND p.category = ANY(%(categories{n})s::text[]))"
)
CHANNEL = "channel_id IN (SELECT c.id FROM members_channel AS c WHERE c.code = ANY(%(channels{n})s::text[]))"
AS_NUMBER = (
    "CASE WHEN properties ->> %(name{m})s ~ '^" + NUMBER.pattern.replace("{", "{{").replace("}", "}}") + "$'"
    " THEN (properties ->> %(name{m})s)::numeric {op} %(value{m})s::numeric ELSE FALSE END"
)
TESTS = {
    "is": "properties ->> %(name{m})s = %(value{m})s",
    "contains": "position(lower(%(value{m})s) IN lower(properties ->> %(name{m})s)) > 0",
    "gte": AS_NUMBER.replace("{op}", ">="),
    "lte": AS_NUMBER.replace("{op}", "<="),
}
MEMBER = (
    "SELECT id AS member_id, {n}::int AS item, NULL::timestamptz AS at, %(weight{n})s::bigint AS points FROM"
    " (SELECT m.*, m.id AS member_id FROM members_member AS m WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL) AS who"
    " WHERE {test} AND {{mine}}"
)
IDENTITY = (
    "SELECT DISTINCT member_id, {n}::int AS item, NULL::timestamptz AS at, %(weight{n})s::bigint AS points"
    " FROM members_identity WHERE pool_id = %(pool_id)s AND kind = ANY(%(values{n})s::text[]) AND {{mine}}"
)
DEVICE = (
    "SELECT DISTINCT member_id, {n}::int AS item, NULL::timestamptz AS at, %(weight{n})s::bigint AS points FROM members_event"
    " WHERE pool_id = %(pool_id)s AND properties ->> 'device' = ANY(%(values{n})s::text[])"
    " AND occurred_at > %(acts_from)s AND occurred_at <= %(as_of)s AND {{mine}}"
)


NOTHING = "SELECT NULL::bigint AS member_id, NULL::int AS item, NULL::timestamptz AS at, NULL::bigint AS points WHERE FALSE"


def relation(items: Sequence[Item], bonuses: Sequence[Bonus], counted: Collection[int] = ()) -> tuple[pg.SQL, dict[str, Any]]:
    """All points (thousandths) of all items, numbered in this order; `{mine}` says whose. Bonuses have no moment.

    Without the items, by number, that are counted elsewhere.
    """
    values: dict[str, Any] = {}
    parts = [_of_item(n, item, values) for n, item in enumerate(items) if n not in counted]
    parts += [_of_bonus(len(items) + n, bonus, values) for n, bonus in enumerate(bonuses)]
    return pg.SQL(" UNION ALL ".join(parts or [NOTHING])), values


def _of_item(n: int, item: Item, values: dict[str, Any]) -> str:
    table = TABLES[item.source]
    values[f"weight{n}"] = item.weight * THOUSAND
    shape = DAILY if item.per == "day" else ACT
    points = f"%(weight{n})s::bigint" if item.per != "yuan" else f"%(weight{n})s::bigint * net_amount / {YUAN_100}"
    where = " AND ".join([table.where, *_narrowed(n, item, values)])
    return shape.format(n=n, at=table.at, points=points, relation=table.relation, where=where)


def _narrowed(n: int, item: Item, values: dict[str, Any]) -> list[str]:
    found = []
    for name, column in (("kinds", "kind = ANY(%(kinds{n})s::text[])"), ("channels", CHANNEL), ("categories", BOUGHT)):
        if chosen := getattr(item, name):
            values[f"{name}{n}"] = list(chosen)
            found.append(column.format(n=n))
    if item.least:
        values[f"least{n}"] = item.least
        found.append(f"net_amount >= %(least{n})s")
    return found + [_tested(f"{n}_{m}", where, values) for m, where in enumerate(item.where)]


def _tested(mark: str, where: Where, values: dict[str, Any]) -> str:
    values |= {f"name{mark}": where.name, f"value{mark}": where.value}
    return TESTS[where.op].replace("{m}", mark)


def _of_bonus(n: int, bonus: Bonus, values: dict[str, Any]) -> str:
    values |= {f"weight{n}": bonus.weight * THOUSAND, f"values{n}": list(bonus.values)}
    if bonus.field in ("identity", "device"):
        return (IDENTITY if bonus.field == "identity" else DEVICE).format(n=n)
    if bonus.field != "attribute":
        return MEMBER.format(n=n, test=f"{bonus.field}::text = ANY(%(values{n})s::text[])")
    values[f"key{n}"] = bonus.key
    one, many = f"attributes ->> %(key{n})s = ANY(%(values{n})s::text[])", f"attributes -> %(key{n})s ?| %(values{n})s::text[]"
    return MEMBER.format(n=n, test=f"({one} OR {many})")


# -- In words ------------------------------------------------------------------------------------
def told(found: Item | Bonus) -> str:
    """What earns the points, in words."""
    if isinstance(found, Bonus):
        name = found.key if found.field == "attribute" else BONUSES[found.field]
        return _("%(field)s：%(values)s") % {"field": name, "values": formats.listed(found.values)}
    what = formats.listed(behaviour.name_of(kind) for kind in found.kinds) or str(NAMES[found.source])
    least = [_("满 %(amount)s") % {"amount": formats.money(found.least)}] if found.least else []
    more = [*found.categories, *_channels(found.channels), *least, *map(compared, found.where)]
    per = {"day": _("每天"), "yuan": _("每 %(sign)s100") % {"sign": formats.currency_sign()}, "time": _("每次")}[found.per]
    return " · ".join([what, *more, per])


def compared(where: Where) -> str:
    """A condition as its line in the form: "seconds ≥ 30"."""
    return f"{where.name} {dict(COMPARED)[where.op]} {where.value}"


def _channels(codes: Sequence[str]) -> list[str]:
    """Names of channels in the order given; one that is gone keeps its code."""
    known = {channel.code: str(channel) for channel in Channel.objects.filter(code__in=codes)} if codes else {}
    return [known.get(code, code) for code in codes]
