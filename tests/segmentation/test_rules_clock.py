"""Hours and weekdays are those of the pool's clocks, also where these are put back and forward."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from members.models import Member, Pool
from members.versions import bump
from segmentation import evaluate
from segmentation.rules.periods import steady
from tests import factories

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
# One o'clock twice on the night of 1 November 2026; half past midnight in summer and in winter.
NIGHTS = ["2026-11-01 05:30", "2026-11-01 06:30", "2026-07-01 04:30", "2026-01-02 05:30", "2020-01-02 05:30"]


def orders(op: str, value: int, hours: list[int]) -> dict[str, Any]:
    return {"fact": "orders", "op": op, "value": value, "where": [{"field": "hour", "op": "in", "value": hours}]}


@pytest.mark.parametrize("as_of", ["2026-11-01 12:00", "2026-11-02 12:00", "2026-11-30 12:00", "2027-06-01 12:00"])
def test_hours_where_clocks_change(pool: Pool, alice: Member, as_of: str) -> None:
    Pool.objects.filter(pk=pool.pk).update(time_zone="America/New_York")
    pool.refresh_from_db()
    for n, night in enumerate(NIGHTS):
        factories.order(alice, f"a{n}", datetime.fromisoformat(night).replace(tzinfo=UTC), 100)
    bump(pool.pk, "orders")
    at = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    for hour, times in ((0, 3), (1, 2), (2, 0), (23, 0), (5, 0)):
        assert evaluate.count(pool, orders("eq", times, [hour]), at).size == 1, hour


def test_since_when_clocks_were_not_changed() -> None:
    assert steady(SHANGHAI, date(2026, 11, 1)) == (datetime(2024, 11, 1, 16, tzinfo=UTC), timedelta(hours=8))
    assert steady(NEW_YORK, date(2026, 10, 31)) == (datetime(2026, 3, 9, 4, tzinfo=UTC), timedelta(hours=-4))
    assert steady(NEW_YORK, date(2026, 11, 1)) == (datetime(2026, 11, 2, 5, tzinfo=UTC), timedelta(hours=-5))
    for zone, day in (
        (SHANGHAI, date(1991, 9, 20)),
        (NEW_YORK, date(2026, 11, 20)),
        (ZoneInfo("Africa/Casablanca"), date(2026, 3, 30)),
    ):
        since, offset = steady(zone, day)
        hours = [
            since + timedelta(hours=n)
            for n in range(int((datetime(day.year, day.month, day.day, tzinfo=UTC) - since) / timedelta(hours=1)))
        ]
        assert {at.astimezone(zone).utcoffset() for at in hours} <= {offset}
