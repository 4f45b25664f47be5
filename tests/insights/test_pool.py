"""The pool's morning page: totals, overlaps and targets counted by hand."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from rest_framework.test import APIClient

from insights import figures
from insights import pool as pools
from insights.models import Figure
from insights.period import Period
from members.listing import ask
from members.models import Consent, DailyFigure, MemberState, Pool, PoolAccess
from members.pools import services
from members.pools.services import Target
from members.versions import bump
from scrm.staff.models import User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(pool: Pool, as_of: datetime) -> dict[str, Any]:
    made = {
        "both": factories.member(pool, "a", phone="13800000001", email="a@x.com", channel_id=6, joined_at=as_of),
        "phone": factories.member(pool, "b", phone="13800000002", channel_id=6, joined_at=as_of - timedelta(days=3)),
        "none": factories.member(pool, "c", status=1, joined_at=as_of - timedelta(days=20)),
        "old": factories.member(pool, "d", card="C1", channel_id=1),
    }
    MemberState.objects.create(member=made["both"], pool=pool, stage=1)
    for member in (made["both"], made["none"]):
        Consent.objects.create(member=member, carrier="sms", purpose="marketing", granted=True, at=as_of, source="x")
    bump(pool.pk, "members", "state", "consents")
    return made


def test_totals_counted_by_hand(pool: Pool, people: dict[str, Any], as_of: datetime) -> None:
    found = pools.standing(pool, as_of).counts
    assert found == {"total": 4, "members": 3, "leads": 1, "active": 1, "joined_today": 1, "joined_7": 2, "joined_30": 3}


def test_changes_are_since_the_day_began(pool: Pool, people: dict[str, Any], as_of: datetime) -> None:
    assert pools.keep(pool, as_of)
    assert not pools.keep(pool, as_of)
    factories.member(pool, "e", phone="13800000009")
    bump(pool.pk, "members")
    now = pools.standing(pool, as_of, timedelta(0))
    assert (now.change("total"), now.change("leads"), now.change("unheard")) == (1, 0, None)
    kept = dict(DailyFigure.objects.filter(pool=pool).values_list("name", "value"))
    assert (kept["pool.total"], kept["pool.reachable.sms"], kept["pool.reachable.any"]) == (4, 1, 1)


def test_a_busy_pool_shows_figures_of_a_while_ago(pool: Pool, people: dict[str, Any], as_of: datetime) -> None:
    first = pools.standing(pool, as_of)
    factories.member(pool, "e")
    bump(pool.pk, "members")
    again = pools.standing(pool, as_of)
    assert (again.counts["total"], again.at) == (4, first.at)
    Figure.objects.filter(name="count_pool").update(at=as_of - timedelta(days=400))
    assert pools.standing(pool, as_of).counts["total"] == 5


def test_who_is_known_how(pool: Pool, people: dict[str, Any], as_of: datetime) -> None:
    found = pools.overlaps(pool, pools.standing(pool, as_of))
    assert [(bar.label, bar.members) for bar in found.kinds] == [("手机号", 2), ("邮箱", 1), ("会员卡号", 1)]
    both = found.pairs[0][1]
    assert both is not None
    assert (both.members, found.nobody.members) == (1, 1)
    assert found.pairs[0][0] is None
    query = QueryDict(both.url.partition("?")[2])
    assert set(ask(query, pool).ids()) == {people["both"].pk}
    assert set(ask(QueryDict(found.nobody.url.partition("?")[2]), pool).ids()) == {people["none"].pk}


def test_whom_a_carrier_reaches(pool: Pool, people: dict[str, Any], as_of: datetime) -> None:
    (sms,) = pools.carriers(pool, pools.standing(pool, as_of), as_of)
    assert sms.members == 1
    assert set(ask(QueryDict(sms.url.partition("?")[2]), pool).ids()) == {people["both"].pk}


def test_targets_of_the_month(pool: Pool, people: dict[str, Any], as_of: datetime) -> None:
    factories.order(people["old"], "N1", as_of, 5000)
    services.set_targets(pool=pool, targets={date(2026, 11, 1): Target(members=8, revenue=2500)}, actor=None)
    found = {aim.name: (aim.now, aim.target, aim.ratio) for aim in pools.aims(pool, pools.standing(pool, as_of), as_of)}
    assert found == {"members": (4, 8, 0.5), "revenue": (5000, 2500, 1.0)}


def test_sources_and_their_growth(pool: Pool, people: dict[str, Any], as_of: datetime, login: Callable[[str], Client]) -> None:
    period = Period(pool, date(2026, 10, 26), date(2026, 11, 1))
    found = [(bar.label, bar.members, joined) for bar, joined in pools.sources(period, pools.standing(pool, as_of))]
    assert ("天猫", 2, 2) in found
    chart = login("analyst").get("/p/demo/charts/pool_sources.json?since=2026-10-26&until=2026-11-01").json()
    (series,) = [each for each in chart["option"]["series"] if each["name"] == "天猫"]
    assert [each["value"] for each in series["data"]] == [0, 0, 0, 1, 0, 0, 1]
    weeks = login("analyst").get("/p/demo/charts/pool_sources.json?since=2026-08-01&until=2026-11-01").json()
    assert len(weeks["option"]["xAxis"]["data"]) == 14


def test_the_pages(
    login: Callable[[str], Client], pool: Pool, other_pool: Pool, staff: dict[str, User], people: dict[str, Any]
) -> None:
    page = login("operator").get("/p/demo/pool/").content.decode()
    known = login("operator").get("/p/demo/pool/known/").content.decode()
    assert "手机号" in known
    assert "可触达" in known
    assert "待确认身份" in page
    assert "待确认身份" not in login("marketer").get("/p/demo/pool/").content.decode()
    assert "另一个会员池" not in login("admin").get("/p/demo/pools/").content.decode()
    PoolAccess.objects.create(user=staff["admin"], pool=other_pool, role="analyst")
    page = login("admin").get("/p/demo/pools/").content.decode()
    assert "另一个会员池" in page
    assert "/p/other/pool/" in page


def test_over_the_api(api: Callable[..., APIClient], pool: Pool, people: dict[str, Any]) -> None:
    found = api("analyst").get("/api/insights/pool/").json()
    assert (found["counts"]["total"], found["identities"]["手机号"], found["overlaps"]["手机号 ∩ 邮箱"]) == (4, 2, 1)
    assert found["reachable"]["sms"] == 1
    assert found["without_identity"] == 1


def test_an_answer_is_asked_again_only_after_its_data_changed(pool: Pool, people: dict[str, Any]) -> None:
    calls = []

    def make() -> figures.Rows:
        calls.append(1)
        return [{"n": len(calls)}]

    def ask_for() -> Any:
        return figures.worked_out(pool.pk, "x", {"a": 1}, ("members",), timedelta(0), make)[0]

    assert [ask_for(), ask_for()] == [[{"n": 1}], [{"n": 1}]]
    bump(pool.pk, "members")
    assert ask_for() == [{"n": 2}]
