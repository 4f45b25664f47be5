"""What the models must be worth on real purchases they had not seen."""

import numpy as np
import pytest

from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import btyd, judging, training
from tests.predicting.conftest import fill

pytestmark = pytest.mark.django_db


def trained(pool, key, as_of, **settings):
    predictor = Predictor.objects.create(pool=pool, key=key, settings=settings)
    version = training.train(predictor=predictor, as_of=as_of)
    assert version.status == ModelVersion.Status.READY, version.error
    return version, {each["key"]: each for each in version.metrics}


def test_churn_beats_a_good_rfm_model(journey, later):
    version, found = trained(journey, "churn", later, horizon_days=30)
    assert version.beats
    assert found["auc"]["change_low"] > 0
    assert found["auc"]["change"] >= 0.01
    assert found["ece"]["value"] <= 0.03
    assert found["brier"]["value"] <= 0.11


def test_halving_is_seen_where_rfm_sees_nothing(journey, later):
    version, found = trained(journey, "halving", later, horizon_days=30)
    assert version.beats
    assert found["auc"]["value"] >= 0.75
    assert found["auc"]["baseline"] < 0.72


def test_purchases_of_cdnow_beat_the_best_rule(pool, cdnow, later):
    fill(pool, cdnow)
    version, found = trained(pool, "purchases", later, horizon_days=273)
    assert version.beats
    assert found["rmse"]["value"] <= 0.97 * found["rmse"]["baseline"]
    assert found["mae"]["value"] <= 0.9 * found["mae"]["baseline"]
    assert found["capture20"]["value"] >= found["capture20"]["baseline"] - 0.01
    worth, figures = trained(pool, "ltv", later, horizon_days=273)
    assert worth.beats
    assert figures["capture20"]["value"] >= figures["capture20"]["baseline"] - 0.01
    wait, figures = trained(pool, "next", later, horizon_days=120)
    assert wait.beats
    assert all(each["change"] < 0 for each in figures.values())


def test_cdnow_in_the_literatures_own_cut(cdnow):
    """39 weeks learnt from, 39 forecast; against the better of the last 39 weeks and the personal rate."""
    people = btyd.summarise(cdnow.member, cdnow.day, cdnow.amount, 273)
    model = btyd.fit(people.x, people.tx, people.T)
    later = cdnow[(cdnow.day > 273) & (cdnow.day <= 546)].groupby("member").day.nunique()
    y = later.reindex(people.member).fillna(0).to_numpy()
    ours = judging.mae(y, btyd.expected_purchases(model, 273, people.x, people.tx, people.T))
    rules = (people.x, (people.x + 1) / np.maximum(people.T, 1) * 273, people.x + 1)
    assert ours <= 0.9 * min(judging.mae(y, rule) for rule in rules)
