"""Who looked: lists, and who looks more than others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from members.models import AccessEntry, Pool
from members.privacy import looks
from scrm.staff.models import User

PAGE = 50
DAYS = 30


@dataclass(frozen=True)
class Asked:
    """What of the record is wanted."""

    since: datetime
    until: datetime
    actor: int | None = None
    what: list[str] = field(default_factory=list)
    member: int | None = None


def ask(params: Mapping[str, Any] | Any, pool: Pool, as_of: datetime) -> Asked:
    """From an address; nonsense is left out."""
    today = as_of.astimezone(pool.zone).date()
    days = _number(params.get("days")) or DAYS
    first = _day(params.get("since")) or today - timedelta(days=min(max(days, 1), 1096) - 1)
    last = _day(params.get("until")) or today
    whats = params.getlist("what") if hasattr(params, "getlist") else [params.get("what", "")]
    return Asked(
        datetime.combine(first, time(), pool.zone),
        datetime.combine(last + timedelta(days=1), time(), pool.zone),
        _number(params.get("actor")),
        [what for what in whats if what in AccessEntry.What.values],
        _number(params.get("member")),
    )


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        return None


def _number(text: Any) -> int | None:
    return int(text) if str(text or "").isdecimal() and len(str(text)) < 19 else None


def entries(pool: Pool, asked: Asked) -> QuerySet[AccessEntry]:
    """Looks, newest first."""
    found = AccessEntry.objects.filter(pool=pool, at__gte=asked.since, at__lt=asked.until)
    if asked.actor is not None:
        found = found.filter(actor_id=asked.actor)
    if asked.what:
        found = found.filter(what__in=asked.what)
    if asked.member is not None:
        found = found.filter(member_id=asked.member)
    return found.select_related("actor").order_by("-at", "-id")


def page(found: QuerySet[AccessEntry], cursor: str, limit: int = PAGE) -> tuple[list[AccessEntry], str]:
    """The rows after a cursor, and the cursor of the page after (empty: there is none)."""
    at, _mark, number = cursor.partition("~")
    try:
        instant = datetime.fromisoformat(at) if at else None
        if instant is not None and number.isdigit():
            found = found.filter(Q(at__lt=instant) | Q(at=instant, id__lt=int(number)))
    except ValueError:
        pass
    rows = list(found[: limit + 1])
    more = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{more.at.isoformat()}~{more.id}" if more else ""


@dataclass(frozen=True)
class Looker:
    """One person's looks in a span: how many of which kind, and the most in one hour."""

    user: User | None
    pages: int
    plain: int
    exported: int
    peak: int
    peak_at: datetime | None
    is_unusual: bool


def lookers(pool: Pool, asked: Asked) -> list[Looker]:
    """Who looked how much, the most in the clear first; unusual is half an hour's allowance and more in one hour."""
    base = entries(pool, asked).order_by()
    plain, exported = Q(what__in=["reveal", "api", "person", "rejects"]), Q(what__in=["list", "download"])
    rows = base.values("actor_id").annotate(
        pages=Count("id", filter=Q(what="page")),
        plain=Sum("count", filter=plain),
        exported=Sum("count", filter=exported & Q(what="download")),
    )
    peaks = _peaks(base.filter(plain))
    limit = looks.limit_of(pool)
    people = User.objects.in_bulk([row["actor_id"] for row in rows if row["actor_id"]])
    made = []
    for row in rows:
        peak, at = peaks.get(row["actor_id"], (0, None))
        made.append(
            Looker(
                people.get(row["actor_id"]), row["pages"], row["plain"] or 0, row["exported"] or 0, peak, at, peak * 2 >= limit
            )
        )
    return sorted(made, key=lambda each: (each.plain, each.pages), reverse=True)


def _peaks(found: QuerySet[AccessEntry]) -> dict[int | None, tuple[int, datetime]]:
    """Per person the hour with most identities in the clear."""
    peaks: dict[int | None, tuple[int, datetime]] = {}
    for row in found.annotate(hour=TruncHour("at")).values("actor_id", "hour").annotate(n=Sum("count")):
        if row["n"] > peaks.get(row["actor_id"], (0, row["hour"]))[0]:
            peaks[row["actor_id"]] = (row["n"], row["hour"])
    return peaks


def of_member(pool: Pool, numbers: list[int]) -> QuerySet[AccessEntry]:
    """Everybody who looked at one member."""
    return AccessEntry.objects.filter(pool=pool, member_id__in=numbers).select_related("actor").order_by("-at", "-id")
