"""The chain against small tables worked by hand."""

from datetime import timedelta

import pytest

from members.models import MemberState, Order, StateChange, TouchedMember
from members.models.state import LeadStage, Stage
from segmentation.models import RecalculationRun
from segmentation.recalculation import services
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db


def test_facts_scores_stage_and_history_of_three_members(pool, alice, bob, as_of):
    charlie = factories.member(pool, "Charlie")
    for n, (days, amount) in enumerate([(400, 100), (100, 3000), (40, 5000), (10, 2000)]):
        factories.order(alice, f"A{n}", days_before(as_of, days), amount)
    factories.order(bob, "B1", days_before(as_of, 200), 900)
    factories.order(bob, "B2", days_before(as_of, 20), 700, status=Order.Status.REFUNDED)
    services.recalculate(pool=pool, as_of=as_of)

    a = MemberState.objects.get(member=alice)
    assert (a.order_count, a.amount_total, a.window_count, a.window_amount) == (4, 10100, 3, 10000)
    assert (a.first_order_at, a.last_order_at) == (days_before(as_of, 400), days_before(as_of, 10))
    assert a.interval_days == pytest.approx(130)
    # the mean is (10 + 200) / 2 days, 2 orders, 5450: Alice is above each
    assert (a.rfm_group, a.stage, a.stage_due) == (7, Stage.ACTIVE, days_before(as_of, 10) + timedelta(days=30))
    assert a.facts_due == days_before(as_of, 100) + timedelta(days=365)
    b = MemberState.objects.get(member=bob)
    assert (b.order_count, b.rfm_group, b.stage, b.stage_due, b.interval_days) == (1, 0, Stage.LOST, None, None)
    c = MemberState.objects.get(member=charlie)
    assert (c.order_count, c.r, c.f, c.m, c.rfm_group, c.stage, c.facts_due) == (0, None, None, None, None, Stage.LEAD, None)
    assert set(StateChange.objects.values_list("member_id", "kind", "from_code", "to_code")) == {
        (alice.pk, 1, None, 1), (alice.pk, 2, None, 7), (bob.pk, 1, None, 4), (bob.pk, 2, None, 0), (charlie.pk, 1, None, 0),
        (charlie.pk, 3, None, LeadStage.COLD),
    }  # fmt: skip


def test_a_tick_moves_a_touched_member_and_one_whose_stage_is_due(pool, alice, bob, as_of):
    factories.order(alice, "A1", days_before(as_of, 29), 100)
    factories.order(bob, "B1", days_before(as_of, 200), 100)
    services.recalculate(pool=pool, as_of=as_of)
    factories.order(bob, "B2", as_of, 300)
    TouchedMember.objects.create(member=bob, pool=pool)
    later = as_of + timedelta(days=2)
    run = services.tick(pool=pool, as_of=later)
    assert run is not None
    assert {s["step"]: s["rows"] for s in run.steps}["take_touched"] == 2
    assert MemberState.objects.get(member=alice).stage == Stage.SILENT
    assert MemberState.objects.get(member=bob).stage == Stage.ACTIVE
    assert list(
        StateChange.objects.filter(at=later, kind=1).order_by("to_code").values_list("member_id", "from_code", "to_code")
    ) == [
        (bob.pk, 4, 1),
        (alice.pk, 1, 2),
    ]
    assert not TouchedMember.objects.exists()
    assert services.tick(pool=pool, as_of=later + timedelta(minutes=1)) is None
    assert RecalculationRun.objects.order_by("-id")[0].until == later + timedelta(minutes=1)
