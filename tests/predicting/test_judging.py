"""How scores are judged, and on what: hand-worked figures, limits that hold, windows that nothing was learnt from."""

from datetime import timedelta

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from segmentation.predicting import judging, training
from segmentation.predicting.classifying import better, enough
from segmentation.predicting.declaring import Ask, Metric, NotEnoughData, models
from segmentation.predicting.training import Span, cut
from tests.predicting.conftest import START


def plan_of(declared, days=900):
    ask = Ask(1, "UTC", START + timedelta(days=days), declared.settings())
    return ask, cut(declared, ask, Span(START, START + timedelta(days=days), 1000))


@pytest.mark.parametrize("declared", [each for each in models() if each.key != "coupon"], ids=lambda each: each.key)
def test_nothing_is_learnt_from_what_it_is_judged_on(declared):
    """Every answer learnt from is over before the held-out window begins, and that window is over by the newest order."""
    ask, plan = plan_of(declared)
    horizon = declared.horizon(ask.settings)
    assert plan.held
    for at, earlier in zip(plan.held, plan.before, strict=True):
        assert at + horizon <= plan.newest
        assert all(each + horizon <= at for each in earlier)
        assert len(earlier) <= declared.windows
    assert len(set(plan.held)) == len(plan.held)


def test_too_short_a_history_is_refused_with_the_days_it_takes():
    declared = next(each for each in models() if each.key == "churn")
    with pytest.raises(NotEnoughData) as lacking:
        plan_of(declared, 100)
    assert (lacking.value.code, lacking.value.found, lacking.value.needed) == ("days", 100, 120)
    assert len(plan_of(declared, 120)[1].held) == 1


def test_calibration_is_counted_in_equal_parts_with_wilsons_limits():
    p = np.repeat([0.1, 0.8], 50)
    y = np.r_[np.ones(5), np.zeros(45), np.ones(30), np.zeros(20)]
    low, high = judging.calibration([y], [p], share=True, bins=2)
    assert (low["predicted"], low["actual"], low["members"]) == (pytest.approx(0.1), 0.1, 50)
    assert (low["low"], low["high"]) == (pytest.approx(0.0435, abs=1e-4), pytest.approx(0.2136, abs=1e-4))
    assert (high["predicted"], high["actual"]) == (pytest.approx(0.8), 0.6)
    assert judging.ece(y, p, 2) == pytest.approx((0 * 50 + 0.2 * 50) / 100)
    assert judging.ece(y, np.repeat([0.1, 0.6], 50), 2) == pytest.approx(0)


def test_areas_are_those_of_sklearn_and_limits_hold_them():
    rng = np.random.default_rng(3)
    y = (rng.random(3000) < 0.3).astype(float)
    good, poor = y + rng.normal(size=3000), rng.normal(size=3000).round(1)
    found = judging.auc_metric([y], [good], [poor])
    assert found.value == pytest.approx(roc_auc_score(y, good))
    assert found.baseline == pytest.approx(roc_auc_score(y, poor))
    assert found.low < roc_auc_score(y, good) < found.high
    assert better(found)
    assert better(judging.auc_metric([y], [poor], [poor])) is False


def test_bootstrap_limits_are_as_wide_as_chance_makes_them():
    """Of a mean absolute error: 1.96 standard errors."""
    rng = np.random.default_rng(4)
    y = rng.normal(size=4000)
    found = judging.compare("mae", judging.mae, [y], [np.zeros(4000)], [np.zeros(4000)], 1)
    assert found.high - found.value == pytest.approx(1.96 * np.abs(y).std() / np.sqrt(4000), rel=0.25)
    assert (found.change, found.change_low, found.change_high) == (0, 0, 0)
    assert better(found, less=True) is False
    assert better(Metric("x", 1.0)) is None


def test_rare_answers_are_refused():
    with pytest.raises(NotEnoughData) as lacking:
        enough(np.r_[np.ones(29), np.zeros(500)])
    assert (lacking.value.code, lacking.value.found) == ("answers", 29)
    enough(np.r_[np.ones(30), np.zeros(500)])
    with pytest.raises(NotEnoughData):
        enough(np.zeros(199))


def test_who_lifts_most_comes_first():
    y = np.r_[np.ones(5), np.zeros(95)]
    assert judging.lift(y, -np.arange(100.0)) == pytest.approx(10)
    assert judging.capture(y * 200, -np.arange(100.0)) == 1
    falls = judging.importance(["told", "noise"], np.c_[y, np.arange(100.0)], lambda x: x[:, 0], lambda p: judging.rmse(y, p), 1)
    assert [name for name, _value in falls] == ["told", "noise"]
    assert falls[1][1] == 0


def test_every_model_says_what_it_is():
    for declared in models():
        assert all(str(getattr(declared, name)) for name in ("title", "about", "baseline", "value_label", "unproven")), (
            declared.key
        )
        assert len(declared.more_labels) == len(declared.more_units), declared.key
        assert training.ROWS <= 200_000
