"""The way up through a scheme: hand-worked times on each step, and what page and API tell of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from members.models import MemberStanding, Pool, StateChange
from segmentation.models import Scheme
from segmentation.standings import paths
from segmentation.standings import services as standings
from tests import factories

pytestmark = pytest.mark.django_db
TAIL, WAIST, HEAD = 1, 2, 3
# Twelve members rose from tail to waist, after 1 … 12 days in the tail; member 12 went on to the head 5 days later.
RISES = range(1, 13)


@pytest.fixture
def scheme(pool: Pool, as_of: datetime) -> Scheme:
    """Tiers whose waist begins at 100.00 and whose head at 500.00."""
    made = standings.save(pool=pool, family="value", name="价值层", settings={}, actor=None)
    edges = {"head_from": 50_000, "waist_from": 10_000, "tail_from": 0, "members": 14, "total": 1}
    edges |= {f"{tier}_{what}": 0 for tier in ("head", "waist", "tail") for what in ("members", "value")}
    Scheme.objects.filter(pk=made.pk).update(applied=made.settings, edges=edges, computed_at=as_of)
    made.refresh_from_db()
    return made


@pytest.fixture
def history(scheme: Scheme, pool: Pool, as_of: datetime) -> None:
    began = as_of - timedelta(days=100)
    for n in RISES:
        member = factories.member(pool, f"M{n}")
        moves = [(None, TAIL, began), (TAIL, WAIST, began + timedelta(days=n))]
        moves += [(WAIST, HEAD, began + timedelta(days=n + 5))] if n == 12 else []
        for was, now, at in moves:
            StateChange.objects.create(member=member, kind=scheme.kind, at=at, pool=pool, from_code=was, to_code=now)
        MemberStanding.objects.create(
            member=member, scheme_id=scheme.pk, pool=pool, code=moves[-1][1], value=10_000 + n * 1000, since=moves[-1][2]
        )
    for days, value in ((10, 2000), (20, 4000), (30, 9000)):  # they stay in the tail
        member = factories.member(pool, f"T{days}")
        since = as_of - timedelta(days=days)
        StateChange.objects.create(member=member, kind=scheme.kind, at=since, pool=pool, from_code=None, to_code=TAIL)
        MemberStanding.objects.create(member=member, scheme_id=scheme.pk, pool=pool, code=TAIL, value=value, since=since)


def test_times_on_each_step_and_what_the_member_in_the_middle_lacks(scheme: Scheme, history: None, as_of: datetime) -> None:
    tail, waist, head = paths.path(scheme, as_of)
    assert (tail.members, tail.stay_days, tail.rises) == (3, 20.0, 12)
    assert tail.days == (3.0, 6.0, 9.0)
    assert tail.ahead == "再增加 ¥60.00 进入腰部"
    assert waist.next is not None
    assert (waist.members, waist.next.number, waist.rises, waist.days) == (11, HEAD, 1, None)  # of one rise no quartiles
    assert waist.ahead == "再增加 ¥340.00 进入头部"  # the sixth of eleven: 160.00
    assert (head.members, head.next, head.ahead) == (1, None, "")


def test_nothing_after_the_instant_counts(scheme: Scheme, history: None, as_of: datetime) -> None:
    assert paths.path(scheme, as_of - timedelta(days=95))[0].rises == 5


def test_classes_without_an_order_have_no_way_up(pool: Pool, as_of: datetime) -> None:
    made = standings.save(pool=pool, family="preferred_hour", name="时段", settings={}, actor=None)
    assert paths.path(made, as_of) == []


def test_the_page_and_the_api_tell_it(
    scheme: Scheme, history: None, login: Callable[[str], Client], api: Callable[..., APIClient]
) -> None:
    page = login("marketer").get(f"/p/demo/segments/standings/{scheme.pk}/").content.decode()
    assert "目标路径" in page
    assert "中位 6 天" in page
    assert "再增加 ¥60.00 进入腰部" in page
    told = api("marketer").get(f"/p/demo/api/schemes/{scheme.pk}/path/").json()
    assert [(step["code"], step["next"], step["members"], step["rises"]) for step in told] == [
        (1, 2, 3, 12),
        (2, 3, 11, 1),
        (3, None, 1, 0),
    ]
    assert told[0]["days"] == [3.0, 6.0, 9.0]


def test_a_cell_of_the_movements_leads_to_its_members(
    scheme: Scheme, history: None, login: Callable[[str], Client], as_of: datetime
) -> None:
    days = {"from": (as_of - timedelta(days=100)).date(), "to": as_of.date()}
    page = login("marketer").get(f"/p/demo/segments/standings/{scheme.pk}/", days)
    cells = {str(label): row for label, row, _all in page.context["rows"]}
    (risen,) = [href for n, href, _stays in cells["尾部"] if n == 11]
    listed = login("marketer").get(risen).content.decode()
    assert ">M11<" in listed
    assert ">M12<" not in listed
    assert ">T10<" not in listed


def test_without_javascript_the_effect_is_a_page_of_its_own(pool: Pool, login: Callable[[str], Client], alice: Any) -> None:
    given = {"family": "ladder", "name": "阶梯", "steps": "3", "same_day": "on"}
    answer = login("admin").post("/p/demo/segments/standings/preview/", given)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "<html" in page
    assert "尚未写入" in page
    assert 'value="阶梯"' in page
    asked = login("admin").post("/p/demo/segments/standings/preview/", given, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in asked
    assert "尚未写入" in asked


def test_lists_of_words_follow_the_language() -> None:
    from segmentation.standings import evidence

    said = evidence.Evidence(step=2, source="event", kinds=["search", "share"], days=90)
    with translation.override("en"):
        assert "、" not in evidence.told(said)
    assert "、" in evidence.told(said)
