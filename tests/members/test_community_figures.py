"""Figures of a group's health, worked out by hand."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members.communities import health
from members.communities.health import Counts, judge
from members.models import (
    CommunityPolicy,
)

POLICY = CommunityPolicy()
NOW = datetime(2026, 11, 1, 4, tzinfo=UTC)


def counts(**given: Any) -> Counts:
    base: dict[str, Any] = {
        "created_at": NOW - timedelta(days=100),
        "as_of": NOW,
        "members": 100,
        "ever": 120,
        "joins": 10,
        "leaves": 20,
        "month_days": 2800.0,
        "week_days": 700.0,
        "senders": 20,
        "reported_senders": None,
        "messages": 210,
        "is_heard": True,
        "weeks": [200] * 8,
    }
    return Counts(**{**base, **given})


def test_figures_by_hand() -> None:
    found = judge(counts(), POLICY)
    assert found.active_share == 0.20
    assert found.message_rate == 0.30
    assert found.net_share == pytest.approx(-10 / 110)
    assert found.leave is not None
    assert found.leave.value == pytest.approx(20 / 2800)
    assert found.parts == {
        "active": 1.0,
        "talk": 1.0,
        "growth": pytest.approx((0.10 - 10 / 110) / 0.10),
        "trend": pytest.approx(1.0),
    }
    assert found.score == round(100 * (0.4 + 0.2 + 0.2 * (0.10 - 10 / 110) / 0.10 + 0.2))
    assert (found.warnings, found.is_dying) == ([], False)


def test_poisson_limits_are_garwoods() -> None:
    """Table values: 10 events lie between 4.795 and 18.39; none seen, at most 3.689."""
    ten = health.rate(10, 1)
    assert [ten.low, ten.high] == pytest.approx([4.795, 18.390], abs=1e-3)
    none = health.rate(0, 10)
    assert [none.value, none.low, none.high] == pytest.approx([0, 0, 0.3689], abs=1e-4)


def test_a_pure_decay_is_found_exactly() -> None:
    """Halved every week; with ten people 0.02 × 7 × 10 = 1.4 messages a week are quiet, log2(last / 1.4) weeks on."""
    weeks = [round(1_000_000 / 2**n) for n in range(8)]
    found = judge(counts(members=10, weeks=weeks), POLICY)
    assert found.trend is not None
    assert found.trend.value == pytest.approx(-0.5, abs=1e-4)
    assert found.life is not None
    assert found.life.value == pytest.approx(7 * math.log2(weeks[-1] / 1.4), rel=1e-3)
    assert found.life.low <= found.life.value <= found.life.high


@given(st.floats(-0.6, 0.3), st.integers(500, 5000))
@settings(max_examples=60, deadline=None)
def test_bounds_of_the_trend_hold_the_truth_of_noiseless_weeks(slope: float, first: int) -> None:
    fitted = health.fit([round(first * math.exp(slope * week)) for week in range(8)])
    assert fitted is not None
    assert fitted.low <= fitted.slope <= fitted.high
    assert fitted.low - 0.01 <= slope <= fitted.high + 0.01


def test_noise_is_not_taken_for_a_decline() -> None:
    found = judge(counts(weeks=[300, 40, 350, 60, 280, 50, 310, 30]), POLICY)
    assert found.life is None
    assert found.life_note == "steady"


@pytest.mark.parametrize(
    ("weeks", "note"), [([], "short"), ([90, 80, 70], "short"), ([5, 4, 6, 5], "few"), ([0, 0, 0, 0, 0, 0, 0, 0], "few")]
)
def test_not_enough_data_is_said(weeks: list[int], note: str) -> None:
    found = judge(counts(weeks=weeks), POLICY)
    assert (found.life, found.life_note, found.trend) == (None, note, None)
    assert "trend" not in found.parts


@given(st.lists(st.integers(0, 400), min_size=4, max_size=8))
@settings(max_examples=150, deadline=None)
def test_whatever_the_weeks_figures_stay_finite_and_ordered(weeks: list[int]) -> None:
    found = judge(counts(weeks=weeks), POLICY)
    for each in (found.trend, found.life):
        if each is not None:
            assert all(map(math.isfinite, (each.value, each.low, each.high)))
            assert each.low <= each.value <= each.high
    assert found.score is None or 0 <= found.score <= 100


def test_reports_name_no_senders_so_the_busiest_day_is_a_lower_bound() -> None:
    found = judge(counts(senders=0, reported_senders=15), POLICY)
    assert (found.active, found.active_share, found.is_active_at_least) == (15, 0.15, True)
    assert judge(counts(senders=0, reported_senders=150), POLICY).active_share == 1.0


def test_a_group_nobody_listens_to_is_not_called_silent() -> None:
    found = judge(counts(senders=0, messages=0, is_heard=False, weeks=[]), POLICY)
    assert (found.active_share, found.message_rate, found.score) == (None, None, None)
    assert found.warnings == []


def test_dying_needs_several_warnings_and_some_age() -> None:
    quiet: dict[str, Any] = {"senders": 1, "messages": 3, "weeks": [200] * 8}
    assert judge(counts(**quiet), POLICY).warnings == ["inactive", "silent", "weak"]
    assert judge(counts(**quiet), POLICY).is_dying
    assert not judge(counts(**quiet, created_at=NOW - timedelta(days=13)), POLICY).is_dying
    assert not judge(counts(**quiet), CommunityPolicy(warnings=4)).is_dying
    assert judge(counts(members=0, ever=5), POLICY).is_dying
    assert judge(counts(joins=0, leaves=12, members=100), POLICY).warnings == ["shrinking"]
