"""Choices: what is refused and why; edges from them; ties; SQL files one by one on tables worked by hand."""

from datetime import timedelta

import pytest
from psycopg2 import sql as pg

from members.events import Sent, write_events
from members.models import Community, CommunityEvent, Member, MemberState, Order, StateChange, TouchedMember
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.lib.problems import Problem
from segmentation.models import RecalculationRun
from segmentation.recalculation import services, settings
from segmentation.recalculation.edges import Edges, edges, params
from segmentation.standings import services as standings
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rfm": {"r_days": [30, 60, 90, 120]}}, "R 的天数须逐级变小"),
        ({"rfm": {"f_orders": [2, 2, 3, 4]}}, "F 的订单数须逐级变大"),
        ({"rfm": {"m_amount": [0, 1, 2, 3]}}, "M 的金额须逐级变大"),
        ({"rfm": {"window_days": 3}}, "rfm.window_days"),
        ({"rfm": {"colour": "red"}}, "rfm.colour"),
        ({"lifecycle": {"days": [90, 30, 180]}}, "天数须逐级变大"),
        ({"lifecycle": {"quantiles": [0.5, 0.9, 1.0]}}, "比例须逐级变大"),
    ],
)
def test_bad_choices_are_refused_by_name(given, said):
    with pytest.raises(Problem) as refused:
        settings.checked(given)
    assert said in refused.value.message


FOUND = {
    "buyers": 40, "repeat_buyers": 35, "window_count": [1, 1, 2, 5], "window_amount": [10, 20, 30, 40],
    "mean_window_count": 3, "mean_window_amount": 25, "interval_seconds": [86_400 * 7, 86_400 * 7 + 1, 86_400 * 7 + 2],
}  # fmt: skip


def found_at(as_of):
    ages = [days_before(as_of, days) for days in (200, 100, 50, 10.5)]
    return FOUND | {"last_order_at": ages, "mean_last_order_at": int(days_before(as_of, 90).timestamp())}


def test_edges_of_each_mode(as_of):
    mean = edges(settings.checked({"lifecycle": {"mode": "pool"}}), found_at(as_of), as_of)
    assert (mean.r, mean.f) == ([200 * 86400, 100 * 86400, 50 * 86400, 907_200], [1, 1, 2, 5])
    assert (mean.r_split, mean.f_split, mean.m_split) == (90 * 86400, 3, 25)
    assert (mean.stage_days, mean.stage_basis) == ([7, 8, 9], "pool")  # whole days, never two edges on one
    quantile = edges(settings.checked({"rfm": {"mode": "quantile", "high_from": 3}}), found_at(as_of), as_of)
    assert (quantile.r_split, quantile.f_split, quantile.m_split) == (100 * 86400, 1, 20)
    few = edges(settings.checked({"lifecycle": {"days": [1, 2, 3]}}), found_at(as_of) | {"repeat_buyers": 29}, as_of)
    assert (few.stage_days, few.stage_basis) == ([1, 2, 3], "few")
    assert Edges.load(mean.dump()) == mean


def test_a_pool_without_orders_is_cut_by_the_limits_given(pool, alice, as_of):
    run = services.recalculate(pool=pool, as_of=as_of)
    assert run.edges["f"] == [1, 2, 4, 9]
    factories.order(alice, "A", as_of, 100)
    TouchedMember.objects.create(member=alice, pool=pool)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert MemberState.objects.get().r == 5


def test_equal_values_share_a_class_however_many_they_are(pool, as_of):
    """Nine one-time buyers of ten: a fifth of them may not be called frequent, as ntile would."""
    for n in range(10):
        who = factories.member(pool, f"M{n}")
        for i in range(1 if n < 9 else 3):
            factories.order(who, f"{n}-{i}", days_before(as_of, 10), 1000)
    services.recalculate(pool=pool, as_of=as_of)
    rows = MemberState.objects.order_by("member_id").values_list("r", "f", "rfm_group")
    assert list(rows) == [(1, 1, 0)] * 9 + [(1, 5, 3)]


def test_threshold_mode_uses_the_limits_as_said(pool, alice, bob, as_of):
    pool.settings = {"rfm": {"mode": "threshold", "high_from": 3, "m_amount": [100, 200, 300, 400]}}
    pool.save()
    for n in range(3):
        factories.order(alice, f"A{n}", days_before(as_of, 30 + n), 67)
    factories.order(bob, "B", days_before(as_of, 365), 200)
    services.recalculate(pool=pool, as_of=as_of)
    # Alice: exactly 30 days is no longer "within 30"; 3 orders; 201 in minor units. Bob: his order just left the window.
    assert list(MemberState.objects.order_by("member_id").values_list("r", "f", "m", "rfm_group")) == [(4, 3, 3, 7), (1, 1, 1, 0)]


def test_orders_that_vanish_reset_the_state(pool, alice, as_of):
    factories.order(alice, "A", days_before(as_of, 1), 100)
    services.recalculate(pool=pool, as_of=as_of)
    Order.objects.all().delete()
    services.recalculate(pool=pool, as_of=as_of + timedelta(days=1))
    state = MemberState.objects.get()
    assert (state.order_count, state.stage, state.rfm_group, state.r, state.last_order_at, state.stage_due) == (
        0,
        0,
        None,
        None,
        None,
        None,
    )
    assert list(StateChange.objects.filter(kind=2).order_by("at").values_list("from_code", "to_code")) == [(None, 0), (0, None)]


def test_a_merged_member_has_no_state_and_gets_one_back(pool, alice, bob, as_of):
    services.recalculate(pool=pool, as_of=as_of)
    Member.objects.filter(pk=bob.pk).update(merged_into=alice.pk)
    TouchedMember.objects.create(member=bob, pool=pool)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert list(MemberState.objects.values_list("pk", flat=True)) == [alice.pk]
    Member.objects.filter(pk=bob.pk).update(merged_into=None)
    TouchedMember.objects.create(member=bob, pool=pool)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=2))
    assert MemberState.objects.count() == 2


def test_pools_do_not_meet(pool, other_pool, alice, as_of):
    stranger = factories.member(other_pool, "Zoe")
    factories.order(stranger, "Z", days_before(as_of, 1), 100)
    services.recalculate(pool=pool, as_of=as_of)
    assert list(MemberState.objects.values_list("member_id", flat=True)) == [alice.pk]
    assert RecalculationRun.objects.get().edges["buyers"] == 0


def test_a_second_run_at_the_same_instant_writes_nothing(pool, alice, as_of):
    factories.order(alice, "A", days_before(as_of, 1), 100)
    services.recalculate(pool=pool, as_of=as_of)
    run = services.recalculate(pool=pool, as_of=as_of)
    written = {s["step"]: s["rows"] for s in run.steps}
    assert [written[name] for name in ("find_changes", "update_states", "insert_states", "insert_state_changes")] == [0, 0, 0, 0]
    assert StateChange.objects.count() == 2


def test_two_changes_at_one_instant_are_one_row_of_history(pool, alice, as_of):
    services.recalculate(pool=pool, as_of=as_of)
    factories.order(alice, "A", days_before(as_of, 100), 100)
    services.recalculate(pool=pool, as_of=as_of)
    assert list(StateChange.objects.filter(kind=1).values_list("from_code", "to_code")) == [(None, 3)]


def test_the_first_tick_of_a_pool_asks_for_a_full_run_once(pool, alice, as_of):
    for minutes in range(3):
        assert services.tick(pool=pool, as_of=as_of + timedelta(minutes=minutes)) is None
    assert JobRun.objects.get().key == f"recalculate:{pool.pk}"


def test_a_tick_with_most_of_the_pool_waiting_asks_for_a_full_run(pool, as_of, monkeypatch):
    services.recalculate(pool=pool, as_of=as_of)
    sql.run(
        "INSERT INTO members_member"
        " (id, pool_id, status, name, gender, province, city, attributes, joined_at, is_demo, updated_at)"
        " SELECT 1000000 + n, %(pool)s, 2, '', 0, '', '', '{}', now(), false, now() FROM generate_series(1, 1200) n",
        {"pool": pool.pk},
    )
    sql.run("INSERT INTO members_touchedmember (member_id, pool_id) SELECT id, pool_id FROM members_member WHERE id > 1000000")
    assert services.tick(pool=pool, as_of=as_of + timedelta(minutes=1)) is None
    assert JobRun.objects.count() == 1
    assert TouchedMember.objects.count() == 1200


# -- The files one by one ------------------------------------------------------------------------


def test_gathered_facts_are_the_same_for_a_pool_and_for_a_scope(pool, alice, bob, as_of):
    for n, (days, amount, status) in enumerate([(365, 1, 1), (364, 10, 1), (2, 100, 1), (1, 1000, 2), (-1, 5000, 1)]):
        factories.order(alice, f"A{n}", days_before(as_of, days), amount, status=status)
    factories.order(alice, "part", days_before(as_of, 3), 90, refunded=60)
    values = {"pool_id": pool.pk, **services.window(365, as_of)}
    ends = {"low": pg.Literal(alice.pk), "high": pg.Literal(alice.pk), "columns": pg.SQL("")}
    row = {
        "member_id": alice.pk,
        "order_count": 4,
        "amount_total": 141,
        "first_order_at": days_before(as_of, 365),
        "last_order_at": days_before(as_of, 2),
        "window_count": 3,  # the one of exactly 365 days ago is out
        "window_amount": 140,
        "window_due": days_before(as_of, 364) + timedelta(days=365),
    }
    assert sql.rows("segmentation/gather_facts", values, **ends) == [row]
    assert sql.rows("segmentation/gather_facts_of", values, scope=services.live(pool.pk), columns=pg.SQL("")) == [row]


def test_the_first_fact_ahead_is_of_any_kind(pool, other_pool, alice, bob, as_of):
    carol = factories.member(pool, "Carol")
    soon, later = (as_of + timedelta(minutes=n) for n in (1, 2))
    factories.order(alice, "A1", later, 100)
    factories.order(alice, "A2", soon, 100, status=2)  # not paid
    factories.event(alice, 1, soon + timedelta(seconds=1))
    factories.event(bob, 2, as_of)
    factories.event(bob, 3, later)
    factories.event(factories.member(other_pool, "X"), 4, soon)
    group = Community.objects.create(pool=pool, external_id="g", name="群", created_at=as_of)
    for n, at in enumerate((as_of, soon, later)):
        CommunityEvent.objects.create(member=carol, community=group, at=at, id=n, kind=3)
    ahead = {alice.pk: soon + timedelta(seconds=1), bob.pk: later, carol.pk: soon}
    values = {"pool_id": pool.pk, "as_of": as_of}
    for name, slots in (("find_future_facts", {}), ("find_future_facts_of", {"scope": services.live(pool.pk)})):
        found = sql.rows(f"segmentation/{name}", values, **slots)
        assert {row["member_id"]: row["at"] for row in found} == ahead


def test_an_event_of_a_clock_that_runs_fast_counts_when_its_time_has_come(pool, alice, as_of):
    factories.order(alice, "A1", days_before(as_of, 2), 100)
    services.recalculate(pool=pool, as_of=as_of)
    ahead = as_of + timedelta(minutes=5)
    write_events(pool=pool, events=[Sent("1", "view", ahead, alice.pk)], as_of=as_of)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert not TouchedMember.objects.exists()
    assert MemberState.objects.get(pk=alice.pk).facts_due == ahead
    services.tick(pool=pool, as_of=ahead)
    assert MemberState.objects.get(pk=alice.pk).facts_due > ahead


def test_measured_distributions(as_of):
    facts = pg.SQL(
        "(SELECT n AS order_count, timestamptz '2026-01-01+00' AS first_order_at,"
        " timestamptz '2026-01-01+00' + n * interval '1 day' AS last_order_at, n AS window_count, n * 10::bigint AS window_amount"
        " FROM generate_series(1, 10) AS n)"
    )
    found = sql.row("segmentation/measure_thresholds", {"interval_quantiles": [0.5, 0.9, 0.97]}, facts=facts)
    assert (found["buyers"], found["repeat_buyers"]) == (10, 9)
    assert found["window_count"] == [2, 4, 6, 8]
    assert [instant.day for instant in found["last_order_at"]] == [3, 5, 7, 9]
    assert (found["mean_window_count"], found["mean_window_amount"]) == (5, 55)  # 5.5 and 55, rounded down
    # n days over n - 1 gaps: 2, 1.5, 1.33 … 1.11 days
    assert [round(seconds / 86400, 2) for seconds in found["interval_seconds"]] == [1.2, 2.0, 2.0]


def test_due_and_crossed_members_are_found(pool, alice, bob, as_of):
    factories.order(alice, "A", days_before(as_of, 10), 100)
    factories.order(bob, "B", days_before(as_of, 20), 100)
    run = services.recalculate(pool=pool, as_of=as_of)
    nothing = {"crossed_after": [as_of], "crossed_until": [as_of], "schemes": []}

    def due(at, crossed=nothing):
        return sql.value("segmentation/is_recalculation_due", {"pool_id": pool.pk, "as_of": at, **crossed})

    assert not due(as_of)
    assert not due(as_of + timedelta(days=9, hours=23))
    assert due(as_of + timedelta(days=10))  # Bob falls silent
    assert due(as_of, {"schemes": [], "crossed_after": [days_before(as_of, 20.1)], "crossed_until": [days_before(as_of, 20)]})
    assert not due(as_of, {"schemes": [], "crossed_after": [days_before(as_of, 20)], "crossed_until": [days_before(as_of, 19)]})
    assert params(Edges.load(run.edges), as_of)["silent_after"] == timedelta(days=30)
    TouchedMember.objects.create(member=alice, pool=pool)
    assert due(as_of)


def test_moves_and_classes_are_counted(pool, alice, bob, as_of):
    factories.order(alice, "A", days_before(as_of, 10), 100)
    services.recalculate(pool=pool, as_of=as_of)
    assert sorted(sql.rows("segmentation/count_classes", {"pool_id": pool.pk}), key=lambda row: row["stage"]) == [
        {"stage": 0, "rfm_group": None, "members": 1},
        {"stage": 1, "rfm_group": 0, "members": 1},
    ]
    changes = pg.SQL(
        "(VALUES (1, 1, 2, 7, 7), (2, 1, 2, 7, 7), (3, 1, 1, NULL, 0), (4, 4, 4, 0, 0))"
        " AS v (id, old_stage, stage, old_group, rfm_group)"
    )
    found = sql.rows("segmentation/count_moves", changes=pg.SQL("(SELECT * FROM {})").format(changes))
    assert sorted(row["members"] for row in found) == [1, 2]


def test_leads_are_told_from_the_pass_over_events_as_from_events_of_their_own(pool, alice, bob, as_of):
    new = factories.member(pool, "Neu", joined_at=days_before(as_of, 4))
    for number, (member, days) in enumerate([(alice, 5), (alice, 40), (bob, 31), (new, -2), (new, -1)]):
        factories.event(member, number, days_before(as_of, days))
    for asked in ("gather_leads", "gather_leads_seen"):
        run = services.recalculate(pool=pool, as_of=as_of)
        assert asked in [step["step"] for step in run.steps]
        assert sorted(MemberState.objects.values_list("member_id", "lead", "stage_due")) == [
            (alice.pk, 2, days_before(as_of, -25)), (bob.pk, 3, None), (new.pk, 1, days_before(as_of, -1)),
        ]  # fmt: skip
        MemberState.objects.all().delete()
        standings.save(pool=pool, family="usage", name=f"a pass over events after {asked}", settings={}, actor=None)
