"""Habits of one member, by hand-worked tables; and the tab that shows them."""

from datetime import UTC, datetime, timedelta

import pytest

from members.events import Sent, record_events
from members.habits import queries
from tests import factories

pytestmark = pytest.mark.django_db


def tell(pool, member, as_of, *events):
    sent = [Sent(f"e{n}", kind, at, member=member.pk, properties=said) for n, (kind, at, said) in enumerate(events)]
    assert record_events(pool=pool, events=sent, actor=None, as_of=as_of).added == len(events)


def test_hours_are_those_of_the_pool_and_of_a_year(pool, alice, as_of):
    at_nine = datetime(2026, 10, 1, 1, 30, tzinfo=UTC)  # half past nine in Shanghai
    factories.order(alice, "A1", at_nine, 100)
    factories.order(alice, "A2", at_nine + timedelta(days=1), 100)
    factories.order(alice, "A3", at_nine, 100, status=3)
    factories.order(alice, "A4", as_of - timedelta(days=366), 100)
    tell(pool, alice, as_of, ("view", at_nine + timedelta(hours=14), {}))
    rows = queries.hours(alice, as_of)
    assert [row for row in rows if row[1] or row[2]] == [(9, 2, 0), (23, 0, 1)]


def test_the_busiest_three_hours_may_cross_midnight():
    rows = [(hour, 0, {23: 3, 0: 3, 1: 3, 12: 4}.get(hour, 0)) for hour in range(24)]
    assert queries.busiest(rows) == 23
    assert queries.busiest([(hour, 0, 0) for hour in range(24)]) is None


def test_interests_are_counted_by_what_was_looked_for_and_at(pool, alice, bob, as_of):
    at = as_of - timedelta(days=3)
    tell(
        pool,
        alice,
        as_of,
        ("search", at, {"words": "奶粉"}),
        ("search", at + timedelta(hours=1), {"words": "奶粉"}),
        ("search", at, {"words": "尿裤"}),
        ("view", at, {"title": "三段", "path": "/x"}),
        ("click", at, {"sku": "S1"}),
        ("sign_in", at, {"title": "no"}),
        ("view", at, {"path": "/only"}),
    )
    found = queries.interests(alice, as_of)
    assert [(row.what, row.n, row.share) for row in found["search"]] == [("奶粉", 2, 1.0), ("尿裤", 1, 0.5)]
    assert {row.what for row in found["view"]} == {"三段", "S1"}
    assert queries.interests(bob, as_of) == {"search": [], "view": []}


def test_places_are_channels_and_stores_by_orders(alice, as_of):
    at = as_of - timedelta(days=9)
    factories.order(alice, "A1", at, 100, store="S1")
    factories.order(alice, "A2", at, 300, store="S1", refunded=100)
    factories.order(alice, "A3", at, 900, channel="tmall")
    places = queries.places(alice, as_of)
    assert [(place.orders, place.amount) for place in places] == [(2, 300), (1, 900)]
    assert places[0].name.endswith("S1")


def test_the_tab_shows_them_and_says_when_there_are_none(login, alice, bob, pool, as_of):
    from scrm.lib import clock

    tell(pool, alice, clock.now(), ("search", clock.now() - timedelta(days=1), {"words": "奶粉"}))
    page = login("analyst").get(f"/p/demo/members/{alice.pk}/panels/habits/").content.decode()
    assert "奶粉" in page
    assert "一年内没有订单" in page
    assert "一年内没有搜索" in login("analyst").get(f"/p/demo/members/{bob.pk}/panels/habits/").content.decode()
