"""The SQL of results on a table small enough to work out by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns import behind, results
from campaigns.assignment import HOLDOUT, TREATED
from campaigns.models import Campaign, JourneyVersion, Layer, Participant, Run
from campaigns.statistics import Moments
from members.models import Member, Order, Pool
from scrm.lib import clock
from tests import factories
from touchpoints.models import Connector, Delivery, Step

S = Delivery.Status


@pytest.fixture
def table(pool: Pool, connector: Connector, as_of: datetime) -> dict[str, Any]:
    """Six members entered ten days ago for a window of seven days: four treated in two layers, two held out.

    | who | arm     | layer | delivery          | before | in the window                    |
    | a   | treated | one   | clicked           | 3 yuan | 10 + 5, and 100 refunded whole   |
    | b   | treated | one   | opened            | –      | 99 on the first instant after it |
    | c   | treated | two   | suppressed        | 4      | 20 minus 8 refunded              |
    | d   | treated | two   | failed            | –      | pending, cancelled: nothing      |
    | e   | holdout | one   | –                 | 2      | 6, on the very first instant     |
    | f   | holdout | two   | –                 | –      | –                                |
    """
    start, day = as_of - timedelta(days=10), timedelta(days=1)
    campaign = Campaign.objects.create(pool=pool, name="手算", goal_days=7, unit_cost=50, holdout_percent=30, status="finished")
    one, two = (Layer.objects.create(campaign=campaign, position=n, name=name) for n, name in enumerate(("one", "two")))
    version = JourneyVersion.objects.create(campaign=campaign, n=1, graph={})
    run = Run.objects.create(campaign=campaign, slot=start, version=version, entered=6, entered_at=start, phase="done")
    step = Step.objects.create(pool=pool, source=f"campaign:{campaign.pk}:run:{run.pk}:send", connector=connector, due_at=start)
    who: dict[str, Member] = {}
    for name, arm, layer in (("a", 1, one), ("b", 1, one), ("c", 1, two), ("d", 1, two), ("e", 0, one), ("f", 0, two)):
        who[name] = factories.member(pool, name)
        Participant.objects.create(member=who[name], run=run, arm=arm, layer=layer, entered_at=start, node="exit")
    orders = [
        ("a", -1, 300, {}), ("a", 1, 1000, {}), ("a", 2, 500, {}),
        ("a", 3, 10_000, {"refunded": 10_000, "status": Order.Status.REFUNDED}),
        ("b", 7, 9900, {}),
        ("c", -6.9, 400, {}), ("c", -7.1, 77_700, {}), ("c", 3, 2000, {"refunded": 800}),
        ("d", 1, 5000, {"status": Order.Status.PENDING}), ("d", 2, 5000, {"status": Order.Status.CANCELLED}),
        ("e", -2, 200, {}), ("e", 0, 600, {}),
    ]  # fmt: skip
    for n, (name, days, amount, more) in enumerate(orders):
        factories.order(who[name], f"N{n}", start + days * day, amount, **more)
    for name, status, times in (
        ("a", S.CLICKED, {"sent_at": start, "delivered_at": start, "clicked_at": start}),
        ("b", S.READ, {"sent_at": start, "opened_at": start}),
        ("c", S.SUPPRESSED, {"reason": "cap_day"}),
        ("d", S.FAILED, {"reason": "bad_recipient", "failed_at": start}),
    ):
        Delivery.objects.create(member=who[name], step=step, pool=pool, status=status, next_at=start, **times)
    return {"run": run, "campaign": campaign, "one": one, "two": two, "who": who}


def test_the_goal_counts_paid_net_orders_inside_the_window(table: dict[str, Any], as_of: datetime) -> None:
    found = results.measure(table["run"], as_of)
    one, two = table["one"].pk, table["two"].pk
    assert found[TREATED, one] == results.Arm(1, 2, Moments(2, 1500, 1500**2, 300, 300**2, 1500 * 300))
    assert found[TREATED, two] == results.Arm(1, 1, Moments(2, 1200, 1200**2, 400, 400**2, 1200 * 400))
    assert found[HOLDOUT, one] == results.Arm(1, 1, Moments(1, 600, 600**2, 200, 200**2, 600 * 200))
    assert found[HOLDOUT, two] == results.Arm(0, 0, Moments(1))


def test_orders_after_the_instant_of_asking_do_not_count_yet(table: dict[str, Any], as_of: datetime) -> None:
    found = results.measure(table["run"], as_of - timedelta(days=10) + timedelta(days=1, hours=1))
    assert found[TREATED, table["one"].pk].spend.y == 1000
    assert found[TREATED, table["two"].pk].buyers == 0


def test_the_funnel_by_arm_and_layer(table: dict[str, Any], as_of: datetime) -> None:
    funnel = results.funnel_of(table["run"], as_of)
    one, two = table["one"].pk, table["two"].pk
    assert funnel.of(TREATED, one, every_layer=False) == results.Counts(
        members=2, sent=2, delivered=2, opened=2, clicked=1, ordered=1
    )
    assert funnel.of(TREATED, two, every_layer=False) == results.Counts(members=2, ordered=1, failed=1, suppressed=1)
    assert funnel.holdout == results.Counts(members=2, ordered=1)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("treated:any:entered", "abcd"), ("holdout:any:entered", "ef"), ("any:any:ordered", "ace"),
        ("treated:any:sent", "ab"),
        ("treated:any:opened", "ab"), ("treated:any:clicked", "a"),
        ("treated:any:failed", "d"), ("treated:any:failed:bad_recipient", "d"),
        ("treated:any:failed:bounced", ""), ("treated:any:suppressed:cap_day", "c"), ("treated:any:delivered", "ab"),
        ("holdout:any:ordered", "e"), ("treated:any:redeemed", ""),
    ],
)  # fmt: skip
def test_the_members_behind_a_figure_are_those_it_counts(
    table: dict[str, Any], pool: Pool, as_of: datetime, monkeypatch: pytest.MonkeyPatch, value: str, names: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: as_of)
    found = behind.members(pool, f"{table['run'].pk}:{value}")
    assert set(found) == {table["who"][name].pk for name in names}


def test_a_layer_narrows_the_members_behind_a_figure(table: dict[str, Any], pool: Pool, other_pool: Pool) -> None:
    value = f"{table['run'].pk}:treated:{table['two'].pk}:ordered"
    assert set(behind.members(pool, value)) == {table["who"]["c"].pk}
    assert behind.describe(pool, value) == "手算 · two · 触达组 · 已下单"
    assert not behind.members(other_pool, value)
    for nonsense in ("x", "1:both", "1:any:any:eaten", "1:any:any:sent:a:b"):
        with pytest.raises(ValueError):
            behind.members(pool, nonsense)


def test_conversions_add_up_day_by_day(table: dict[str, Any], as_of: datetime) -> None:
    curves = results.conversions_by_day(table["run"], as_of)
    # a on the second day (24 h after entering), c on the fourth; e in the first instant of the first.
    assert curves == {TREATED: [0, 1, 1, 2, 2, 2, 2], HOLDOUT: [1] * 7}
    early = results.conversions_by_day(table["run"], as_of - timedelta(days=8))
    assert early == {TREATED: [0, 1], HOLDOUT: [1, 1]}


def test_cost_counts_what_was_sent_and_few_conversions_are_no_conclusion(table: dict[str, Any], as_of: datetime) -> None:
    found = results.results(table["campaign"], as_of)
    assert found.cost == 2 * 50
    assert (found.verdict, found.is_over) == ("too_few", True)
    assert found.whole.difference.value == pytest.approx(2 / 4 - 1 / 2)
    assert found.whole.revenue_raw.value == pytest.approx(2700 / 4 - 600 / 2)
    assert found.whole.extra_revenue.value == pytest.approx(found.whole.revenue.value * 4)
    assert found.roi is not None
    assert found.roi.value == pytest.approx(found.whole.extra_revenue.value / 100 - 1)


def arm(buyers: int, members: int) -> results.Arm:
    return results.Arm(buyers, buyers, Moments(members, buyers * 100.0, buyers * 10_000.0))


@pytest.mark.parametrize(
    ("treated", "holdout", "days_in", "verdict"),
    [
        (arm(0, 0), arm(0, 0), 20, "empty"),
        (arm(60, 900), results.NOBODY, 20, "no_control"),
        (arm(300, 900), arm(300, 900), 20, "mismatch"),
        (arm(60, 900), arm(49, 100), 20, "too_few"),
        (arm(600, 900), arm(50, 100), 3, "early"),
        (arm(450, 900), arm(50, 100), 20, "none"),
        (arm(700, 900), arm(50, 100), 20, "better"),
        (arm(300, 900), arm(50, 100), 20, "worse"),
    ],
)
def test_the_verdict_is_careful(treated: results.Arm, holdout: results.Arm, days_in: int, verdict: str, as_of: datetime) -> None:
    campaign, run = Campaign(goal_days=14, holdout_percent=10), Run(entered_at=as_of - timedelta(days=days_in))
    found = results.Results(campaign, run, as_of, results.Funnel({}), results.Comparison(treated, holdout))
    assert found.verdict == verdict
