"""What values of facts are made of, for the oracle: rows of a kind inside a window, in plain Python."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from tests.segmentation.rule_rows import ZONE, Person, happenings, passes, within

Value = Callable[[dict[str, Any], Person, datetime], Any]


def today(as_of: datetime) -> date:
    return as_of.astimezone(ZONE).date()


def day(at: datetime | None) -> date | None:
    return at.astimezone(ZONE).date() if at else None


def days_since(day: date | None, as_of: datetime) -> int | None:
    return None if day is None else (today(as_of) - day).days


def fixed(name: str) -> Value:
    return lambda c, person, as_of: person[name]


def timed(name: str, value: str, at: str = "at") -> Value:
    """A set of what has a row in the window."""

    def found(c: dict[str, Any], person: Person, as_of: datetime) -> set[Any]:
        return {row[value] for row in person[name] if within(row[at], c, person, as_of)}

    return found


def counted(name: str, at: str, of: str = "", only: Callable[[Any], bool] = bool) -> Value:
    """How many rows, of some kind, in the window."""

    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        rows = [row for row in person[name] if only(row) and (not c.get("of") or row[of] in c["of"])]
        return sum(within(row[at], c, person, as_of) and passes(row, c) for row in rows)

    return found


def ends(rows: Callable[..., list[Any]], at: str, pick: Any) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
        mine = {name: value for name, value in c.items() if name != "window"}
        return pick((row[at] for row in rows(mine, person, as_of) if day(row[at]) <= today(as_of)), default=None)

    return found


def follows(c: dict[str, Any], person: Person, at: datetime, of: list[str], as_of: datetime) -> bool:
    return any(at < then <= at + time(c) for then in happenings(person, of, as_of))


def time(c: dict[str, Any]) -> timedelta:
    return timedelta(**{c["then"].get("unit", "days"): c["then"]["within"]})
