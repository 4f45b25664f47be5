"""What stages are worth, on a table worked by hand: no look ahead, intervals, and what is said when rates do not rise."""

from datetime import timedelta

import pytest

from members.models import Order
from segmentation.recalculation import backtest, services
from segmentation.recalculation.settings import checked
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db


@pytest.fixture
def buyers(pool, as_of, monkeypatch):
    """Ten, each last seen 5, 15 … 95 days before the cutoff 60 days ago; every third came back since."""
    monkeypatch.setattr(backtest, "ENOUGH", 10)
    pool.settings = {"lifecycle": {"mode": "fixed", "days": [20, 40, 70], "horizon_days": 60}}
    pool.save()
    people = [factories.member(pool, f"M{n}") for n in range(10)]
    for n, who in enumerate(people):
        factories.order(who, f"A{n}", days_before(as_of, 60 + 5 + 10 * n), 100)
        if n % 3 == 0:
            factories.order(who, f"B{n}", days_before(as_of, 30), 100)
    return people


def judged(pool, as_of):
    run = services.recalculate(pool=pool, as_of=as_of)
    return backtest.keep(run)


def test_stages_of_the_cutoff_are_held_against_what_followed(pool, buyers, as_of):
    found = judged(pool, as_of)
    assert (found["horizon"], found["buyers"], found["basis"]) == (60, 10, "fixed")
    assert found["cutoff"] == days_before(as_of, 60).isoformat()
    # ages 5 and 15 | 25 and 35 | 45, 55 and 65 | 75, 85 and 95; numbers 0, 3, 6 and 9 came back
    assert [(row["members"], row["stayed_away"]) for row in found["stages"]] == [(2, 1), (2, 1), (3, 2), (3, 2)]
    assert not found["rises"]  # twice the same rate is no rise
    # fixed 30/90/180: 5, 15 and 25 days | 35 … 85 | 95
    assert found["auc"] == pytest.approx((1 * (0 + 0.5) + 1 * (1 + 0.5) + 2 * (2 + 0.5) + 2 * (3 + 0.5)) / 24)
    assert found["fixed_auc"] == pytest.approx((2 * 0.5 + 4 * (1 + 1) + 0 * 0) / 24)


def test_what_followed_changes_no_stage_of_the_cutoff(pool, buyers, as_of):
    before = judged(pool, as_of)
    Order.objects.filter(number__startswith="B").delete()
    after = judged(pool, as_of)
    assert [row["members"] for row in after["stages"]] == [row["members"] for row in before["stages"]]
    assert [row["rate"] for row in after["stages"]] == [1, 1, 1, 1]
    assert after["auc"] is None


def test_rates_that_rise_are_said_to(pool, buyers, as_of):
    Order.objects.filter(number__in=["B6", "B9"]).delete()
    factories.order(buyers[1], "B1", as_of - timedelta(days=1), 100)
    found = judged(pool, as_of)
    assert [row["rate"] for row in found["stages"]] == [0, 0.5, 1, 1]
    assert not found["rises"]
    factories.order(buyers[5], "B5", as_of, 100)
    assert judged(pool, as_of)["rises"]


def test_a_young_pool_has_nothing_to_judge_by(pool, alice, as_of):
    factories.order(alice, "A", days_before(as_of, 3), 100)
    assert judged(pool, as_of)["stages"] == []


def test_without_a_horizon_it_is_taken_from_the_rhythm(pool, alice, as_of):
    for n in range(3):
        factories.order(alice, f"A{n}", days_before(as_of, 40 * n + 1), 100)
    services.recalculate(pool=pool, as_of=as_of)
    run = services.recalculate(pool=pool, as_of=as_of)
    assert backtest.keep(run)["horizon"] == 90  # twice forty days
    pool.settings = {"lifecycle": checked({"lifecycle": {"horizon_days": 30}}).lifecycle.model_dump()}
    pool.save()
    assert judged(pool, as_of)["horizon"] == 30


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 17), (450, 1000)])
def test_the_interval_is_wilsons(hits, n):
    from statsmodels.stats.proportion import proportion_confint

    assert backtest.wilson(hits, n) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-6)
    assert backtest.wilson(0, 0) == (None, None)
