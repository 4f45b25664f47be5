"""What facts of orders and products mean, and of the habits they show."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.segmentation.rule_rows import Person, lines, orders, passes, within
from tests.segmentation.rule_values import Value, day, ends


def _spent(c: dict[str, Any], person: Person, as_of: datetime) -> int:
    return sum(row["net"] for row in orders(c, person, as_of))


def _mean(c: dict[str, Any], person: Person, as_of: datetime) -> Fraction | None:
    found = orders(c, person, as_of)
    return Fraction(sum(row["net"] for row in found), len(found)) if found else None


def _share(c: dict[str, Any], person: Person, as_of: datetime) -> Fraction | None:
    found = orders({**c, "where": []}, person, as_of)
    return Fraction(100 * sum(passes(row, c) for row in found), len(found)) if found else None


def _refunds(c: dict[str, Any], person: Person, as_of: datetime) -> int:
    rows = [row for row in person["orders"] if row["status"] == 2 or row["refunded"] > 0]
    return sum(within(row["placed_at"], c, person, as_of) and passes(row, c) for row in rows)


def _price(c: dict[str, Any], person: Person, as_of: datetime) -> Fraction | None:
    found = lines(c, person, as_of)
    units = sum(row["quantity"] for row in found)
    return Fraction(sum(row["amount"] for row in found), units) if units else None


# -- Habits ----------------------------------------------------------------------------------------
def _bought(c: dict[str, Any], person: Person, as_of: datetime) -> list[Any]:
    return [row for row in person["lines"] if within(row["placed_at"], c, person, as_of)]


def _largest(column: str) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int | None:
        parts: dict[str, int] = {}
        for row in _bought(c, person, as_of):
            if row[column]:
                parts[row[column]] = parts.get(row[column], 0) + row["amount"]
        return 100 * max(parts.values()) // sum(parts.values()) if sum(parts.values()) > 0 else None

    return found


def _discounts(c: dict[str, Any], person: Person, as_of: datetime) -> int | None:
    rows = orders(c, person, as_of)
    listed = sum(row["amount"] + row["discount"] for row in rows)
    return 100 * sum(row["discount"] for row in rows) // listed if listed > 0 else None


def _price_index(c: dict[str, Any], person: Person, as_of: datetime) -> int | None:
    """Against what everybody paid a piece within the same subcategories, in the same window."""
    everybody = [row for each in person["everybody"] for row in _bought(c, each, as_of) if row["subcategory"]]
    everybody = [row for row in everybody if row["quantity"] > 0]
    mine = [row for row in _bought(c, person, as_of) if row["quantity"] > 0 and row["subcategory"] and passes(row, c)]
    usual = sum((row["quantity"] * _usual(everybody, row["subcategory"]) for row in mine), Fraction(0))
    return int(Fraction(100 * sum(row["amount"] for row in mine)) / usual) if usual > 0 else None


def _usual(rows: list[Any], subcategory: str) -> Fraction:
    same = [row for row in rows if row["subcategory"] == subcategory]
    return Fraction(sum(row["amount"] for row in same), sum(row["quantity"] for row in same))


def _new(c: dict[str, Any], person: Person, as_of: datetime) -> int | None:
    """New is what the pool first sold at most sixty days before, and not in its own first sixty days."""
    began: dict[int, datetime] = {}
    for row in (row for each in person["everybody"] for row in each["lines"]):
        began[row["product"]] = min(began.get(row["product"], row["placed_at"]), row["placed_at"])
    mine, days = _bought(c, person, as_of), timedelta(days=60)
    opened = min(began.values(), default=as_of)
    fresh = [row for row in mine if began[row["product"]] > opened + days and row["placed_at"] < began[row["product"]] + days]
    return 100 * len(fresh) // len(mine) if mine else None


VALUES: dict[str, Value] = {
    "orders": lambda c, person, as_of: len(orders(c, person, as_of)),
    "order_amount": _spent,
    "order_aov": _mean,
    "order_max": lambda c, person, as_of: max((row["net"] for row in orders(c, person, as_of)), default=None),
    "order_days": lambda c, person, as_of: len({day(row["placed_at"]) for row in orders(c, person, as_of)}),
    "order_share": _share,
    "discounted_orders": lambda c, person, as_of: sum(row["discount"] > 0 for row in orders(c, person, as_of)),
    "order_first_at": ends(orders, "placed_at", min),
    "order_last_at": ends(orders, "placed_at", max),
    "refunds": _refunds,
    "store": lambda c, person, as_of: {row["store"] for row in orders(c, person, as_of)},
    **{
        f"{key}_orders": lambda c, person, as_of: len({row["order_id"] for row in lines(c, person, as_of)})
        for key in ("category", "subcategory", "brand", "product", "goods")
    },
    **{
        f"{key}_amount": lambda c, person, as_of: sum(row["amount"] for row in lines(c, person, as_of))
        for key in ("category", "subcategory", "brand", "product", "goods")
    },
    "goods_units": lambda c, person, as_of: sum(row["quantity"] for row in lines(c, person, as_of)),
    "goods_price": _price,
    "goods_products": lambda c, person, as_of: len({row["product"] for row in lines(c, person, as_of)}),
    "goods_categories": lambda c, person, as_of: len({row["category"] for row in _bought(c, person, as_of)} - {""}),
    "top_brand_share": _largest("brand"),
    "top_category_share": _largest("category"),
    "price_index": _price_index,
    "new_product_share": _new,
    "discount_share": _discounts,
    "goods_first_at": ends(lines, "placed_at", min),
    "goods_last_at": ends(lines, "placed_at", max),
}
