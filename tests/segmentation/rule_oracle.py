"""What a rule means, in plain Python over plain rows: no SQL, no bitmaps, no normal forms.

A world is {member id: {"member": row, "state": row or None, "orders": [...], …}}.
"""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
Person = dict[str, Any]


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
        return found is not None and _inside(found, c["window"], as_of)
    if op == "known":
        return found not in (None, "")
    if op == "in":
        return found in value
    if op in ("is", "contains", "starts_with"):
        low, needle = found.lower(), value.lower()
        return {"is": low == needle, "contains": needle in low, "starts_with": low.startswith(needle)}[op]
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
    key, member, state = c["fact"], person["member"], person["state"] or {}
    if key in ("name", "gender", "province", "city", "status", "joined_at"):
        return member[key]
    if key == "channel":
        return member["channel_id"]
    if key == "birthday_month":
        return member["birthday"].month if member["birthday"] else None
    if key == "age":
        return _age(member["birthday"], as_of.astimezone(ZONE).date())
    if key == "birthday_in":
        return _to_birthday(member["birthday"], as_of.astimezone(ZONE).date())
    if key == "attribute":
        found = member["attributes"].get(c["of"][0])
        return "" if found is None else found if isinstance(found, str) else str(found)
    if key == "attribute_number":
        return _number(member["attributes"].get(c["of"][0]))
    if key in ("r_score", "f_score", "m_score"):
        return state.get(key[0])
    if key in ("rfm_group", "interval_days", "first_order_at", "last_order_at"):
        return state.get(key)
    if key in ("stage", "order_count", "amount_total"):
        return state.get(key, 0)
    if key == "aov":
        return state["amount_total"] // state["order_count"] if state.get("order_count") else None
    return _rows(c, person, as_of)


def _rows(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
    key, of = c["fact"], c.get("of")
    if key in ("identity", "consent", "reachable"):
        return person[key]
    if key == "tag":
        return {row["tag_id"] for row in person["tags"] if _within(row["at"], c, as_of)}
    if key == "store":
        return {row["store"] for row in person["orders"] if row["status"] == 1 and _within(row["placed_at"], c, as_of)}
    if key == "refunds":
        return sum(
            (row["status"] == 2 or row["refunded"] > 0) and _within(row["placed_at"], c, as_of) for row in person["orders"]
        )
    if key in ("orders", "order_amount", "order_aov", "discounted_orders"):
        return _orders(c, person, as_of)
    if key in ("events", "active_days"):
        rows = [row for row in person["events"] if (not of or row["kind"] in of) and _within(row["occurred_at"], c, as_of)]
        return len({row["occurred_at"].astimezone(ZONE).date() for row in rows}) if key == "active_days" else len(rows)
    if key == "stage_changes":
        return sum(
            row["kind"] == 1 and (not of or row["to_code"] in of) and _within(row["at"], c, as_of) for row in person["changes"]
        )
    if key.startswith("messages_"):
        at = {"messages_sent": "sent_at", "messages_opened": "opened_at", "messages_clicked": "clicked_at"}[key]
        mine = [row for row in person["messages"] if row[at] and (not of or row["sender"] in of)]
        return sum(_within(row[at], c, as_of) for row in mine)
    lines = [row for row in person["lines"] if row[key.split("_")[0]] in of and _within(row["placed_at"], c, as_of)]
    return len({row["order_id"] for row in lines}) if key.endswith("orders") else sum(row["amount"] for row in lines)


def _orders(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
    of = c.get("of")
    rows = [row for row in person["orders"] if row["status"] == 1 and (not of or row["channel_id"] in of)]
    rows = [row for row in rows if _within(row["placed_at"], c, as_of)]
    if c["fact"] == "orders":
        return len(rows)
    if c["fact"] == "discounted_orders":
        return sum(row["discount"] > 0 for row in rows)
    spent = sum(row["amount"] - row["refunded"] for row in rows)
    return spent if c["fact"] == "order_amount" else Fraction(spent, len(rows)) if rows else None


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


# -- Windows, by local dates -----------------------------------------------------------------------
def _within(at: datetime, c: dict[str, Any], as_of: datetime) -> bool:
    return "window" not in c or _inside(at, c["window"], as_of)


def _inside(at: datetime, window: dict[str, Any], as_of: datetime) -> bool:
    if window.get("unit") == "hours":
        end = as_of.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return end - timedelta(hours=window["last"]) <= at < end
    day, today = at.astimezone(ZONE).date(), as_of.astimezone(ZONE).date()
    if day > today:
        return False
    if "last" in window:
        return day >= _back(today, window["last"], window["unit"])
    if "ago" in window:
        return min(window["ago"]) <= (today - day).days <= max(window["ago"])
    if "period" in window:
        return _period(day, window["period"], today)
    return (not window.get("from") or day >= date.fromisoformat(window["from"])) and (
        not window.get("to") or day <= date.fromisoformat(window["to"])
    )


def _back(today: date, n: int, unit: str) -> date:
    if unit != "months":
        return today - timedelta(days=n * (7 if unit == "weeks" else 1))
    year, month = today.year, today.month - n
    while month < 1:
        year, month = year - 1, month + 12
    return date(year, month, min(today.day, monthrange(year, month)[1]))


def _period(day: date, period: str, today: date) -> bool:
    if period in ("today", "yesterday"):
        return (today - day).days == (period == "yesterday")
    which, size = period.split("_")
    back = which == "last"
    if size == "week":
        return (today.isocalendar()[:2] if not back else (today - timedelta(days=7)).isocalendar()[:2]) == day.isocalendar()[:2]
    index = {
        "month": lambda d: d.year * 12 + d.month,
        "quarter": lambda d: d.year * 4 + (d.month + 2) // 3,
        "year": lambda d: d.year,
    }[size]
    return bool(index(day) == index(today) - back)
