"""What an address of a scheme's page asks for."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from django.utils.dateparse import parse_date

from members.models import Pool
from segmentation.models import Scheme

USUAL = timedelta(days=30)


def days(given: Mapping[str, str], scheme: Scheme, now: datetime) -> tuple[date, date]:
    """Two days of the pool, `?from=…&to=…`; the usual ones are the last thirty."""
    today = now.astimezone(scheme.pool.zone).date()
    until = min(_day(given.get("to", "")) or today, today)
    return min(_day(given.get("from", "")) or until - USUAL, until), until


def end(pool: Pool, day: date) -> datetime:
    """The last instant of a day of the pool."""
    return datetime.combine(day, time.max, pool.zone)


def ends(scheme: Scheme, *days: date) -> list[datetime]:
    """The last instant of each day."""
    return [end(scheme.pool, day) for day in days]


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
