"""Facts of what was bought and done: orders, lines, events, each in any window."""

from segmentation.rules.catalog import Fact, Subject, Text, declare
from segmentation.rules.facts_member import ORDERS, TIMES, YUAN

ORDER = (
    "SELECT member_id AS id FROM members_order WHERE pool_id = %(pool)s AND status = 1{of}{window}{only}"
    " GROUP BY member_id HAVING {test}"
)
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
STORE = "SELECT member_id AS id FROM members_order WHERE pool_id = %(pool)s AND status = 1 AND {test}{window}"

CHANNEL = Subject(Text("哪些渠道", "Which channels"), "channels", numeric=True)
EVENT_KIND = Subject(Text("哪些行为", "Which events"), "event_kinds")
GOODS = {
    "category": ("品类", "category", "categories", False),
    "subcategory": ("子品类", "subcategory", "subcategories", False),
    "brand": ("品牌", "brand", "brands", False),
    "product": ("商品", "product", "products", True),
}


def _orders(key: str, zh: str, en: str, kind: str, measure: str, *, only: str = "", **more: object) -> Fact:
    absent = 0 if kind in ("count", "amount") else None
    return Fact(
        key,
        Text(zh, en),
        "orders",
        kind,
        ("orders",),
        ORDER.replace("{only}", only),
        measure,
        time="placed_at",
        absent=absent,
        **more,
    )  # type: ignore[arg-type]


def _goods(key: str, zh: str, en: str, source: str, numeric: bool) -> tuple[Fact, Fact]:
    subject = Subject(Text(f"哪些{zh}", f"Which {source}"), source, numeric=numeric, required=True)
    shared = {"subject": subject, "time": "o.placed_at", "absent": 0}
    count = Fact(f"{key}_orders", Text(f"购买{zh}的订单数", f"orders with {en}"), "goods", "count", ("orders",), LINE, "count(DISTINCT l.order_id)", unit=ORDERS, **shared)  # type: ignore[arg-type]  # fmt: skip
    spent = Fact(f"{key}_amount", Text(f"购买{zh}的金额", f"spent on {en}"), "goods", "amount", ("orders",), LINE, "sum(l.amount)", unit=YUAN, **shared)  # type: ignore[arg-type]  # fmt: skip
    return count, spent


declare(
    _orders("orders", "下单次数", "orders", "count", "count(*)", unit=ORDERS, subject=CHANNEL),
    _orders("order_amount", "消费金额", "spent", "amount", "sum(net_amount)", unit=YUAN, subject=CHANNEL),
    _orders(
        "order_aov", "时段客单价", "order value on average", "money", "sum(net_amount) / count(*)", unit=YUAN, subject=CHANNEL
    ),
    _orders(
        "discounted_orders",
        "用优惠下单次数",
        "discounted orders",
        "count",
        "count(*)",
        only=" AND discount > 0",
        unit=ORDERS,
        subject=CHANNEL,
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
    ),
    Fact("store", Text("消费门店", "store"), "orders", "set", ("orders",), STORE, "store", source="stores", time="placed_at"),
)
for _key, (_zh, _en, _source, _numeric) in GOODS.items():
    declare(*_goods(_key, _zh, _en, _source, _numeric))
declare(
    Fact("events", Text("行为次数", "events"), "events", "count", ("events",), EVENT, "count(*)", unit=TIMES, time="occurred_at", absent=0, subject=EVENT_KIND),
    Fact(
        "active_days", Text("有行为的天数", "active days"), "events", "count", ("events",), EVENT,
        "count(DISTINCT (occurred_at AT TIME ZONE %(zone)s)::date)",
        unit=Text("天", "days"), time="occurred_at", absent=0, subject=EVENT_KIND,
    ),
)  # fmt: skip

SUBJECT_SQL = {
    **dict.fromkeys(("orders", "order_amount", "order_aov", "discounted_orders"), "channel_id = ANY(%(of)s)"),
    **{f"{key}_{what}": f"{'id' if key == 'product' else key} = ANY(%(of)s)" for key in GOODS for what in ("orders", "amount")},
    **dict.fromkeys(("events", "active_days"), "kind = ANY(%(of)s)"),
}
