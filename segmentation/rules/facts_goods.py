"""Facts of order lines: what was bought, how many, at what price, first and last."""

from typing import Any

from segmentation.rules.catalog import Fact, Kind, Subject, Text, declare
from segmentation.rules.facts_member import ORDERS, YUAN
from segmentation.rules.filters import GOODS
from segmentation.rules.filters import LINES as FILTERS

JOIN = (
    "SELECT l.member_id AS id FROM members_orderline l"
    " JOIN members_order o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1{since}"
    " WHERE l.pool_id = %(pool)s"
)
ANY_LINE = JOIN + "{window}{of}{where} GROUP BY l.member_id HAVING {test}"
OF_PRODUCTS = "l.product_id IN (SELECT id FROM members_product WHERE pool_id = %(pool)s AND {of})"
ENDS = JOIN.replace("{since}", "") + " AND o.placed_at < %(until)s{where} GROUP BY l.member_id HAVING {test}"
PIECES, KINDS = Text("件", "pieces"), Text("种", "kinds")


def _lines(key: str, label: Text, kind: Kind, measure: str, unit: Text | None, sql: str = ANY_LINE, **more: Any) -> Fact:
    absent = 0 if kind in ("count", "amount") else None
    made: dict[str, Any] = {"row": "l", "time": "o.placed_at", "absent": absent, "filters": FILTERS, "unit": unit}
    return Fact(key, label, "goods", kind, ("orders",), sql, measure, **(made | more))


def _of(key: str, zh: str, en: str, source: str) -> tuple[Fact, Fact]:
    """How often and for how much one kind of product was bought."""
    column = "id" if key == "product" else key
    subject = Subject(Text(f"哪些{zh}", f"which {source}"), source, numeric=key == "product", required=True)
    made: dict[str, Any] = {"subject": subject, "of_sql": OF_PRODUCTS.replace("{of}", f"{column} = ANY(%(of)s)")}
    return (
        _lines(
            f"{key}_orders",
            Text(f"购买{zh}的订单数", f"orders with {en}"),
            "count",
            "count(DISTINCT l.order_id)",
            ORDERS,
            phrase=Text("购买{of}的订单数", "orders with {of}"),
            deed=Text("买过{of}", "bought {of}"),
            **made,
        ),
        _lines(
            f"{key}_amount",
            Text(f"购买{zh}的金额", f"spending on {en}"),
            "amount",
            "sum(l.amount)",
            YUAN,
            phrase=Text("购买{of}的金额", "spending on {of}"),
            **made,
        ),
    )


def _end(key: str, zh: str, en: str, pick: str) -> Fact:
    at = f"{pick}(o.placed_at)"
    return _lines(key, Text(zh, en), "date", at, None, ENDS, time=at, dated=True)


for _key, (_zh, _en, _source) in GOODS.items():
    declare(*_of(_key, _zh, _en, _source))
declare(
    _lines(
        "goods_orders",
        Text("买过商品的订单数", "orders with products"),
        "count",
        "count(DISTINCT l.order_id)",
        ORDERS,
        deed=Text("买过商品", "bought products"),
    ),
    _lines(
        "goods_units",
        Text("购买件数", "pieces bought"),
        "count",
        "sum(l.quantity)",
        PIECES,
        deed=Text("买过商品", "bought products"),
    ),
    _lines("goods_amount", Text("商品消费金额", "spending on products"), "amount", "sum(l.amount)", YUAN),
    _lines(
        "goods_price",
        Text("平均单价", "average unit price"),
        "money",
        "sum(l.amount)::numeric / nullif(sum(l.quantity), 0)",
        YUAN,
        integral=False,
        ratio=("goods_amount", "goods_units"),
    ),
    _lines(
        "goods_products",
        Text("买过的商品种数", "different products bought"),
        "count",
        "count(DISTINCT l.product_id)",
        KINDS,
        deed=Text("买过商品", "bought products"),
    ),
    _end("goods_first_at", "首次购买", "first purchase", "min"),
    _end("goods_last_at", "最近购买", "last purchase", "max"),
)
