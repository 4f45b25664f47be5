"""Shares against shares: worked out by hand, degenerate, and how often their intervals hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.portraits.comparing import against, between, effect
from segmentation.portraits.cutting import edges_of, round_off


def test_tgi_and_its_interval_by_hand() -> None:
    """40 of 100 in the segment, 60 of 300 in the pool: 40 % against 20 %, and 20 of 200 in the rest."""
    found = against(40, 100, 60, 300)
    assert (found.share, found.pool_share, found.tgi) == (0.4, 0.2, 200)
    ratio = (40.5 / 100.5) / (20.5 / 200.5)
    spread = 1.959964 * math.sqrt(1 / 40.5 - 1 / 100.5 + 1 / 20.5 - 1 / 200.5)
    low, high = (100 * r / (r / 3 + 2 / 3) for r in (ratio * math.exp(-spread), ratio * math.exp(spread)))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.low is not None
    assert 155 < found.low < 200
    assert found.differs
    assert found.effect == pytest.approx(2 * math.asin(math.sqrt(0.4)) - 2 * math.asin(math.sqrt(0.2)))


def test_degenerate_figures_are_finite_or_nothing() -> None:
    nobody = against(0, 0, 50, 100)
    assert (nobody.tgi, nobody.low, nobody.differs, nobody.effect) == (None, None, False, 0.0)
    whole = against(50, 100, 50, 100)
    assert (whole.tgi, whole.low, whole.high, whole.differs) == (100, 100, 100, False)
    one = against(1, 1, 30, 100)
    assert one.tgi == pytest.approx(333.33, abs=0.01)
    assert one.few
    assert not one.differs
    none_of_them = against(0, 100, 100, 1000)
    assert none_of_them.tgi == 0
    assert none_of_them.low == 0
    assert none_of_them.differs
    assert against(0, 100, 0, 1000).tgi is None


@given(st.data())
def test_the_index_lies_in_its_interval_and_below_what_is_possible(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 10_000))
    size = data.draw(st.integers(0, total))
    members = data.draw(st.integers(0, size))
    usual = data.draw(st.integers(members, members + total - size))
    found = against(members, size, usual, total)
    if found.tgi is not None:
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.tgi <= found.high <= max(100 * total / size, 100) * (1 + 1e-9)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    """Also of a segment that is most of its pool, where shares that are taken for independent give 100 %."""
    chance = np.random.default_rng(4)
    for n, m, p, q in ((200, 9_800, 0.08, 0.05), (9_500, 500, 0.05, 0.02)):
        truth = 100 * p / ((n * p + m * q) / (n + m))
        drawn = [(int(a), int(a + b)) for a, b in zip(chance.binomial(n, p, 4000), chance.binomial(m, q, 4000), strict=True)]
        found = [against(a, n, both, n + m) for a, both in drawn]
        held = sum(1 for each in found if each.low is not None and each.high is not None and each.low <= truth <= each.high)
        assert 0.935 < held / 4000 < 0.965


def test_two_segments_by_hand_and_when_they_share_members() -> None:
    apart = between((30, 100), (20, 100), (0, 0))
    assert apart.index == pytest.approx(150)
    spread = 1.959964 * math.sqrt(1 / 30.5 - 1 / 100.5 + 1 / 20.5 - 1 / 100.5)
    assert apart.low == pytest.approx(100 * 30.5 / 20.5 * math.exp(-spread))
    assert not apart.differs
    same = between((30, 100), (30, 100), (30, 100))
    assert (same.index, same.effect, same.differs) == (100, 0, False)
    assert same.low == pytest.approx(100)
    assert same.high == pytest.approx(100)
    overlapping = between((30, 100), (20, 100), (15, 60))
    assert overlapping.low is not None
    assert apart.low is not None
    assert overlapping.low > apart.low
    nested = between((479, 649), (638, 1310), (479, 649))
    parts = ((479.5 / 650, 649, 1 / 479.5 - 1 / 638.5), (159.5 / 662, 661, 1 / 638.5))
    variance = sum(size * p * (1 - p) * weight**2 for p, size, weight in parts)
    assert nested.low == pytest.approx(100 * (479.5 / 649.5) / (638.5 / 1310.5) * math.exp(-1.959964 * math.sqrt(variance)))
    assert between((0, 0), (20, 100), (0, 0)).index is None
    assert between((20, 100), (0, 100), (0, 0)).index is None


def test_intervals_of_segments_that_share_members_hold_the_truth_too() -> None:
    """One inside the other, whose members differ from the others of it."""
    chance = np.random.default_rng(5)
    inside, others = chance.binomial(300, 0.4, 4000), chance.binomial(500, 0.15, 4000)
    truth = 100 * 0.4 / ((300 * 0.4 + 500 * 0.15) / 800)
    found = [between((int(c), 300), (int(c + d), 800), (int(c), 300)) for c, d in zip(inside, others, strict=True)]
    held = sum(1 for each in found if each.low is not None and each.high is not None and each.low <= truth <= each.high)
    assert 0.935 < held / 4000 < 0.965


def test_effects_do_not_grow_with_the_number_of_members() -> None:
    assert against(4000, 10_000, 60_000, 300_000).effect == pytest.approx(against(40, 100, 60, 300).effect)
    assert effect(0.5, 0.5) == 0


def test_numbers_are_cut_at_numbers_with_two_digits() -> None:
    assert [round_off(each) for each in (0, 7, 12_345, 98_765, -1234)] == [0, 7, 12_000, 99_000, -1200]
    assert edges_of(np.array([3, 1, 1, 2])) == [2, 3]
    assert edges_of(np.arange(1, 1001)) == [200, 400, 600, 800]
    assert edges_of(np.array([], np.int64)) == []
    assert edges_of(np.array([5] * 99 + list(range(10, 20)))) == [], "nearly everybody has the same"
