"""The instants at which windows begin and end, to the microsecond: what random members seldom hit."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.models import Campaign, JourneyVersion, Participant, Run
from members.models import Member, Pool
from segmentation import evaluate
from tests import factories
from touchpoints.models import Connector, Delivery, Step

NOW = datetime(2026, 11, 1, 4, tzinfo=UTC)
BEGUN = NOW - timedelta(days=20)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


def count(pool: Pool, fact: str, **more: Any) -> int:
    """How many rows a fact finds of the only member that has any."""
    for n in range(5):
        if evaluate.count(pool, {"fact": fact, "op": "eq", "value": n, **more}, NOW).size == 1:
            return n
    raise AssertionError(fact)


@pytest.fixture
def only(pool: Pool) -> Member:
    return factories.member(pool, "Only", joined_at=BEGUN)


@pytest.mark.parametrize(
    ("after", "counts"),
    [(-TICK, 0), (0 * DAY, 0), (TICK, 1), (3 * DAY - TICK, 1), (3 * DAY, 1), (3 * DAY + TICK, 0)],
)
def test_since_something_else(pool: Pool, only: Member, after: timedelta, counts: int) -> None:
    factories.order(only, "a", BEGUN + after, 100)
    assert count(pool, "orders", window={"since": "joined", "days": 3}) == counts
    assert count(pool, "orders", window={"since": "joined"}) == int(after > 0 * DAY)


@pytest.mark.parametrize(("after", "counts"), [(0 * DAY, 0), (TICK, 1), (2 * DAY, 1), (2 * DAY + TICK, 0)])
def test_an_order_after_a_message(pool: Pool, only: Member, after: timedelta, counts: int) -> None:
    connector = Connector.objects.create(pool=pool, key="fake", name="fake")
    step = Step.objects.create(pool=pool, source="campaign:1", connector=connector, due_at=NOW)
    Delivery.objects.create(pool=pool, member=only, step=step, status=60, sent_at=BEGUN, next_at=BEGUN)
    factories.order(only, "a", BEGUN + after, 100)
    assert count(pool, "messages_converted", then={"within": 2, "unit": "days"}) == counts
    then = {"of": ["$order"], "within": 48, "unit": "hours"}
    assert count(pool, "sequence", of=["$sent"], then=then) == counts
    assert count(pool, "abandoned", of=["$sent"], then=then) == 1 - counts


@pytest.mark.parametrize(("ago", "counts"), [(2 * DAY - TICK, 0), (2 * DAY, 1), (3 * DAY, 1)])
def test_nothing_followed_once_the_time_is_over(pool: Pool, only: Member, ago: timedelta, counts: int) -> None:
    factories.event(only, 1, NOW - ago)
    assert count(pool, "abandoned", of=["view"], then={"of": ["$order"], "within": 2, "unit": "days"}) == counts


@pytest.mark.parametrize(("after", "counts"), [(-TICK, 0), (0 * DAY, 1), (7 * DAY - TICK, 1), (7 * DAY, 0)])
def test_the_goal_of_a_campaign(pool: Pool, only: Member, after: timedelta, counts: int) -> None:
    campaign = Campaign.objects.create(pool=pool, name="c", goal_days=7)
    run = Run.objects.create(campaign=campaign, slot=NOW, version=JourneyVersion.objects.create(campaign=campaign, n=1, graph={}))
    Participant.objects.create(member=only, run=run, arm=1, entered_at=BEGUN, node="x")
    factories.order(only, "a", BEGUN + after, 100)
    assert count(pool, "campaign_converted") == counts


@pytest.mark.parametrize(
    ("at", "window", "counts"),
    [
        ("2026-10-29 16:00", {"last": 2, "unit": "days"}, 1),  # midnight in Shanghai
        ("2026-10-29 15:59", {"last": 2, "unit": "days"}, 0),
        ("2026-10-22 16:00", {"ago": [9, 3]}, 1),
        ("2026-10-22 15:59", {"ago": [9, 3]}, 0),
        ("2026-10-29 15:59", {"ago": [9, 3]}, 1),
        ("2026-10-29 16:00", {"ago": [9, 3]}, 0),
        ("2026-11-01 15:59", {"period": "today"}, 1),
        ("2026-11-01 16:00", {"period": "today"}, 0),
        ("2026-11-01 03:01", {"last": 1, "unit": "hours"}, 1),
        ("2026-11-01 03:00", {"last": 1, "unit": "hours"}, 0),
        ("2026-10-31 16:00", {"from": "2026-11-01", "to": "2026-11-01"}, 1),
        ("2026-11-01 15:59", None, 1),
        ("2026-11-01 16:00", None, 0),
    ],
)  # fmt: skip
def test_windows_by_local_days(pool: Pool, only: Member, at: str, window: Any, counts: int) -> None:
    factories.order(only, "a", datetime.fromisoformat(at).replace(tzinfo=UTC), 100)
    assert count(pool, "orders", **({"window": window} if window else {})) == counts
