"""Facts of orders, each in any window and narrowed by channel, store, products, discount, value, weekday or hour."""

from typing import Any

from segmentation.rules.catalog import Fact, Kind, Subject, Text, declare
from segmentation.rules.facts_member import DAYS, ORDERS, TIMES, YUAN
from segmentation.rules.filters import LOCAL
from segmentation.rules.filters import ORDERS as FILTERS

PAID = "SELECT o.member_id AS id FROM members_order o{since} WHERE o.pool_id = %(pool)s AND o.status = 1"
ORDER = PAID + "{of}{where}{window}{only} GROUP BY o.member_id HAVING {test}"
SHARE = PAID + "{of}{window} GROUP BY o.member_id HAVING {test}"
# The first and the last as known at the end of the day asked for.
ENDS = (
    "SELECT o.member_id AS id FROM members_order o WHERE o.pool_id = %(pool)s AND o.status = 1 AND o.placed_at < %(until)s"
    "{of}{where} GROUP BY o.member_id HAVING {test}"
)
STORE = PAID + "{where} AND {test}{window}"
REFUND = (
    "SELECT o.member_id AS id FROM members_order o{since} WHERE o.pool_id = %(pool)s AND (o.status = 2 OR o.refunded > 0)"
    "{where}{window} GROUP BY o.member_id HAVING {test}"
)
LOCAL_DAY = LOCAL.replace("{at}", "o.placed_at") + "::date"
CHANNEL = Subject(Text("哪些渠道", "which channels"), "channels", numeric=True)
PART = "CASE WHEN true{where} THEN 100 ELSE 0 END"
PERCENT = Text("%", "%")
SHARED = Text("符合条件的订单占比", "share of orders that qualify")


def _orders(key: str, label: Text, kind: Kind, measure: str, *, only: str = "", sql: str = ORDER, **more: Any) -> Fact:
    absent = 0 if kind in ("count", "amount") else None
    made: dict[str, Any] = {"row": "o", "time": "o.placed_at", "absent": absent, "subject": CHANNEL, "filters": FILTERS}
    made["of_sql"] = "o.channel_id = ANY(%(of)s)"
    return Fact(key, label, "orders", kind, ("orders",), sql.replace("{only}", only), measure, **(made | more))


def _end(key: str, zh: str, en: str, pick: str) -> Fact:
    at = f"{pick}(o.placed_at)"
    phrase = Text(f"[在{{of}}]{zh.removesuffix('（可筛选）')}", f"{en.removesuffix(' (filtered)')}[ on {{of}}]")
    return _orders(key, Text(zh, en), "date", at, sql=ENDS, time=at, dated=True, phrase=phrase)


declare(
    _orders(
        "orders",
        Text("下单次数", "orders"),
        "count",
        "count(*)",
        each="1",
        beside=("order_amount",),
        unit=ORDERS,
        phrase=Text("[在{of}]下单次数", "orders[ on {of}]"),
        deed=Text("[在{of}]下过单", "ordered[ on {of}]"),
    ),
    _orders(
        "order_amount",
        Text("消费金额", "spending"),
        "amount",
        "sum(o.net_amount)",
        each="o.net_amount",
        beside=("orders",),
        unit=YUAN,
        phrase=Text("[在{of}]消费金额", "spending[ on {of}]"),
    ),
    _orders(
        "order_aov",
        Text("时段客单价", "average order value in a period"),
        "money",
        "sum(o.net_amount) / count(*)",
        ratio=("order_amount", "orders"),
        unit=YUAN,
        phrase=Text("[在{of}]客单价", "average order value[ on {of}]"),
    ),
    _orders(
        "order_max",
        Text("单笔最高金额", "largest order"),
        "money",
        "max(o.net_amount)",
        unit=YUAN,
        phrase=Text("[在{of}]单笔最高金额", "largest order[ on {of}]"),
    ),
    _orders(
        "order_days",
        Text("下单天数", "days with orders"),
        "count",
        f"count(DISTINCT {LOCAL_DAY})",
        unit=DAYS,
        phrase=Text("[在{of}]下单天数", "days with orders[ on {of}]"),
        deed=Text("[在{of}]下过单", "ordered[ on {of}]"),
    ),
    _orders(
        "order_share",
        SHARED,
        "number",
        "100.0 * count(*) FILTER (WHERE true{where}) / count(*)",
        sql=SHARE,
        unit=PERCENT,
        integral=False,
        ratio=("order_share.part", "order_share.whole"),
        filtered=True,
        phrase=Text("[在{of}]符合条件的订单占比", "share of orders that qualify[ on {of}]"),
        note=Text("占全部已支付订单的百分比；条件写在「筛选」里", "Percent of all paid orders; the filters say which qualify"),
    ),
    _orders("order_share.part", SHARED, "amount", f"sum({PART})", each=PART, sql=SHARE, hidden=True),
    _orders("order_share.whole", SHARED, "amount", "count(*)", each="1", sql=SHARE, hidden=True),
    _orders(
        "discounted_orders",
        Text("用优惠下单次数", "discounted orders"),
        "count",
        "count(*)",
        only=" AND o.discount > 0",
        unit=ORDERS,
        phrase=Text("[在{of}]用优惠下单次数", "discounted orders[ on {of}]"),
        deed=Text("[在{of}]用优惠下过单", "ordered with a discount[ on {of}]"),
    ),
    _end("order_first_at", "首次下单（可筛选）", "first order (filtered)", "min"),
    _end("order_last_at", "最近下单（可筛选）", "last order (filtered)", "max"),
    Fact(
        "refunds",
        Text("退款次数", "refunds"),
        "orders",
        "count",
        ("orders",),
        REFUND,
        "count(*)",
        unit=TIMES,
        time="o.placed_at",
        row="o",
        absent=0,
        filters=FILTERS,
        deed=Text("退过款", "been refunded"),
    ),
    Fact(
        "store",
        Text("消费门店", "store"),
        "orders",
        "set",
        ("orders",),
        STORE,
        "o.store",
        source="stores",
        time="o.placed_at",
        row="o",
        filters=FILTERS,
        deed=Text("在{of}消费过", "bought at {of}"),
        deny=Text("没在{of}消费过", "did not buy at {of}"),
    ),
)
