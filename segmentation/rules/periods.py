"""Windows as instants: days belong to the pool's time zone and end at its midnight.

A window by days ends with the day of `as_of`, so its result holds all day and can be kept. "The
last 7 days" are today and the seven days before it.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from segmentation.rules.ast import Window
from segmentation.rules.catalog import Text

UNITS: dict[str, Text] = {
    "days": Text("天", "days"),
    "hours": Text("小时", "hours"),
    "weeks": Text("周", "weeks"),
    "months": Text("个月", "months"),
}
PERIODS: dict[str, Text] = {
    "today": Text("今天", "today"),
    "yesterday": Text("昨天", "yesterday"),
    "this_week": Text("本周", "this week"),
    "last_week": Text("上周", "last week"),
    "this_month": Text("本月", "this month"),
    "last_month": Text("上月", "last month"),
    "this_quarter": Text("本季度", "this quarter"),
    "last_quarter": Text("上季度", "last quarter"),
    "this_year": Text("今年", "this year"),
    "last_year": Text("去年", "last year"),
}
AHEAD: dict[str, Text] = {  # only of what can lie in the future
    "tomorrow": Text("明天", "tomorrow"),
    "next_week": Text("下周", "next week"),
    "next_month": Text("下月", "next month"),
    "next_quarter": Text("下季度", "next quarter"),
}
Span = tuple[datetime | None, datetime | None]
DAY = timedelta(days=1)
DAWN, DUSK = date(1900, 1, 1), date(2200, 1, 1)  # before and after anything a pool knows


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def today(as_of: datetime, zone: ZoneInfo) -> date:
    """The day of an instant in the pool's zone."""
    return as_of.astimezone(zone).date()


@lru_cache(maxsize=512)
def steady(zone: ZoneInfo, last: date) -> tuple[datetime, timedelta]:
    """Since when, up to the end of a day, a zone's clocks have not been changed (at most two years back), and their offset.

    Between the two a local time is the instant and the offset, which costs a fraction of looking the zone up.
    """
    ends = midnight(last + DAY, zone)
    offset, day = ends.utcoffset() or timedelta(0), ends.astimezone(UTC)
    for _ in range(730):
        if (day - DAY).astimezone(zone).utcoffset() != offset:
            break
        day -= DAY
    return day, offset


def closing(as_of: datetime, zone: ZoneInfo) -> datetime:
    """The instant after the day of an instant: what is dated later was not known then."""
    return midnight(today(as_of, zone) + DAY, zone)


def span(window: Window | None, as_of: datetime, zone: ZoneInfo, *, ahead: bool = False) -> Span:
    """First instant and the instant after the last, either open; nothing after today counts unless asked `ahead`."""
    now = today(as_of, zone)
    if window is not None and window.last is not None and window.unit == "hours":
        end = as_of.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return end - timedelta(hours=window.last), end
    first, last = _days(window, now)
    if ahead:
        return (midnight(first, zone) if first else None), (midnight(last + DAY, zone) if last else None)
    last = min(last or now, now)
    return (midnight(first, zone) if first else None), midnight(last + DAY, zone)


def _days(window: Window | None, now: date) -> tuple[date | None, date | None]:
    if window is None:
        return None, None
    if window.last is not None:
        return _back(now, window.last, window.unit), now
    if window.ahead is not None:
        return now, _forward(now, window.ahead, window.unit)
    if window.ago is not None:
        return _back(now, window.ago[0], "days"), _back(now, window.ago[1], "days")
    if window.period is not None:
        return _period(window.period, now)
    return window.start, window.end


def _back(day: date, n: int, unit: str) -> date:
    if unit == "months":
        month = day.year * 12 + day.month - 1 - n
        return _clamped(*divmod(month, 12), day.day) if month >= DAWN.year * 12 else DAWN
    days = n * 7 if unit == "weeks" else n
    return day - timedelta(days=days) if days < (day - DAWN).days else DAWN


def _forward(day: date, n: int, unit: str) -> date:
    if unit == "months":
        month = day.year * 12 + day.month - 1 + n
        return _clamped(*divmod(month, 12), day.day) if month < DUSK.year * 12 else DUSK
    days = n * 7 if unit == "weeks" else n
    return day + timedelta(days=days) if days < (DUSK - day).days else DUSK


def _clamped(year: int, month0: int, day: int) -> date:
    ends = _first(year, month0 + 1) - DAY
    return ends.replace(day=min(day, ends.day))


def _first(year: int, month0: int) -> date:
    return date(year + month0 // 12, month0 % 12 + 1, 1)


def _period(name: str, now: date) -> tuple[date, date]:
    which, _, size = name.partition("_")
    if not size:
        day = now + {"today": 0, "yesterday": -1, "tomorrow": 1}[name] * DAY
        return day, day
    back = {"last": 1, "this": 0, "next": -1}[which]
    if size == "week":
        monday = now - timedelta(days=now.weekday() + 7 * back)
        return monday, monday + timedelta(days=6)
    months = {"month": 1, "quarter": 3, "year": 12}[size]
    start = (now.year * 12 + now.month - 1) // months * months - back * months
    return _first(0, start), _first(0, start + months) - DAY
