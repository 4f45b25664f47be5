"""What a rule means, in plain Python over plain rows: no SQL, no bitmaps, no normal forms.

`VALUES` names every fact; one that is missing fails a test. A world is {member id: {"member": row, "state": row or None, …}}.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.segmentation.rule_rows import (
    ZONE,
    Person,
    coming,
    events,
    happenings,
    inside,
    lines,
    messages,
    orders,
    passes,
    within,
)


def selects(node: dict[str, Any], person: Person, as_of: datetime) -> bool:
    """Whether a rule (as JSON) selects somebody."""
    if "all" in node:
        return all(selects(child, person, as_of) for child in node["all"])
    if "any" in node:
        return any(selects(child, person, as_of) for child in node["any"])
    if "not" in node:
        return not selects(node["not"], person, as_of)
    return _holds(node, person, as_of)


def _holds(c: dict[str, Any], person: Person, as_of: datetime) -> bool:
    found, op, value = _value(c, person, as_of), c["op"], c.get("value")
    negative = {
        "not_in": "in",
        "is_not": "is",
        "not_contains": "contains",
        "unknown": "known",
        "none": "any",
        "not_within": "within",
    }
    if op in negative:
        return not _holds({**c, "op": negative[op]}, person, as_of)
    if op == "within":
        return found is not None and (coming if c["fact"] in YEARLY else inside)(found, c, as_of)
    if op == "known":
        return found not in (None, "")
    if op == "in":
        return found in value
    if op in ("is", "contains", "starts_with"):
        low, needle = found.lower(), value.lower()
        return {"is": low == needle, "contains": needle in low, "starts_with": low.startswith(needle)}[op]
    if op == "share":
        return bool(found < round(value * 10_000))
    if op == "all":
        return set(value) <= found
    if op == "any":
        return bool(found & set(value)) if isinstance(found, set) else found >= 1
    if found is None:
        return False
    if op == "between":
        return value[0] <= found <= value[1]
    return {"gte": found >= value, "gt": found > value, "lte": found <= value, "lt": found < value, "eq": found == value}[op]


def _value(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
    return VALUES[c["fact"]](c, person, as_of)


Value = Callable[[dict[str, Any], Person, datetime], Any]
YEARLY = {"birthday", "anniversary", "first_order_anniversary"}


def _today(as_of: datetime) -> date:
    return as_of.astimezone(ZONE).date()


def _day(at: datetime | None) -> date | None:
    return at.astimezone(ZONE).date() if at else None


def _column(name: str) -> Value:
    return lambda c, person, as_of: person["member"][name]


def _known(name: str) -> Value:
    return lambda c, person, as_of: person["member"][name] or None


def _of_state(name: str, absent: Any = None) -> Value:
    return lambda c, person, as_of: (person["state"] or {}).get(name, absent)


def _foretold(key: str, value: Callable[[dict[str, Any]], Any]) -> Value:
    """What a model says; nothing where it has no answer."""

    def found(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
        row = person["predictions"].get(key)
        return value(row) if row and row["value"] is not None else None

    return found


def _chance(person: Person) -> Any:
    row = person["predictions"].get("purchases")
    return row["more"][1] * 100 if row and row["more"] else None


# What the codes of models mean.
ITEMS: dict[str, list[str]] = {"category": ["奶粉", "';DROP TABLE members_member;--", "尿布"], "clusters": ["常客", "新客"]}


def _likeliest(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
    row = person["predictions"].get("category")
    return ITEMS["category"][row["code"]] if row and row["code"] is not None else None


def _category_chance(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
    row = person["predictions"].get("category")
    if not row or not row["more"]:
        return None
    return max((100 * row["more"][n] for n, name in enumerate(ITEMS["category"]) if name in c["of"]), default=None)


def _resemblance(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
    rows = [person["predictions"].get(f"lookalike:{n}") for n in c["of"]]
    return max((row["percentile"] for row in rows if row and row["percentile"] is not None), default=None)


def _wait(person: Person, as_of: datetime) -> Any:
    row = person["predictions"].get("next")
    if row is None or row["value"] is None:
        return None
    return row["value"] - (_today(as_of) - _day(row["scored_as_of"])).days


def _fixed(name: str) -> Value:
    return lambda c, person, as_of: person[name]


def _timed(name: str, value: str, at: str = "at") -> Value:
    """A set of what has a row in the window."""

    def found(c: dict[str, Any], person: Person, as_of: datetime) -> set[Any]:
        return {row[value] for row in person[name] if within(row[at], c, person, as_of)}

    return found


def _counted(name: str, at: str, of: str = "", only: Callable[[Any], bool] = bool) -> Value:
    """How many rows, of some kind, in the window."""

    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        rows = [row for row in person[name] if only(row) and (not c.get("of") or row[of] in c["of"])]
        return sum(within(row[at], c, person, as_of) and passes(row, c) for row in rows)

    return found


def _attribute(c: dict[str, Any], person: Person, as_of: datetime) -> str:
    found = person["member"]["attributes"].get(c["of"][0])
    return "" if found is None else found if isinstance(found, str) else str(found)


def _days_since(day: date | None, as_of: datetime) -> int | None:
    return None if day is None else (_today(as_of) - day).days


def _aov(c: dict[str, Any], person: Person, as_of: datetime) -> int | None:
    state = person["state"] or {}
    return state["amount_total"] // state["order_count"] if state.get("order_count") else None


def _spent(c: dict[str, Any], person: Person, as_of: datetime) -> int:
    return sum(row["net"] for row in orders(c, person, as_of))


def _mean(c: dict[str, Any], person: Person, as_of: datetime) -> Fraction | None:
    found = orders(c, person, as_of)
    return Fraction(sum(row["net"] for row in found), len(found)) if found else None


def _share(c: dict[str, Any], person: Person, as_of: datetime) -> Fraction | None:
    found = orders({**c, "where": []}, person, as_of)
    return Fraction(100 * sum(passes(row, c) for row in found), len(found)) if found else None


def _ends(rows: Callable[..., list[Any]], at: str, pick: Any) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
        mine = {name: value for name, value in c.items() if name != "window"}
        return pick((row[at] for row in rows(mine, person, as_of) if _day(row[at]) <= _today(as_of)), default=None)

    return found


def _refunds(c: dict[str, Any], person: Person, as_of: datetime) -> int:
    rows = [row for row in person["orders"] if row["status"] == 2 or row["refunded"] > 0]
    return sum(within(row["placed_at"], c, person, as_of) and passes(row, c) for row in rows)


def _price(c: dict[str, Any], person: Person, as_of: datetime) -> Fraction | None:
    found = lines(c, person, as_of)
    units = sum(row["quantity"] for row in found)
    return Fraction(sum(row["amount"] for row in found), units) if units else None


def _followed(*, wanted: bool) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        firsts = [at for at in happenings(person, c["of"], as_of) if within(at, c, person, as_of)]
        return sum(_follows(c, person, at, c["then"]["of"], as_of) == wanted for at in firsts if wanted or _over(c, at, as_of))

    return found


def _follows(c: dict[str, Any], person: Person, at: datetime, of: list[str], as_of: datetime) -> bool:
    return any(at < then <= at + _time(c) for then in happenings(person, of, as_of))


def _over(c: dict[str, Any], at: datetime, as_of: datetime) -> bool:
    return at + _time(c) <= as_of.replace(second=0, microsecond=0)


def _time(c: dict[str, Any]) -> timedelta:
    return timedelta(**{c["then"].get("unit", "days"): c["then"]["within"]})


def _messages(at: str, only: Callable[[Any], bool] = bool) -> Value:
    return lambda c, person, as_of: len([row for row in messages(c, person, as_of, at) if only(row)])


def _converted(c: dict[str, Any], person: Person, as_of: datetime) -> int:
    return sum(_follows(c, person, row["sent_at"], ["$order"], as_of) for row in messages(c, person, as_of, "sent_at"))


def _points(sign: int, kinds: set[str], only: Callable[[int], bool]) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        rows = [row for row in person["entries"] if row["kind"] in kinds and only(row["amount"]) and passes(row, c)]
        return sign * sum(row["amount"] for row in rows if within(row["at"], c, person, as_of))

    return found


def _took_part(at: str, only: Callable[[Any, Person], bool]) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        rows = [row for row in person["parts"] if row[at] and (not c.get("of") or row["campaign"] in c["of"]) and passes(row, c)]
        return sum(within(row[at], c, person, as_of) and only(row, person) for row in rows)

    return found


def _reached_goal(row: Any, person: Person) -> bool:
    end = row["entered_at"] + timedelta(days=row["goal_days"])
    paid = [order for order in person["orders"] if order["status"] == 1 and order["net"] > 0]
    return any(row["entered_at"] <= order["placed_at"] < end for order in paid)


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


def _consented(name: str) -> Value:
    return _timed(name, "carrier")


VALUES: dict[str, Value] = {
    **{name: _column(name) for name in ("name", "gender", "status", "joined_at", "birthday")},
    **{name: _known(name) for name in ("province", "city")},
    "channel": _column("channel_id"),
    "owner": _column("owner_id"),
    "home_store": _column("store_id"),
    "birthday_month": lambda c, person, as_of: person["member"]["birthday"].month if person["member"]["birthday"] else None,
    "age": lambda c, person, as_of: _age(person["member"]["birthday"], _today(as_of)),
    "birthday_in": lambda c, person, as_of: _to_birthday(person["member"]["birthday"], _today(as_of)),
    "member_days": lambda c, person, as_of: _days_since(_day(person["member"]["joined_at"]), as_of),
    "anniversary": lambda c, person, as_of: _day(person["member"]["joined_at"]),
    "attribute": _attribute,
    "attribute_number": lambda c, person, as_of: _number(person["member"]["attributes"].get(c["of"][0])),
    "owner_changes": _counted("owner_changes", "at", "to_user_id"),
    "identity": _fixed("identity"),
    "tag": _timed("tags", "tag_id"),
    "community": _timed("stays", "community_id", "joined_at"),
    "community_left": _timed("leavings", "community_id", "left_at"),
    "community_messages": _counted("spoken", "at", "community_id"),
    "segment": _fixed("segments"),
    "sample": _fixed("lot"),
    "member": lambda c, person, as_of: {person["member"]["id"]},
    **{f"{letter}_score": _of_state(letter) for letter in "rfm"},
    "churn_chance": _foretold("churn", lambda row: row["value"] * 100),
    "halving_chance": _foretold("halving", lambda row: row["value"] * 100),
    "expected_purchases": _foretold("purchases", lambda row: row["value"]),
    "buying_chance": lambda c, person, as_of: _chance(person),
    "expected_spending": _foretold("ltv", lambda row: round(row["value"])),  # whole minor units, as rules ask for them
    "next_purchase_in": lambda c, person, as_of: _wait(person, as_of),
    **{
        f"{key}_percentile": _foretold(key, lambda row: row["percentile"])
        for key in ("churn", "halving", "purchases", "ltv", "coupon")
    },
    "coupon_chance": _foretold("coupon", lambda row: row["value"] * 100),
    "likely_category": _likeliest,
    "category_chance": _category_chance,
    "behaviour_group": _foretold("clusters", lambda row: row["code"]),
    "lookalike_percentile": _resemblance,
    **{name: _of_state(name) for name in ("rfm_group", "interval_days", "first_order_at", "last_order_at", "stage_due")},
    "lead_stage": _of_state("lead"),
    **{name: _of_state(name, 0) for name in ("stage", "order_count", "amount_total")},
    "aov": _aov,
    "first_order_anniversary": lambda c, person, as_of: _day((person["state"] or {}).get("first_order_at")),
    "order_days_ago": lambda c, person, as_of: _days_since(_day((person["state"] or {}).get("last_order_at")), as_of),
    "stage_changes": _counted("changes", "at", "to_code", lambda row: row["kind"] == 1),
    "rfm_changes": _counted("changes", "at", "to_code", lambda row: row["kind"] == 2),
    "orders": lambda c, person, as_of: len(orders(c, person, as_of)),
    "order_amount": _spent,
    "order_aov": _mean,
    "order_max": lambda c, person, as_of: max((row["net"] for row in orders(c, person, as_of)), default=None),
    "order_days": lambda c, person, as_of: len({_day(row["placed_at"]) for row in orders(c, person, as_of)}),
    "order_share": _share,
    "discounted_orders": lambda c, person, as_of: sum(row["discount"] > 0 for row in orders(c, person, as_of)),
    "order_first_at": _ends(orders, "placed_at", min),
    "order_last_at": _ends(orders, "placed_at", max),
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
    "goods_first_at": _ends(lines, "placed_at", min),
    "goods_last_at": _ends(lines, "placed_at", max),
    "events": lambda c, person, as_of: len(events(c, person, as_of)),
    "active_days": lambda c, person, as_of: len({_day(row["occurred_at"]) for row in events(c, person, as_of)}),
    "event_first_at": _ends(events, "occurred_at", min),
    "event_last_at": _ends(events, "occurred_at", max),
    "sequence": _followed(wanted=True),
    "abandoned": _followed(wanted=False),
    "reachable": _fixed("reachable"),
    "consent": _consented("agreed"),
    "consent_service": _consented("served"),
    "consent_withdrawn": _consented("refused"),
    "blocked": _timed("blocks", "carrier"),
    "messages_sent": _messages("sent_at"),
    "messages_opened": _messages("opened_at"),
    "messages_clicked": _messages("clicked_at"),
    "messages_unopened": _messages("sent_at", lambda row: not row["opened_at"] and not row["clicked_at"]),
    "messages_failed": _messages("failed_at"),
    "messages_suppressed": _messages("next_at", lambda row: row["status"] == 95),
    "messages_converted": _converted,
    **{
        f"message_{what}_at": _ends(lambda c, person, as_of, at=f"{what}_at": messages(c, person, as_of, at), f"{what}_at", max)
        for what in ("sent", "opened", "clicked")
    },
    "points": lambda c, person, as_of: max(person["position"], 0),
    "points_debt": lambda c, person, as_of: max(-person["position"], 0),
    "points_earned": _points(1, {"earn", "adjust", "clawback", "spend", "merge"}, lambda amount: amount > 0),
    "points_spent": _points(-1, {"spend"}, lambda amount: True),
    "campaign_entered": _took_part("entered_at", lambda row, person: True),
    "campaign_converted": _took_part("entered_at", _reached_goal),
    "coupon_redeemed": _took_part("redeemed_at", lambda row, person: True),
}


def _number(found: Any) -> float | None:
    """Plain decimals count, also as text; anything else is no number."""
    plain = not isinstance(found, bool) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", str(found))
    return float(found) if plain else None


def _age(born: date | None, today: date) -> int | None:
    return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _to_birthday(born: date | None, today: date) -> int | None:
    if born is None:
        return None
    for year in (today.year, today.year + 1):
        day = min(born.day, monthrange(year, born.month)[1])
        if (kept := date(year, born.month, day)) >= today:
            return (kept - today).days
    raise AssertionError
