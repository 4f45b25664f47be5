"""Rules asked for a day that is over: what came later is not there yet, and lists are as they were."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyroaring import BitMap

from members.models import Consent, Event, Member, Pool
from segmentation import evaluate
from segmentation.segments import services
from tests import factories

NOW = datetime(2026, 11, 1, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def ask(fact: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


def who(pool: Pool, rule: dict[str, Any], as_of: datetime) -> set[str]:
    found = evaluate.members_of(rule, pool, as_of)
    return set(Member.objects.filter(pk__in=list(found)).values_list("name", flat=True))


@pytest.fixture
def shop(pool: Pool, alice: Member, bob: Member) -> Pool:
    """Alice bought at noon of 1 November and two days before, Bob the day after."""
    factories.order(alice, "a1", NOW - 2 * DAY, 10000)
    factories.order(alice, "a2", NOW + timedelta(hours=8), 500)
    factories.order(bob, "b", NOW + DAY, 900)
    Event.objects.create(pool=pool, member=bob, id=1, occurred_at=NOW + DAY, kind="view")
    return pool


@pytest.mark.parametrize(
    ("rule", "then", "now"),
    [
        (ask("orders", "any"), {"Alice"}, {"Alice", "Bob"}),
        (ask("orders", "gte", 2), {"Alice"}, {"Alice"}),
        (ask("orders", "none"), {"Bob"}, set()),
        (ask("order_amount", "lt", 1), {"Bob"}, set()),
        (ask("events", "any"), set(), {"Bob"}),
        (ask("order_share", "known", where=[{"field": "refunded", "op": "no"}]), {"Alice"}, {"Alice", "Bob"}),
    ],
)
def test_what_came_after_the_day_does_not_count(shop: Pool, rule: dict[str, Any], then: set[str], now: set[str]) -> None:
    assert who(shop, rule, NOW) == then
    assert who(shop, rule, NOW + DAY) == now


def test_a_day_counts_as_a_whole(shop: Pool) -> None:
    assert who(shop, ask("orders", "gte", 2), NOW) == {"Alice"}
    assert who(shop, ask("orders", "gte", 2), NOW - DAY) == set()
    assert who(shop, ask("orders", "gte", 1), NOW - DAY) == {"Alice"}


def test_how_somebody_is_now_is_not_cut_off(pool: Pool, alice: Member) -> None:
    Consent.objects.create(member=alice, carrier="sms", purpose="marketing", granted=True, at=NOW)
    assert who(pool, ask("consent", "any", ["sms"]), NOW - 30 * DAY) == {"Alice"}
    assert who(pool, ask("consent", "any", ["sms"], window={"last": 3, "unit": "days"}), NOW - 30 * DAY) == set()


def test_a_list_is_as_it_was_on_that_day(pool: Pool, alice: Member, bob: Member) -> None:
    made = services.fix(pool=pool, name="list", ids=BitMap([alice.pk]), actor=None, as_of=NOW - 9 * DAY, kind="list")
    services.edit_list(segment=made, ids=BitMap([bob.pk]), remove=False, actor=None, as_of=NOW - 5 * DAY)
    services.edit_list(segment=made, ids=BitMap([alice.pk]), remove=True, actor=None, as_of=NOW)
    rule = ask("segment", "any", [made.pk])
    days = {days: who(pool, rule, NOW - days * DAY) for days in (10, 9, 6, 5, 1, 0)}
    assert days == {10: set(), 9: {"Alice"}, 6: {"Alice"}, 5: {"Alice", "Bob"}, 1: {"Alice", "Bob"}, 0: {"Bob"}}
    assert who(pool, ask("segment", "none", [made.pk]), NOW - 10 * DAY) == {"Alice", "Bob"}
