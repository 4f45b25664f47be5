"""Facts of habits: how wide, how loyal, how dear, how new, how discounted somebody buys, in any window."""

from typing import Any

from segmentation.rules.catalog import Fact, Kind, Text, declare
from segmentation.rules.filters import LINES as FILTERS

BOUGHT = (
    "SELECT l.member_id AS id FROM members_orderline l"
    " JOIN members_order o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1{window}"
    " JOIN members_product p ON p.id = l.product_id AND p.pool_id = %(pool)s"
)
KINDS = BOUGHT + " WHERE l.pool_id = %(pool)s AND p.category <> '' GROUP BY l.member_id HAVING {test}"
# The largest part of somebody's money that one brand, one category got.
LARGEST = (
    "SELECT member_id AS id FROM (SELECT l.member_id, sum(l.amount) AS spent FROM members_orderline l"
    " JOIN members_order o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1{window}"
    " JOIN members_product p ON p.id = l.product_id AND p.pool_id = %(pool)s"
    " WHERE l.pool_id = %(pool)s AND p.{column} <> '' GROUP BY l.member_id, p.{column}) AS part"
    " GROUP BY member_id HAVING sum(spent) > 0 AND {test}"
)
# Against what everybody paid for a piece of the same subcategory in the same window.
PRICES = (
    "SELECT q.product_id, sum(sum(q.amount)) OVER kind / nullif(sum(sum(q.quantity)) OVER kind, 0)::numeric AS usual"
    " FROM members_orderline q"
    " JOIN members_order o ON o.member_id = q.member_id AND o.id = q.order_id AND o.status = 1{window}"
    " JOIN members_product k ON k.id = q.product_id AND k.pool_id = %(pool)s AND k.subcategory <> ''"
    " WHERE q.pool_id = %(pool)s AND q.quantity > 0"
    " GROUP BY q.product_id, k.subcategory WINDOW kind AS (PARTITION BY k.subcategory)"
)
INDEX = (
    "SELECT l.member_id AS id FROM members_orderline l"
    " JOIN members_order o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1{window}"
    " JOIN ({prices}) AS price ON price.product_id = l.product_id"
    " WHERE l.pool_id = %(pool)s AND l.quantity > 0{where}"
    " GROUP BY l.member_id HAVING sum(l.quantity * price.usual) > 0 AND {test}"
).replace("{prices}", PRICES)
# New is what the pool first sold at most sixty days before it was bought, and not from its first sixty days on.
NEW = (
    "SELECT l.member_id AS id FROM members_orderline l"
    " JOIN members_order o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1{window}"
    " JOIN (SELECT q.product_id, min(o.placed_at) AS began, min(min(o.placed_at)) OVER () AS opened FROM members_orderline q"
    " JOIN members_order o ON o.member_id = q.member_id AND o.id = q.order_id AND o.status = 1"
    " WHERE q.pool_id = %(pool)s GROUP BY q.product_id) AS first ON first.product_id = l.product_id"
    " WHERE l.pool_id = %(pool)s GROUP BY l.member_id HAVING {test}"
)
FRESH = "first.began > first.opened + interval '60 days' AND o.placed_at < first.began + interval '60 days'"
DISCOUNT = (
    "SELECT o.member_id AS id FROM members_order o WHERE o.pool_id = %(pool)s AND o.status = 1{window}"
    " GROUP BY o.member_id HAVING sum(o.amount + o.discount) > 0 AND {test}"
)
PERCENT, PIECES = Text("%", "%"), Text("个", "categories")


def _habit(key: str, label: Text, measure: str, sql: str, kind: Kind = "number", **more: Any) -> Fact:
    made: dict[str, Any] = {"time": "o.placed_at", "unit": PERCENT, "absent": None}
    return Fact(key, label, "goods", kind, ("orders",), sql, measure, **(made | more))


declare(
    _habit(
        "goods_categories",
        Text("买过的品类数", "different categories bought"),
        "count(DISTINCT p.category)",
        KINDS,
        "count",
        unit=PIECES,
        absent=0,
        deed=Text("买过有品类的商品", "bought products with a category"),
    ),
    _habit(
        "top_brand_share",
        Text("第一品牌占比", "share of the favourite brand"),
        "floor(100 * max(spent) / sum(spent))::bigint",
        LARGEST.replace("{column}", "brand"),
        note=Text("花钱最多的品牌占全部商品消费的百分比", "Percent of the money for products that the favourite brand got"),
    ),
    _habit(
        "top_category_share",
        Text("第一品类占比", "share of the favourite category"),
        "floor(100 * max(spent) / sum(spent))::bigint",
        LARGEST.replace("{column}", "category"),
        note=Text("花钱最多的品类占全部商品消费的百分比", "Percent of the money for products that the favourite category got"),
    ),
    _habit(
        "price_index",
        Text("价格指数", "price index"),
        "floor(round(100 * sum(l.amount) / sum(l.quantity * price.usual), 6))::bigint",
        INDEX,
        unit=None,
        row="l",
        filters=FILTERS,
        note=Text(
            "同类子品类里，付的单价与大家平均单价之比：100 为平均",
            "What they pay a piece against what everybody pays within the same subcategories: 100 is average",
        ),
    ),
    _habit(
        "new_product_share",
        Text("新品占比", "share of new products"),
        f"count(*) FILTER (WHERE {FRESH}) * 100 / count(*)",
        NEW,
        note=Text("上市 60 天内就买下的商品行占比", "Percent of order lines with a product within sixty days of its first sale"),
    ),
    _habit(
        "discount_share",
        Text("优惠占比", "share of discounts"),
        "floor(100 * sum(o.discount) / sum(o.amount + o.discount))::bigint",
        DISCOUNT,
        note=Text("优惠金额占原价的百分比", "Percent of the original price that discounts took off"),
    ),
)
