"""What facts of the person mean: profile, tags and communities, state, predictions."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from tests.segmentation.rule_rows import Person
from tests.segmentation.rule_values import Value, counted, day, days_since, fixed, timed, today


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
HABITS = ("promotion", "novelty", "activity")  # of three kinds each


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
    return row["value"] - (today(as_of) - day(row["scored_as_of"])).days


def _attribute(c: dict[str, Any], person: Person, as_of: datetime) -> str:
    found = person["member"]["attributes"].get(c["of"][0])
    return "" if found is None else found if isinstance(found, str) else str(found)


def _aov(c: dict[str, Any], person: Person, as_of: datetime) -> int | None:
    state = person["state"] or {}
    return state["amount_total"] // state["order_count"] if state.get("order_count") else None


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


VALUES: dict[str, Value] = {
    **{name: _column(name) for name in ("name", "gender", "status", "joined_at", "birthday")},
    **{name: _known(name) for name in ("province", "city")},
    "channel": _column("channel_id"),
    "owner": _column("owner_id"),
    "home_store": _column("store_id"),
    "birthday_month": lambda c, person, as_of: person["member"]["birthday"].month if person["member"]["birthday"] else None,
    "age": lambda c, person, as_of: _age(person["member"]["birthday"], today(as_of)),
    "birthday_in": lambda c, person, as_of: _to_birthday(person["member"]["birthday"], today(as_of)),
    "member_days": lambda c, person, as_of: days_since(day(person["member"]["joined_at"]), as_of),
    "anniversary": lambda c, person, as_of: day(person["member"]["joined_at"]),
    "attribute": _attribute,
    "attribute_number": lambda c, person, as_of: _number(person["member"]["attributes"].get(c["of"][0])),
    "owner_changes": counted("owner_changes", "at", "to_user_id"),
    "identity": fixed("identity"),
    "tag": timed("tags", "tag_id"),
    "community": timed("stays", "community_id", "joined_at"),
    "community_left": timed("leavings", "community_id", "left_at"),
    "community_messages": counted("spoken", "at", "community_id"),
    "segment": fixed("segments"),
    "sample": fixed("lot"),
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
        for key in ("churn", "halving", "purchases", "ltv", "coupon", *HABITS)
    },
    "coupon_chance": _foretold("coupon", lambda row: row["value"] * 100),
    **{f"{key}_share": _foretold(key, lambda row: row["value"] * 100) for key in HABITS},
    **{f"{key}_kind": _foretold(key, lambda row: row["code"]) for key in HABITS},
    "likely_category": _likeliest,
    "category_chance": _category_chance,
    "behaviour_group": _foretold("clusters", lambda row: row["code"]),
    "lookalike_percentile": _resemblance,
    **{name: _of_state(name) for name in ("rfm_group", "interval_days", "first_order_at", "last_order_at", "stage_due")},
    "lead_stage": _of_state("lead"),
    **{name: _of_state(name, 0) for name in ("stage", "order_count", "amount_total")},
    "aov": _aov,
    "first_order_anniversary": lambda c, person, as_of: day((person["state"] or {}).get("first_order_at")),
    "order_days_ago": lambda c, person, as_of: days_since(day((person["state"] or {}).get("last_order_at")), as_of),
    "stage_changes": counted("changes", "at", "to_code", lambda row: row["kind"] == 1),
    "rfm_changes": counted("changes", "at", "to_code", lambda row: row["kind"] == 2),
}
