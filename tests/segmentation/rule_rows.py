"""The rows a condition looks at, in plain Python: windows by local dates, filters, anchors, sequences."""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
Person = dict[str, Any]
Asked = dict[str, Any]
# How somebody is now: only a window looks at when that came to be.
PRESENT = {"tag", "community", "consent", "consent_service", "consent_withdrawn", "blocked"}


# -- Rows ------------------------------------------------------------------------------------------
def orders(c: Asked, person: Person, as_of: datetime) -> list[Any]:
    rows = [row for row in person["orders"] if row["status"] == 1 and (not c.get("of") or row["channel_id"] in c["of"])]
    return [row for row in rows if within(row["placed_at"], c, person, as_of) and passes(row, c)]


def lines(c: Asked, person: Person, as_of: datetime) -> list[Any]:
    what = c["fact"].split("_")[0]
    rows = [row for row in person["lines"] if what == "goods" or row[what] in c["of"]]
    return [row for row in rows if within(row["placed_at"], c, person, as_of) and passes(row, c)]


def events(c: Asked, person: Person, as_of: datetime) -> list[Any]:
    rows = [row for row in person["events"] if not c.get("of") or row["kind"] in c["of"]]
    return [row for row in rows if within(row["occurred_at"], c, person, as_of) and passes(row, c)]


def messages(c: Asked, person: Person, as_of: datetime, at: str) -> list[Any]:
    rows = [row for row in person["messages"] if row[at] and (not c.get("of") or row["sender"] in c["of"])]
    return [row for row in rows if within(row[at], c, person, as_of) and passes(row, c)]


def happenings(person: Person, of: list[str], as_of: datetime) -> list[datetime]:
    """When any of these happened, up to the end of the day."""
    found = [row["occurred_at"] for row in person["events"] if row["kind"] in of]
    found += [row["placed_at"] for row in person["orders"] if "$order" in of and row["status"] == 1]
    for name in ("sent", "opened", "clicked"):
        found += [row[f"{name}_at"] for row in person["messages"] if f"${name}" in of and row[f"{name}_at"]]
    return [at for at in found if at.astimezone(ZONE).date() <= as_of.astimezone(ZONE).date()]


# -- Filters ---------------------------------------------------------------------------------------
def passes(row: Any, c: Asked) -> bool:
    return all(_passes(row, where) for where in c.get("where") or [])


def _passes(row: Any, where: dict[str, Any]) -> bool:
    op, value = where["op"], where.get("value")
    if op in ("not_in", "is_not", "unknown"):
        return not _passes(row, {**where, "op": {"not_in": "in", "is_not": "is", "unknown": "known"}[op]})
    if where["field"] == "property":
        return _property(row["properties"].get(where["name"]), op, value)
    found = row["facets"][where["field"]]
    if op in ("yes", "no"):
        return bool(found) == (op == "yes")
    if op == "in":
        return bool(found & set(value)) if isinstance(found, set) else found in value
    return compared(found, op, value)


def _property(found: Any, op: str, value: Any) -> bool:
    text = None if found is None else str(found).lower() if isinstance(found, bool) else str(found)
    if op in ("yes", "no"):
        return text == ("true" if op == "yes" else "false")
    if op == "known":
        return text not in (None, "")
    if text is None:
        return False
    if op in ("is", "contains", "in"):
        low = text.lower()
        return text in value if op == "in" else low == value.lower() if op == "is" else value.lower() in low
    return compared(float(text) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", text) else None, op, value)


def compared(found: Any, op: str, value: Any) -> bool:
    if found is None:
        return False
    if op == "between":
        return bool(value[0] <= found <= value[1])
    return bool(
        {"gte": found >= value, "gt": found > value, "lte": found <= value, "lt": found < value, "eq": found == value}[op]
    )


# -- Windows, by local dates -----------------------------------------------------------------------
def within(at: datetime, c: Asked, person: Person, as_of: datetime) -> bool:
    if "window" not in c:
        return c["fact"] in PRESENT or at.astimezone(ZONE).date() <= as_of.astimezone(ZONE).date()
    return after(at, c["window"], person, as_of) if "since" in c["window"] else inside(at, c, as_of)


def after(at: datetime, window: dict[str, Any], person: Person, as_of: datetime) -> bool:
    start = begun(window, person, as_of)
    if start is None or at <= start or at.astimezone(ZONE).date() > as_of.astimezone(ZONE).date():
        return False
    return "days" not in window or at <= start + timedelta(days=window["days"])


def begun(window: dict[str, Any], person: Person, as_of: datetime) -> datetime | None:
    """When the event happened that a window begins with."""
    which, _, what = window["since"].partition("_")
    if what == "":
        found = person["member"]["joined_at"]
        return found if isinstance(found, datetime) else None
    if window["since"] == "stage_change":
        at = [row["at"] for row in person["changes"] if row["kind"] == 1]
        at = [each for each in at if each.astimezone(ZONE).date() <= as_of.astimezone(ZONE).date()]
        return max(at, default=None)
    names = {"order": ["$order"], "event": window.get("of", []), "message": ["$sent"], "open": ["$opened"], "click": ["$clicked"]}
    return (min if which == "first" else max)(happenings(person, names[what], as_of), default=None)


def inside(at: datetime, c: Asked, as_of: datetime) -> bool:
    window, ahead = c["window"], c["fact"] == "stage_due"
    if window.get("unit") == "hours":
        end = as_of.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return end - timedelta(hours=window["last"]) <= at < end
    day, today = at.astimezone(ZONE).date(), as_of.astimezone(ZONE).date()
    return (ahead or day <= today) and holds(day, window, today)


def holds(day: date, window: dict[str, Any], today: date) -> bool:
    if "last" in window:
        return back(today, window["last"], window["unit"]) <= day <= today
    if "next" in window:
        return today <= day <= back(today, -window["next"], window["unit"])
    if "ago" in window:
        return min(window["ago"]) <= (today - day).days <= max(window["ago"])
    if "period" in window:
        return period(day, window["period"], today)
    return (not window.get("from") or day >= date.fromisoformat(window["from"])) and (
        not window.get("to") or day <= date.fromisoformat(window["to"])
    )


def coming(first: date, c: Asked, as_of: datetime) -> bool:
    """Whether an anniversary (the first is a year later) falls into the window; open windows have them all."""
    window, today = c["window"], as_of.astimezone(ZONE).date()
    if ("from" in window) != ("to" in window):
        return True
    if window.get("unit") == "hours":
        end = as_of.replace(second=0, microsecond=0) + timedelta(minutes=1)
        days = [
            (end - timedelta(hours=window["last"])).astimezone(ZONE).date(),
            (end - timedelta(seconds=1)).astimezone(ZONE).date(),
        ]
        return any(days[0] <= each <= days[1] for each in kept(first))
    return any(holds(each, window, today) for each in kept(first))


def kept(first: date) -> list[date]:
    """The days an anniversary is kept on."""
    years = range(first.year + 1, 2040)
    return [date(year, first.month, min(first.day, monthrange(year, first.month)[1])) for year in years]


def back(today: date, n: int, unit: str) -> date:
    if unit != "months":
        return today - timedelta(days=n * (7 if unit == "weeks" else 1))
    year, month0 = divmod(today.year * 12 + today.month - 1 - n, 12)
    return date(year, month0 + 1, min(today.day, monthrange(year, month0 + 1)[1]))


def period(day: date, name: str, today: date) -> bool:
    if name in ("today", "yesterday", "tomorrow"):
        return (today - day).days == {"today": 0, "yesterday": 1, "tomorrow": -1}[name]
    which, size = name.split("_")
    shift = {"last": -1, "this": 0, "next": 1}[which]
    if size == "week":
        return (today + timedelta(days=7 * shift)).isocalendar()[:2] == day.isocalendar()[:2]
    index = {
        "month": lambda d: d.year * 12 + d.month,
        "quarter": lambda d: d.year * 4 + (d.month + 2) // 3,
        "year": lambda d: d.year,
    }[size]
    return bool(index(day) == index(today) + shift)
