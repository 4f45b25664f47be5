"""The statistics against published figures, an independent library, and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as oracle
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportion_effectsize

from campaigns import statistics as s


def moments(y: np.ndarray, x: np.ndarray | None = None) -> s.Moments:
    x = np.zeros_like(y) if x is None else x
    return s.Moments(len(y), float(y.sum()), float((y * y).sum()), float(x.sum()), float((x * x).sum()), float((x * y).sum()))


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),  # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
    ],
)
def test_newcombe_gives_the_published_intervals(table: tuple[int, int, int, int], low: float, high: float) -> None:
    found = s.newcombe(*table)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_hillstrom_mailing_has_its_known_effect() -> None:
    # MineThatData e-mail experiment, women's mailing against no mailing, visits: +4.52 points [3.89, 5.16].
    found = s.newcombe(3238, 21387, 2262, 21306)
    assert [round(100 * part, 2) for part in (found.value, found.low, found.high)] == [4.52, 3.89, 5.16]


counts = st.tuples(st.integers(1, 400), st.integers(1, 400)).map(lambda pair: (min(pair), max(pair)))


@settings(max_examples=150, deadline=None)
@given(counts, counts)
def test_intervals_of_rates_agree_with_statsmodels(one: tuple[int, int], two: tuple[int, int]) -> None:
    found = s.wilson(*one)
    assert (found.low, found.high) == pytest.approx(proportion_confint(*one, method="wilson"), abs=1e-12)
    found = s.newcombe(*one, *two)
    assert (found.low, found.high) == pytest.approx(confint_proportions_2indep(*one, *two, method="newcomb"), abs=1e-12)
    found = s.relative_lift(*one, *two)
    wanted = confint_proportions_2indep(*one, *two, compare="ratio", method="log-adjusted")
    assert (found.low + 1, found.high + 1) == pytest.approx(wanted, rel=1e-9)


def test_welch_agrees_with_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(3, 1.2, 900), rng.lognormal(2.9, 1.0, 100)
    wanted = oracle.ttest_ind(a, b, equal_var=False).confidence_interval()
    found = s.welch(moments(a), moments(b))
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=1e-9)


def test_cuped_is_welch_on_what_the_past_does_not_explain() -> None:
    rng = np.random.default_rng(2)
    past = rng.gamma(2, 50, 1000)
    y = 0.8 * past + rng.normal(0, 20, 1000)
    x_t, x_c, y_t, y_c = past[:900], past[900:], y[:900] + 5, y[900:]
    treated, base = moments(y_t, x_t), moments(y_c, x_c)
    theta = (np.cov(x_t, y_t)[0, 1] * 899 + np.cov(x_c, y_c)[0, 1] * 99) / (x_t.var(ddof=1) * 899 + x_c.var(ddof=1) * 99)
    wanted = oracle.ttest_ind(y_t - theta * x_t, y_c - theta * x_c, equal_var=False).confidence_interval()
    found = s.cuped(treated, base)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), rel=1e-6)
    raw = s.welch(treated, base)
    assert found.high - found.low < 0.5 * (raw.high - raw.low)
    assert s.variance_kept(treated, base) == pytest.approx((found.high - found.low) ** 2 / (raw.high - raw.low) ** 2, rel=0.02)


def test_an_arm_without_variance_or_members_does_not_crash() -> None:
    assert s.cuped(s.Moments(10), s.Moments(10)).value == 0
    assert not s.cuped(s.Moments(1), s.Moments(0)).is_known
    assert not s.newcombe(0, 0, 0, 10).is_known
    assert not s.relative_lift(1, 10, 0, 0).is_known
    assert s.relative_lift(0, 10, 0, 10).is_known


def test_sample_ratio_mismatch() -> None:
    assert s.srm(900, 100, 0.1) == 1
    assert s.srm(9000, 1000, 0.1) > 0.9
    assert s.srm(8600, 1400, 0.1) < s.SRM_ALARM
    assert s.srm(460, 40, 0.1) == pytest.approx(oracle.chisquare([460, 40], [450, 50]).pvalue)
    assert s.srm(10, 0, 0.0) == 1  # no control group was planned


def test_the_smallest_detectable_effect_is_found_four_times_in_five() -> None:
    gap = s.detectable(0.3, 900, 100)
    effect = proportion_effectsize(0.3 + gap, 0.3)
    power = NormalIndPower().power(effect, nobs1=900, ratio=100 / 900, alpha=0.05)
    assert power == pytest.approx(0.8, abs=0.05)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    rounds, truth, inside, inside_ratio = 1500, 0.05 - 0.03, 0, 0
    for _ in range(rounds):
        hits, base = rng.binomial(1800, 0.05), rng.binomial(200, 0.03)
        found, lift = s.newcombe(hits, 1800, base, 200), s.relative_lift(hits, 1800, base, 200)
        inside += found.low <= truth <= found.high
        inside_ratio += lift.low <= 0.05 / 0.03 - 1 <= lift.high
    assert 0.935 <= inside / rounds <= 0.985
    assert 0.93 <= inside_ratio / rounds <= 0.985


def test_revenue_intervals_cover_a_heavy_tail_better_with_cuped() -> None:
    rng = np.random.default_rng(4)
    rounds, inside = 600, 0
    for _ in range(rounds):
        past = rng.lognormal(3, 1, 1000)
        y = past * rng.lognormal(0, 0.4, 1000)
        found = s.cuped(moments(y[:900], past[:900]), moments(y[900:], past[900:]))
        inside += found.low <= 0 <= found.high
    assert 0.92 <= inside / rounds <= 0.98
