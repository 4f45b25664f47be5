"""Facts of what was bought and done: orders, lines, events, each in any window."""

from typing import Any

from segmentation.rules.catalog import Fact, Kind, Subject, Text, declare
from segmentation.rules.facts_member import DAYS, ORDERS, TIMES, YUAN

PAID = "SELECT member_id AS id FROM members_order WHERE pool_id = %(pool)s AND status = 1"
ORDER = PAID + "{of}{window}{only} GROUP BY member_id HAVING {test}"
STORE = PAID + " AND {test}{window}"
REFUND = (
    "SELECT member_id AS id FROM members_order WHERE pool_id = %(pool)s AND (status = 2 OR refunded > 0){window}"
    " GROUP BY member_id HAVING {test}"
)
LINE = (
    "SELECT l.member_id AS id FROM members_orderline l"
    " JOIN members_order o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1{window}"
    " WHERE l.pool_id = %(pool)s AND l.product_id IN (SELECT id FROM members_product WHERE pool_id = %(pool)s{of})"
    " GROUP BY l.member_id HAVING {test}"
)
EVENT = "SELECT member_id AS id FROM members_event WHERE pool_id = %(pool)s{of}{window} GROUP BY member_id HAVING {test}"
LOCAL_DAY = "(occurred_at AT TIME ZONE %(zone)s)::date"

CHANNEL = Subject(Text("哪些渠道", "which channels"), "channels", numeric=True)
EVENT_KIND = Subject(Text("哪些行为", "which events"), "event_kinds")
GOODS = {
    "category": ("品类", "category", "categories", False),
    "subcategory": ("子品类", "subcategory", "subcategories", False),
    "brand": ("品牌", "brand", "brands", False),
    "product": ("商品", "product", "products", True),
}


def _orders(key: str, label: Text, kind: Kind, measure: str, *, only: str = "", **more: Any) -> Fact:
    absent = 0 if kind in ("count", "amount") else None
    sql = ORDER.replace("{only}", only)
    return Fact(key, label, "orders", kind, ("orders",), sql, measure, time="placed_at", absent=absent, subject=CHANNEL, **more)


def _goods(key: str, zh: str, en: str, source: str, *, numeric: bool) -> tuple[Fact, Fact]:
    subject = Subject(Text(f"哪些{zh}", f"which {source}"), source, numeric=numeric, required=True)

    def lines(what: str, label: Text, kind: Kind, measure: str, unit: Text, phrase: Text, deed: Text | None) -> Fact:
        return Fact(
            f"{key}_{what}",
            label,
            "goods",
            kind,
            ("orders",),
            LINE,
            measure,
            unit=unit,
            subject=subject,
            time="o.placed_at",
            absent=0,
            phrase=phrase,
            deed=deed,
        )

    orders = Text("购买{of}的订单数", "orders with {of}")
    spent = Text("购买{of}的金额", "spending on {of}")
    bought = Text("买过{of}", "bought {of}")
    return (
        lines(
            "orders",
            Text(f"购买{zh}的订单数", f"orders with {en}"),
            "count",
            "count(DISTINCT l.order_id)",
            ORDERS,
            orders,
            bought,
        ),
        lines("amount", Text(f"购买{zh}的金额", f"spending on {en}"), "amount", "sum(l.amount)", YUAN, spent, None),
    )


def _events(key: str, label: Text, measure: str, unit: Text, phrase: Text) -> Fact:
    deed = Text("有过[{of}]行为", "had[ {of}] events")
    return Fact(
        key,
        label,
        "events",
        "count",
        ("events",),
        EVENT,
        measure,
        unit=unit,
        time="occurred_at",
        absent=0,
        subject=EVENT_KIND,
        phrase=phrase,
        deed=deed,
    )


declare(
    _orders(
        "orders",
        Text("下单次数", "orders"),
        "count",
        "count(*)",
        beside=("order_amount",),
        unit=ORDERS,
        phrase=Text("[在{of}]下单次数", "orders[ on {of}]"),
        deed=Text("[在{of}]下过单", "ordered[ on {of}]"),
    ),
    _orders(
        "order_amount",
        Text("消费金额", "spending"),
        "amount",
        "sum(net_amount)",
        beside=("orders",),
        unit=YUAN,
        phrase=Text("[在{of}]消费金额", "spending[ on {of}]"),
    ),
    _orders(
        "order_aov",
        Text("时段客单价", "average order value in a period"),
        "money",
        "sum(net_amount) / count(*)",
        ratio=("order_amount", "orders"),
        unit=YUAN,
        phrase=Text("[在{of}]客单价", "average order value[ on {of}]"),
    ),
    _orders(
        "discounted_orders",
        Text("用优惠下单次数", "discounted orders"),
        "count",
        "count(*)",
        only=" AND discount > 0",
        unit=ORDERS,
        phrase=Text("[在{of}]用优惠下单次数", "discounted orders[ on {of}]"),
        deed=Text("[在{of}]用优惠下过单", "ordered with a discount[ on {of}]"),
    ),
    Fact(
        "refunds",
        Text("退款次数", "refunds"),
        "orders",
        "count",
        ("orders",),
        REFUND,
        "count(*)",
        unit=TIMES,
        time="placed_at",
        absent=0,
        deed=Text("退过款", "been refunded"),
    ),
    Fact(
        "store",
        Text("消费门店", "store"),
        "orders",
        "set",
        ("orders",),
        STORE,
        "store",
        source="stores",
        time="placed_at",
        deed=Text("在{of}消费过", "bought at {of}"),
        deny=Text("没在{of}消费过", "did not buy at {of}"),
    ),
)
for _key, (_zh, _en, _source, _numeric) in GOODS.items():
    declare(*_goods(_key, _zh, _en, _source, numeric=_numeric))
declare(
    _events("events", Text("行为次数", "events"), "count(*)", TIMES, Text("[{of}]行为次数", "[{of} ]events")),
    _events(
        "active_days",
        Text("有行为的天数", "days with events"),
        f"count(DISTINCT {LOCAL_DAY})",
        DAYS,
        Text("有[{of}]行为的天数", "days with[ {of}] events"),
    ),
)

# What `of` compares.
SUBJECT_SQL = {
    **dict.fromkeys(("orders", "order_amount", "order_aov", "discounted_orders"), "channel_id = ANY(%(of)s)"),
    **{f"{key}_{what}": f"{'id' if key == 'product' else key} = ANY(%(of)s)" for key in GOODS for what in ("orders", "amount")},
    **dict.fromkeys(("events", "active_days"), "kind = ANY(%(of)s)"),
}
