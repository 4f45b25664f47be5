"""Schemes against small tables worked by hand: computing, keeping up, history."""

from datetime import timedelta

import pytest

from members.models import AttributeField, Member, MemberStanding, Order, StateChange, TouchedMember
from scrm.lib.problems import Problem
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import services
from segmentation.standings import services as standings
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db
VALUE = {"measure": "total", "head": 80, "waist": 95}


@pytest.fixture
def spenders(pool, as_of):
    """Five members who spent 80, 10, 5, 4 and 1 yuan; the sixth nothing."""
    people = [factories.member(pool, f"M{n}") for n in range(6)]
    for n, amount in enumerate([8000, 1000, 500, 400, 100]):
        factories.order(people[n], f"A{n}", days_before(as_of, 10 + n), amount)
    return people


@pytest.fixture
def value(pool):
    return standings.save(pool=pool, family="value", name="价值层", settings=VALUE, actor=None)


def codes(scheme):
    return dict(MemberStanding.objects.filter(scheme_id=scheme.pk).values_list("member_id", "code"))


def test_a_full_run_sorts_everybody_by_edges_it_measures(pool, as_of, spenders, value):
    services.recalculate(pool=pool, as_of=as_of)
    value.refresh_from_db()
    # 8000 of 10000 is 80 %: above the second there is no less than 80 %, so it is waist; 9500 is 95 %: the fourth is tail.
    assert codes(value) == {spenders[0].pk: 3, spenders[1].pk: 2, spenders[2].pk: 2, spenders[3].pk: 1, spenders[4].pk: 1}
    assert value.edges == {
        "total": 10000, "members": 5, "head_from": 8000, "waist_from": 500, "tail_from": 100, "head_members": 1,
        "head_value": 8000, "waist_members": 2, "waist_value": 1500, "tail_members": 2, "tail_value": 500,
    }  # fmt: skip
    assert (value.applied, value.computed_at) == (value.settings, as_of)
    row = MemberStanding.objects.get(member=spenders[0])
    assert (row.value, row.since, row.due, row.pool_id) == (8000, as_of, None, pool.pk)
    found = StateChange.objects.filter(kind=100 + value.pk).values_list("member_id", "from_code", "to_code", "at")
    assert set(found) == {(pk, None, code, as_of) for pk, code in codes(value).items()}


def test_a_tick_keeps_to_the_edges_and_records_what_changes(pool, as_of, spenders, value):
    services.recalculate(pool=pool, as_of=as_of)
    factories.order(spenders[4], "B1", as_of, 400)
    Order.objects.filter(member=spenders[0]).update(status=Order.Status.REFUNDED)
    for member in (spenders[0], spenders[4]):
        TouchedMember.objects.create(member=member, pool=pool)
    later = as_of + timedelta(minutes=1)
    run = services.tick(pool=pool, as_of=later)
    assert codes(value) == {spenders[1].pk: 2, spenders[2].pk: 2, spenders[3].pk: 1, spenders[4].pk: 2}
    changed = StateChange.objects.filter(kind=100 + value.pk, at=later).values_list("member_id", "from_code", "to_code")
    assert set(changed) == {(spenders[4].pk, 1, 2), (spenders[0].pk, 3, None)}
    assert MemberStanding.objects.get(member=spenders[4]).since == later
    written = {step["step"].removeprefix("standings/"): step["rows"] for step in run.steps}
    names = ("find_changes", "update_standings", "insert_standings", "delete_standings", "insert_standing_changes")
    assert [written[name] for name in names] == [2, 1, 0, 1, 2]


def test_a_window_comes_due_by_itself(pool, as_of, spenders):
    chosen = {**VALUE, "measure": "window", "window_days": 30}
    scheme = standings.save(pool=pool, family="value", name="近 30 天", settings=chosen, actor=None)
    services.recalculate(pool=pool, as_of=as_of)
    row = MemberStanding.objects.get(member=spenders[0], scheme_id=scheme.pk)
    assert (row.code, row.value, row.due) == (3, 8000, days_before(as_of, 10) + timedelta(days=30))
    services.tick(pool=pool, as_of=as_of + timedelta(days=19))  # the others have left the window
    assert codes(scheme) == {spenders[0].pk: 3}
    assert services.tick(pool=pool, as_of=as_of + timedelta(days=19, hours=1)) is None
    services.tick(pool=pool, as_of=as_of + timedelta(days=20))
    assert codes(scheme) == {}


def test_a_window_equal_to_that_of_the_facts_reads_no_orders_again(pool, as_of, spenders):
    chosen = {**VALUE, "measure": "window", "window_days": 365}
    scheme = standings.save(pool=pool, family="value", name="近一年", settings=chosen, actor=None)
    run = services.recalculate(pool=pool, as_of=as_of)
    assert not [step for step in run.steps if "gather_window" in step["step"]]
    assert MemberStanding.objects.get(member=spenders[0], scheme_id=scheme.pk).due == days_before(as_of, 10) + timedelta(days=365)


def test_net_worth_out_of_a_field_of_the_pool(pool, as_of, spenders):
    AttributeField.objects.create(pool=pool, key="worth", label="净资产", kind="number")
    for member, worth in zip(spenders, [100, 99.5, 3, 1, "rich", None], strict=True):
        Member.objects.filter(pk=member.pk).update(attributes={"worth": worth})
    chosen = {"measure": "attribute", "attribute": "worth", "cut": "members", "head": 25, "waist": 50}
    scheme = standings.save(pool=pool, family="value", name="净资产", settings=chosen, actor=None)
    services.recalculate(pool=pool, as_of=as_of)
    found = MemberStanding.objects.filter(scheme_id=scheme.pk).values_list("member_id", "code", "value")
    assert set(found) == {
        (spenders[0].pk, 3, 10000),
        (spenders[1].pk, 2, 9950),
        (spenders[2].pk, 1, 300),
        (spenders[3].pk, 1, 100),
    }


def test_other_settings_wait_for_the_run_that_applies_them(pool, as_of, spenders, value):
    services.recalculate(pool=pool, as_of=as_of)
    before = codes(value)
    standings.save(pool=pool, family="value", name="价值层", settings={**VALUE, "head": 90}, scheme=value, actor=None)
    TouchedMember.objects.create(member=spenders[1], pool=pool)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert codes(value) == before
    value.refresh_from_db()
    assert value.is_stale
    run = services.recalculate_scheme(scheme=value, as_of=as_of + timedelta(minutes=2))
    value.refresh_from_db()
    assert not value.is_stale
    assert codes(value)[spenders[1].pk] == 3
    assert (run.mode, run.scheme_id) == ("part", value.pk)
    later = as_of + timedelta(minutes=3)
    assert services.tick(pool=pool, as_of=later) is None
    assert RecalculationRun.objects.get(mode="tick").until == later


def test_merged_members_and_schemes_put_away_long_ago_leave(pool, as_of, spenders, value):
    services.recalculate(pool=pool, as_of=as_of)
    Member.objects.filter(pk=spenders[3].pk).update(merged_into=spenders[0].pk)
    services.recalculate(pool=pool, as_of=as_of + timedelta(hours=1))
    assert spenders[3].pk not in codes(value)
    standings.archive(scheme=value, actor=None, as_of=as_of)
    services.recalculate(pool=pool, as_of=as_of + timedelta(days=6))
    assert len(codes(value)) == 4
    gone = as_of + timedelta(days=8)
    services.recalculate(pool=pool, as_of=gone)
    assert codes(value) == {}
    ended = StateChange.objects.filter(kind=100 + value.pk, at=gone).values_list("from_code", "to_code")
    assert sorted(ended) == [(1, None), (2, None), (2, None), (3, None)]
    standings.restore(scheme=Scheme.objects.get(pk=value.pk), actor=None, as_of=gone)
    services.recalculate(pool=pool, as_of=gone + timedelta(hours=1))
    assert len(codes(value)) == 4


@pytest.mark.parametrize(
    ("family", "name", "settings", "code"),
    [
        ("nothing", "A", {}, "unknown_family"),
        ("value", "A", {"head": 95, "waist": 90}, "bad_settings"),
        ("value", "A", {"measure": "attribute"}, "bad_settings"),
        ("value", "A", {"measure": "attribute", "attribute": "nobody"}, "unknown_field"),
        ("value", "A", {"other": 1}, "bad_settings"),
        ("value", " ", {}, "name_missing"),
        ("value", "价值层", {}, "name_taken"),
    ],
)
def test_what_cannot_be_a_scheme_is_refused(pool, value, family, name, settings, code):
    with pytest.raises(Problem) as refused:
        standings.save(pool=pool, family=family, name=name, settings=settings, actor=None)
    assert refused.value.code == code
