"""What the rows of a fact can be narrowed by, and the SQL of it."""

from typing import Any

from segmentation.rules.ast import Where
from segmentation.rules.catalog import Choice, Fact, Filter, Text

# The local time of what is dated before the end asked for; the zone is looked up only while clocks were still changed.
LOCAL = "(CASE WHEN {at} >= %(steady)s THEN {at} AT TIME ZONE %(offset)s ELSE {at} AT TIME ZONE %(zone)s END)"
OF_PRODUCTS = "l.product_id IN (SELECT id FROM members_product WHERE pool_id = %(pool)s AND {test})"
WITH_PRODUCTS = (
    "(o.member_id, o.id) IN (SELECT g.member_id, g.order_id FROM members_orderline g"
    " WHERE g.product_id IN (SELECT id FROM members_product WHERE pool_id = %(pool)s AND {test}))"
)
NUMBER_IN_TEXT = r"'^-?[0-9]{1,15}(\.[0-9]{1,10})?$'"
WEEKDAYS = tuple(
    Choice(n + 1, Text(f"周{zh}", en))
    for n, (zh, en) in enumerate(
        zip("一二三四五六日", ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
    )
)
HOURS = tuple(Choice(n, Text(f"{n} 点", f"{n}:00")) for n in range(24))
GOODS = {
    "category": ("品类", "category", "categories"),
    "subcategory": ("子品类", "subcategory", "subcategories"),
    "brand": ("品牌", "brand", "brands"),
    "product": ("商品", "product", "products"),
}
TESTS = {
    "in": "{x} = ANY(%({p})s)",
    "gte": "{x} >= %({p})s",
    "gt": "{x} > %({p})s",
    "lte": "{x} <= %({p})s",
    "lt": "{x} < %({p})s",
    "eq": "{x} = %({p})s",
    "between": "{x} BETWEEN %({p}low)s AND %({p}high)s",
    "yes": "{x}",
}
# A property by its name, as whatever the operator asks for.
PROPERTY_TEXT = "({row}.properties ->> %({p}name)s)"
PROPERTY_NUMBER = f"CASE WHEN {PROPERTY_TEXT} ~ {NUMBER_IN_TEXT} THEN {PROPERTY_TEXT}::numeric END"
PROPERTY_TESTS = {
    "is": f"lower({PROPERTY_TEXT}) = lower(%({{p}})s)",
    "in": f"{PROPERTY_TEXT} = ANY(%({{p}})s)",
    "contains": f"position(lower(%({{p}})s) IN lower({PROPERTY_TEXT})) > 0",
    "yes": f"{PROPERTY_TEXT} = 'true'",
    "no": f"{PROPERTY_TEXT} = 'false'",
    "known": f"{PROPERTY_TEXT} <> ''",
}
NEGATED = {"not_in": "in", "is_not": "is", "unknown": "known", "no": "yes"}


def _hours(at: str) -> tuple[Filter, ...]:
    local = LOCAL.replace("{at}", at)
    return (
        Filter(
            "weekday", Text("星期", "weekday"), "choice", f"date_part('isodow', {local})::int", choices=WEEKDAYS, numeric=True
        ),
        Filter("hour", Text("时段", "hour"), "choice", f"date_part('hour', {local})::int", choices=HOURS, numeric=True),
    )


def _goods(clause: str, *, positive: bool) -> tuple[Filter, ...]:
    return tuple(
        Filter(
            key,
            Text(zh, en),
            "choice",
            "id" if key == "product" else key,
            clause,
            source=source,
            numeric=key == "product",
            positive=positive,
        )
        for key, (zh, en, source) in GOODS.items()
    )


def _channel(row: str) -> Filter:
    return Filter("channel", Text("渠道", "channel"), "choice", f"{row}.channel_id", source="channels", numeric=True)


PLACE = (
    _channel("o"),
    Filter("store", Text("门店", "store"), "choice", "o.store", source="stores"),
)
ORDERS: tuple[Filter, ...] = (
    *PLACE,
    *_goods(WITH_PRODUCTS, positive=True),
    Filter("discounted", Text("用了优惠", "discounted"), "flag", "o.discount > 0"),
    Filter("refunded", Text("有退款", "refunded in part"), "flag", "o.refunded > 0"),
    Filter("amount", Text("订单金额", "order value"), "money", "o.net_amount"),
    *_hours("o.placed_at"),
)
LINES: tuple[Filter, ...] = (
    *_goods(OF_PRODUCTS, positive=False),
    *PLACE,
    Filter("discounted", Text("用了优惠", "discounted"), "flag", "(l.discount > 0 OR o.discount > 0)"),
    Filter("price", Text("单价", "unit price"), "money", "(l.amount / nullif(l.quantity, 0))"),
    *_hours("o.placed_at"),
)
EVENTS: tuple[Filter, ...] = (
    Filter("property", Text("属性", "property"), "property", "", source="event_properties"),
    _channel("e"),
    *_hours("e.occurred_at"),
)


def sql(about: Fact, found: tuple[Where, ...]) -> str:
    """The tests of some filters, each behind AND; their parameters are `w0`, `w1` …"""
    return "".join(f" AND {_test(about, where, f'w{n}')}" for n, where in enumerate(found))


def _test(about: Fact, where: Where, param: str) -> str:
    one = about.filter(where.field)
    assert one is not None
    if one.kind == "property":
        return _property(where.op, about.row, param)
    positive = NEGATED.get(where.op, where.op)
    made = one.clause.replace("{test}", TESTS[positive].replace("{x}", f"({one.measure})").replace("{p}", param))
    return made if positive == where.op else f"({made}) IS NOT TRUE"


def _property(op: str, row: str, param: str) -> str:
    negated = {"is_not": "is", "unknown": "known"}.get(op, op)
    made = PROPERTY_TESTS.get(negated) or TESTS[negated].replace("{x}", f"({PROPERTY_NUMBER})")
    made = made.replace("{row}", row).replace("{p}", param)
    return made if negated == op else f"({made}) IS NOT TRUE"


def params(found: tuple[Where, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for n, where in enumerate(found):
        if where.op == "between":
            made[f"w{n}low"], made[f"w{n}high"] = where.value
        elif where.value is not None:
            made[f"w{n}"] = list(where.value) if isinstance(where.value, tuple) else where.value
        if where.name:
            made[f"w{n}name"] = where.name
    return made
