"""Figures that took long are kept for a while; quick ones never, and never over a change of members."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from members import kept
from members.versions import bump

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def asked(pool, as_of):
    times = []

    def ask(minutes=0):
        return kept.figures("x", pool, as_of + timedelta(minutes=minutes), lambda: times.append(1) or [{"n": len(times)}])

    return ask


def test_quick_figures_are_counted_anew(asked):
    assert [asked().rows, asked().rows] == [[{"n": 1}], [{"n": 2}]]


def test_slow_ones_are_kept_with_their_time_until_members_change(asked, pool, as_of, monkeypatch):
    monkeypatch.setattr(kept, "SLOW", 0)
    assert asked().rows == [{"n": 1}]
    later = asked(minutes=5)
    assert (later.rows, later.at) == ([{"n": 1}], as_of)
    bump(pool.pk, "members")
    assert asked(minutes=6).rows == [{"n": 2}]


def test_another_pool_has_its_own(asked, other_pool, as_of, monkeypatch):
    monkeypatch.setattr(kept, "SLOW", 0)
    asked()
    assert kept.figures("x", other_pool, as_of, lambda: [{"n": 9}]).rows == [{"n": 9}]


def test_rows_by_a_column():
    assert kept.by([{"id": 3, "n": 1}], "id") == {3: {"n": 1}}


def test_a_page_says_when_kept_figures_were_counted(login, pool, as_of, monkeypatch):
    page = login("operator").get("/p/demo/staff/")
    assert "统计于" not in page.content.decode()
    monkeypatch.setattr(kept, "SLOW", 0)
    client = login("operator")
    client.get("/p/demo/staff/")
    assert "统计于" in client.get("/p/demo/staff/").content.decode()
