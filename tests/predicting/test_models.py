"""The frame around models: nothing later is seen, the same gives the same, everybody is scored, crashes are mended."""

import numpy as np
import pytest

from members.models import Member, MemberPrediction, MemberTag, Order, TagGroup
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.lib.problems import Problem
from segmentation.models import ModelVersion
from segmentation.predicting import scoring, services, training
from segmentation.predicting.declaring import models
from segmentation.predicting.learners import Trees
from segmentation.predicting.services import Threshold
from tests.predicting.conftest import MIDDLE, fill, row, scores_of
from tests.predicting.made import shoppers

pytestmark = pytest.mark.django_db
KEYS = ["churn", "halving", "purchases", "ltv", "next"]


def same(one, other):
    return all(
        (a is None and b is None) or np.array_equal(a, b, equal_nan=True)
        for a, b in ((one.value, other.value), (one.more, other.more), (one.code, other.code))
    )


def test_every_declared_model_is_tried_here():
    with_more = {"category", "coupon", "clusters", "lookalike", "promotion", "novelty", "activity"}
    assert {each.key for each in models()} == {*KEYS, *with_more}


@pytest.mark.parametrize("key", KEYS)  # the others: test_classes.py and test_habits.py, with the data they need
def test_nothing_after_the_cutoff_is_seen(shop, key):
    """Every later row is corrupted: neither what was learnt nor any score may change."""
    predictor = row(shop, key)
    version, members, scores = scores_of(predictor, MIDDLE)
    sql.run("UPDATE members_order SET amount = amount * 1000 + 7, discount = 999999 WHERE placed_at > %(at)s", {"at": MIDDLE})
    sql.run(
        "UPDATE members_order SET status = 2, refunded = amount, refunded_at = %(at)s + interval '1 hour'"
        " WHERE placed_at > %(at)s - interval '20 days' AND id %% 3 = 0",
        {"at": MIDDLE},
    )
    sql.run("DELETE FROM members_order WHERE placed_at > %(at)s AND id %% 5 = 0", {"at": MIDDLE})
    again, others, corrupted = scores_of(predictor, MIDDLE)
    assert (members == others).all()
    assert same(scores, corrupted)
    assert again.params == version.params


@pytest.mark.parametrize("key", KEYS)
def test_the_same_data_and_seed_give_the_same_scores(shop, key):
    predictor = row(shop, key)
    one, members, scores = scores_of(predictor, MIDDLE)
    two, _members, others = scores_of(predictor, MIDDLE)
    assert same(scores, others)
    assert (one.params, one.metrics, one.importance, one.calibration) == (
        two.params,
        two.metrics,
        two.importance,
        two.calibration,
    )
    assert two.number == one.number + 1
    assert one.calibration
    assert all(np.isfinite(each["value"]) for each in one.importance)
    assert one.importance[0]["value"] > 0, "something it was told helps"
    assert len(members) == len(set(members.tolist()))
    assert np.isfinite(scores.value).any()


def test_everybody_with_a_purchase_is_scored_and_ranked(shop):
    predictor = row(shop, "churn", is_on=True)
    version = training.train(predictor=predictor, as_of=MIDDLE)
    count = scoring.score(version=version, as_of=MIDDLE)
    predictor.refresh_from_db()
    rows = list(MemberPrediction.objects.filter(predictor_id=predictor.pk).order_by("value", "member_id"))
    assert count == predictor.scored == len(rows) > 300
    assert [each.percentile for each in rows] == sorted(each.percentile for each in rows)
    assert (rows[0].percentile, rows[-1].percentile) == (1, 100)
    assert all(0 <= each.value <= 1 for each in rows)
    assert sum(bar[2] for bar in predictor.spread) == count
    assert (predictor.version_id, predictor.scored_as_of) == (version.pk, MIDDLE)
    before = {each.member_id: each.value for each in rows}
    assert scoring.score(version=version, as_of=MIDDLE) == count
    assert before == dict(MemberPrediction.objects.filter(predictor_id=predictor.pk).values_list("member_id", "value"))


def test_who_was_merged_or_erased_is_not_scored(shop):
    predictor = row(shop, "purchases", is_on=True)
    version = training.train(predictor=predictor, as_of=MIDDLE)
    scoring.score(version=version, as_of=MIDDLE)
    gone, other = (
        MemberPrediction.objects.filter(predictor_id=predictor.pk).order_by("member_id").values_list("member_id", flat=True)[:2]
    )
    Order.objects.filter(member_id=gone).delete()
    Member.objects.filter(pk=gone).update(merged_into=other)
    scoring.score(version=version, as_of=MIDDLE)
    assert not MemberPrediction.objects.filter(predictor_id=predictor.pk, member_id=gone).exists()


def test_percentiles_of_equal_and_unknown_scores():
    found = scoring.percentiles(np.array([3.0, 1.0, 1.0, np.nan, 2.0]))
    assert found[:3].tolist() == [76, 1, 1]
    assert np.isnan(found[3])
    assert found[4] == 51
    assert np.isnan(scoring.percentiles(np.array([np.nan]))).all()


def test_too_little_data_says_what_is_missing(pool, as_of):
    for key in KEYS:
        version = training.train(predictor=row(pool, key), as_of=as_of)
        assert (version.status, version.sizes["lacking"]["code"]) == ("lacking", "members")
    fill(pool, shoppers(30, 20))
    for key in KEYS:
        version = training.train(predictor=row(pool, key), as_of=as_of)
        assert (version.status, version.sizes["lacking"]["code"]) == ("lacking", "days")
        assert str(version.sizes["lacking"]["found"]) in version.error


def test_one_time_buyers_and_zero_spend_break_nothing(pool, as_of):
    log = shoppers(300, 400).groupby("member").head(1)
    fill(pool, log.assign(amount=0.0))
    for key in KEYS:
        version = training.train(predictor=row(pool, key), as_of=as_of)
        assert version.status in ("lacking", "ready"), version.error
        if version.status == "ready":
            _members, scores = scoring.find(version, as_of)
            assert np.isfinite(scores.value).any()


def test_a_job_trains_scores_and_tags_and_a_second_start_goes_on(shop, staff):
    predictor = row(shop, "halving")
    group = TagGroup.objects.create(pool=shop, name="模型")
    services.set_tag(
        predictor=predictor, group=group, name="或将减半", threshold=Threshold(by="percentile", op="gte", value=81), actor=None
    )
    job = services.switch(predictor=predictor, on=True, actor=staff["analyst"])
    assert running.run(job.pk, heart=False) == JobRun.Status.DONE
    predictor.refresh_from_db()
    version = services.latest(predictor)
    assert (version.job_id, version.actor) == (job.pk, staff["analyst"])
    expected = MemberPrediction.objects.filter(predictor_id=predictor.pk, percentile__gte=81).count() if version.beats else 0
    assert MemberTag.objects.filter(tag=predictor.tag).count() == predictor.tagged == expected
    assert predictor.tag_note == ("" if version.beats else "not_proven")
    # Killed after training: the same job takes its version up again rather than train another one.
    JobRun.objects.filter(pk=job.pk).update(status="queued", key=None, finished_at=None)
    assert running.run(job.pk, heart=False) == JobRun.Status.DONE
    assert ModelVersion.objects.filter(predictor=predictor).count() == 1


def test_killed_while_training_leaves_no_half_version(shop, monkeypatch):
    predictor = row(shop, "purchases", is_on=True)
    job = services.ask(predictor=predictor, train=True, actor=None)

    def die(*_args, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(training, "_judge", die)
        with pytest.raises(KeyboardInterrupt):
            running.run(job.pk, heart=False)
    assert ModelVersion.objects.get(predictor=predictor).status == ModelVersion.Status.TRAINING
    JobRun.objects.filter(pk=job.pk).update(status="queued")
    assert running.run(job.pk, heart=False) == JobRun.Status.DONE
    assert [each.status for each in ModelVersion.objects.filter(predictor=predictor)] == ["ready"]
    assert MemberPrediction.objects.filter(predictor_id=predictor.pk).exists()


def test_cancelled_while_training_leaves_no_version(shop):
    predictor = row(shop, "purchases", is_on=True)

    def stop(done, total):
        raise running.Stopped("cancelled")

    with pytest.raises(running.Stopped):
        training.train(predictor=predictor, as_of=MIDDLE, report=stop)
    assert not ModelVersion.objects.exists()


def test_cancelled_while_scoring_writes_nothing(shop):
    predictor = row(shop, "purchases", is_on=True)
    version = training.train(predictor=predictor, as_of=MIDDLE)

    def stop(done, total):
        raise running.Stopped("cancelled")

    with pytest.raises(running.Stopped):
        scoring.score(version=version, as_of=MIDDLE, report=stop)
    assert not MemberPrediction.objects.exists()


def test_a_model_that_does_not_beat_its_baseline_tags_nobody(shop):
    predictor = row(shop, "churn", is_on=True)
    group = TagGroup.objects.create(pool=shop, name="模型")
    version = training.train(predictor=predictor, as_of=MIDDLE)
    scoring.score(version=version, as_of=MIDDLE)
    threshold = Threshold(by="percentile", op="gte", value=91)
    services.set_tag(predictor=predictor, group=group, name="将流失", threshold=threshold, actor=None)
    ModelVersion.objects.filter(pk=version.pk).update(beats=True)
    assert services.tag(predictor=predictor, as_of=MIDDLE) > 0
    ModelVersion.objects.filter(pk=version.pk).update(beats=False)
    assert services.tag(predictor=predictor, as_of=MIDDLE) == 0
    predictor.refresh_from_db()
    assert predictor.tag_note == "not_proven"
    assert not MemberTag.objects.exists()


def test_thresholds_and_settings_that_make_no_sense_are_refused(shop):
    predictor = row(shop, "churn")
    group = TagGroup.objects.create(pool=shop, name="模型")
    for by, op, value in (("percentile", "gte", 0), ("rank", "gte", 5), ("value", "eq", 0.5)):
        with pytest.raises(Problem):
            services.set_tag(
                predictor=predictor, group=group, name="t", threshold=Threshold(by=by, op=op, value=value), actor=None
            )
    for bad in ({"horizon_days": 3}, {"horizon_days": "soon"}, {"no_such": 1}):
        with pytest.raises(Problem) as refused:
            services.configure(predictor=predictor, settings=bad, actor=None)
        assert next(iter(bad)) in refused.value.fields


def test_kept_trees_that_lead_out_of_bounds_are_refused():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 3))
    trees = Trees.fit(x, (x[:, 0] > 0).astype(float), seed=1)
    assert np.array_equal(Trees.load(trees.dump()).predict(x), trees.predict(x))
    for column, value in (("left", 10_000), ("left", 0), ("feature_idx", 3), ("feature_idx", -1), ("is_categorical", 1)):
        broken = trees.nodes.copy()
        place = np.flatnonzero(broken["is_leaf"] == 0)[0]
        broken[column][place] = value
        with pytest.raises(ValueError, match="a kept tree"):
            Trees.load(Trees(broken, trees.ends, trees.start, 3).dump())
