"""The days a page speaks about, in the pool's time zone, and the days before them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.http import HttpRequest

from members.models import Pool

DAYS = 30
LONGEST = 3 * 366


@dataclass(frozen=True)
class Period:
    """From the start of `first` to the end of `last`, both days included."""

    pool: Pool
    first: date
    last: date
    preset: int | None = None  # "the last n days", when that is what was asked for

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time.min, self.pool.zone)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time.min, self.pool.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days just before: what a figure is compared with."""
        return Period(self.pool, self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def params(self) -> dict[str, object]:
        """What the SQL files are given."""
        return {"pool_id": self.pool.pk, "since": self.since, "until": self.until, "zone": self.pool.time_zone}

    @property
    def query(self) -> str:
        """The period in an address."""
        return f"days={self.preset}" if self.preset else f"since={self.first}&until={self.last}"


def asked(request: HttpRequest, as_of: datetime) -> Period:
    """The period in the address (`days` or `since` and `until`); nonsense falls back to thirty days."""
    pool = request.pool  # type: ignore[attr-defined]
    today = as_of.astimezone(pool.zone).date()
    try:
        first, last = date.fromisoformat(request.GET["since"]), date.fromisoformat(request.GET["until"])
        if timedelta(0) <= last - first < timedelta(days=LONGEST):
            return Period(pool, first, last)
    except (KeyError, ValueError):
        pass
    days = request.GET.get("days", "")
    length = int(days) if days.isdecimal() and len(days) < 6 and 0 < int(days) <= LONGEST else DAYS
    return Period(pool, today - timedelta(days=length - 1), today, length)
