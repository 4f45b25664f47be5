"""What one member does again and again, out of a year of orders and events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from members.models import Channel, Member
from scrm.lib import sql

WINDOW = timedelta(days=365)
MOST = 8


@dataclass(frozen=True)
class Interest:
    """One thing looked for or at: how often, when last, and its share of the most frequent one."""

    what: str
    n: int
    last_at: datetime
    share: float


@dataclass(frozen=True)
class Place:
    """One channel or store: orders and net amount in minor units."""

    name: str
    orders: int
    amount: int
    share: float


def _named(member: Member, as_of: datetime) -> dict[str, Any]:
    return {"member_id": member.pk, "zone": member.pool.time_zone, "since": as_of - WINDOW, "as_of": as_of}


def hours(member: Member, as_of: datetime) -> list[tuple[int, int, int]]:
    """(hour, orders, events) for all twenty-four hours of the pool's day."""
    found = {row["hour"]: row for row in sql.rows("members/habits/count_hours", _named(member, as_of))}
    return [(hour, *((found[hour]["orders"], found[hour]["events"]) if hour in found else (0, 0))) for hour in range(24)]


def busiest(rows: list[tuple[int, int, int]]) -> int | None:
    """The hour that begins the three busiest in a row (the day is a circle); None when nothing happened."""
    total = [orders + events for _hour, orders, events in rows]
    if not sum(total):
        return None
    return max(range(24), key=lambda hour: sum(total[(hour + more) % 24] for more in range(3)))


def interests(member: Member, as_of: datetime) -> dict[str, list[Interest]]:
    """ "search" and "view": what was looked for and what was looked at, most often first."""
    found: dict[str, list[Interest]] = {"search": [], "view": []}
    for row in sql.rows("members/habits/list_interests", _named(member, as_of)):
        rows = found[row["kind"]]
        if len(rows) < MOST:
            most = rows[0].n if rows else row["n"]
            rows.append(Interest(row["what"], row["n"], row["last_at"], row["n"] / most))
    return found


def places(member: Member, as_of: datetime) -> list[Place]:
    """Where the member buys, most orders first."""
    rows = sql.rows("members/habits/list_places", _named(member, as_of))
    names = {channel.pk: str(channel) for channel in Channel.objects.all()}
    total = sum(row["orders"] for row in rows)
    return [
        Place(
            " · ".join(filter(None, [names[row["channel_id"]], row["store"]])),
            row["orders"],
            row["amount"],
            row["orders"] / total,
        )
        for row in rows
    ]
