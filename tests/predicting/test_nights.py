"""Nights: what is trained and scored, what is left in use, and that no model stands in the way of another."""

from datetime import timedelta

import pytest
from pyroaring import BitMap

from members.models import MemberPrediction, MemberTag, Order, TagGroup
from members.usage import InUse
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import sql
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import scoring, services, training
from segmentation.predicting.declaring import NotEnoughData
from segmentation.predicting.services import Threshold
from segmentation.segments import services as segments
from tests.predicting.conftest import MIDDLE, row, scores_of

pytestmark = pytest.mark.django_db


def test_nights_train_what_is_old_and_score_the_rest(shop):
    predictor = row(shop, "purchases", is_on=True)
    row(shop, "ltv")
    assert services.due(shop, MIDDLE) == [(predictor, True)]
    training.train(predictor=predictor, as_of=MIDDLE)
    assert services.due(shop, MIDDLE + timedelta(days=6)) == [(predictor, False)]
    # The beat of the same hour a week later: the version was made some minutes after it.
    assert services.due(shop, MIDDLE + timedelta(days=7, minutes=-9)) == [(predictor, True)]
    services.configure(predictor=predictor, settings={"horizon_days": 60}, actor=None)
    assert services.due(shop, MIDDLE)[0][1]


def test_models_that_read_the_same_are_one_job_and_say_what_each_says_alone(shop, monkeypatch):
    alone = {key: scores_of(row(shop, key, is_on=True), MIDDLE) for key in ("churn", "halving")}
    read, copy_rows = [], sql.copy_rows
    monkeypatch.setattr(sql, "copy_rows", lambda name, *given, **slots: read.append(name) or copy_rows(name, *given, **slots))
    jobs = services.ask_night(pool=shop, as_of=MIDDLE + timedelta(days=9))
    assert [len(job.params["predictors"]) for job in jobs] == [2]
    assert services.ask_night(pool=shop, as_of=MIDDLE + timedelta(days=9)) == jobs
    JobRun.objects.filter(pk=jobs[0].pk).update(watermark={"as_of": MIDDLE.isoformat()})
    assert running.run(jobs[0].pk, heart=False) == JobRun.Status.DONE
    instants = len(alone["churn"][0].window["cutoffs"]) + len(alone["churn"][0].window["held_out"])
    assert read.count("segmentation/predicting/gather_windows") == instants + 1, "each instant once, and everybody once"
    for key, (version, members, scores) in alone.items():
        again = services.latest(row(shop, key))
        assert (again.job_id, again.params, again.metrics) == (jobs[0].pk, version.params, version.metrics)
        kept = dict(MemberPrediction.objects.filter(predictor_id=again.predictor_id).values_list("member_id", "value"))
        assert kept == dict(zip(members.tolist(), scores.value.tolist(), strict=True))


def test_one_that_fails_does_not_keep_the_others_of_its_job(shop, monkeypatch):
    for key in ("purchases", "ltv", "next"):
        row(shop, key, is_on=True)
    (job,) = services.ask_night(pool=shop, as_of=MIDDLE)
    learn = training._learn

    def broken(predictor, *given):
        if predictor.key == "purchases":
            raise ValueError("broken")
        return learn(predictor, *given)

    monkeypatch.setattr(training, "_learn", broken)
    with pytest.raises(ValueError, match="broken"):
        services.refresh(
            wanted=[(Predictor.objects.select_related("pool").get(pk=pk), train) for pk, train in job.params["predictors"]],
            as_of=MIDDLE, job_id=job.pk, actor=None, report=lambda *_told: None,
        )  # fmt: skip
    scored = set(MemberPrediction.objects.values_list("predictor_id", flat=True).distinct())
    assert scored == {row(shop, key).pk for key in ("ltv", "next")}
    assert ModelVersion.objects.get(predictor__key="purchases").status == ModelVersion.Status.FAILED


def refreshed(wanted, as_of, report=lambda *_told: None):
    """As a job of the night does it: [(predictor, train)]."""
    return services.refresh(wanted=wanted, as_of=as_of, job_id=None, actor=None, report=report)


def lacking(monkeypatch):
    """From now on no training finds enough."""

    def learn(*_given):
        raise NotEnoughData("offers", found=0, needed=2)

    monkeypatch.setattr(training, "_learn", learn)


def test_a_training_that_lacks_data_leaves_the_older_version_in_use(shop, monkeypatch):
    predictor = row(shop, "purchases", is_on=True)
    refreshed([(predictor, True)], MIDDLE)
    good = services.latest(predictor)
    week = MIDDLE + timedelta(days=7)
    with monkeypatch.context() as poor:
        lacking(poor)
        (found,) = refreshed([(predictor, True)], week)
    assert (found["status"], found["scored_by"]) == ("lacking", good.number)
    assert found["scored"] == MemberPrediction.objects.count() > 300
    predictor = row(shop, "purchases")
    assert (predictor.version, predictor.scored_as_of) == (good, week)
    # What was tried counts: not again every night, and what it lacked is said once.
    assert services.due(shop, week + timedelta(days=1)) == [(predictor, False)]
    assert services.due(shop, week + timedelta(days=7)) == [(predictor, True)]
    lacking(monkeypatch)
    for n in range(1, 4):
        training.train(predictor=predictor, as_of=week + timedelta(days=7 * n))
    assert list(ModelVersion.objects.order_by("number").values_list("number", "status")) == [(1, "ready"), (2, "lacking")]


def test_the_version_in_use_outlives_the_failures_after_it(shop, monkeypatch):
    predictor = row(shop, "purchases", is_on=True)
    used, _older, newest = (training.train(predictor=predictor, as_of=MIDDLE) for _ in range(3))
    scoring.score(version=used, as_of=MIDDLE)
    monkeypatch.setattr(services, "KEPT", 2)
    monkeypatch.setattr(training, "_learn", lambda *_given: 1 / 0)
    for _night in range(4):
        with pytest.raises(ZeroDivisionError):
            refreshed([(predictor, True)], MIDDLE)
    kept = ModelVersion.objects.order_by("number").values_list("number", flat=True)
    assert list(kept) == [used.number, newest.number, 5, 6, 7]
    assert row(shop, "purchases").version == used


def test_where_nobody_has_bought_anything_any_more_nobody_is_scored(shop):
    predictor = row(shop, "purchases", is_on=True)
    refreshed([(predictor, True)], MIDDLE)
    Order.objects.all()._raw_delete(using="default")
    (found,) = refreshed([(predictor, True)], MIDDLE)
    assert (found["status"], found["scored"]) == ("lacking", 0)
    assert not MemberPrediction.objects.exists()


def test_one_that_cannot_be_scored_does_not_keep_the_others(shop, monkeypatch):
    wanted = [(row(shop, key, is_on=True), True) for key in ("purchases", "ltv", "next")]
    refreshed(wanted, MIDDLE)
    MemberPrediction.objects.all().delete()
    later = MIDDLE + timedelta(days=1)
    Order.objects.filter(pk__in=Order.objects.order_by("-placed_at").values("pk")[:5]).delete()
    broken = services.latest(wanted[0][0])
    ModelVersion.objects.filter(pk=broken.pk).update(params={})
    with pytest.raises(KeyError, match="counts"):
        refreshed([(predictor, False) for predictor, _train in wanted], later)
    assert {each.key: each.scored_as_of for each in Predictor.objects.all()} == {"purchases": MIDDLE, "ltv": later, "next": later}
    scored = MemberPrediction.objects.values_list("predictor_id", flat=True).distinct()
    assert set(scored) == {predictor.pk for predictor, _train in wanted[1:]}
    with pytest.raises(KeyError):
        scoring.score(version=services.latest(wanted[0][0]), as_of=later)


def test_a_classifier_that_knows_other_columns_is_trained_anew(shop):
    predictor = row(shop, "churn", is_on=True)
    version = training.train(predictor=predictor, as_of=MIDDLE)
    assert not services.is_stale(predictor, MIDDLE)
    params = version.params | {"columns": version.params["columns"][1:]}
    ModelVersion.objects.filter(pk=version.pk).update(params=params)
    assert services.is_stale(predictor, MIDDLE)


def test_one_switched_off_while_it_is_scored_stays_without_scores(shop):
    predictor = row(shop, "purchases", is_on=True)
    refreshed([(predictor, True)], MIDDLE)
    group = TagGroup.objects.create(pool=shop, name="模型")
    threshold = Threshold(by="percentile", op="gte", value=50)
    services.set_tag(predictor=predictor, group=group, name="常客", threshold=threshold, actor=None)
    ModelVersion.objects.update(beats=True)
    tagged = services.tag(predictor=predictor, as_of=MIDDLE)

    def switch_off(phase, _done, _total):
        if phase == "score":
            services.switch(predictor=predictor, on=False, actor=None)

    (found,) = refreshed([(row(shop, "purchases"), False)], MIDDLE, switch_off)
    assert (found["scored"], found["tagged"]) == (0, None)
    assert not MemberPrediction.objects.exists()
    assert row(shop, "purchases").version is None
    assert MemberTag.objects.count() == tagged > 0, "who carries the tag keeps it"
    # One that is off is scored when somebody asks for just that.
    off = row(shop, "purchases")
    assert scoring.score(version=services.latest(off), as_of=MIDDLE) == MemberPrediction.objects.count() > 0


def test_switching_off_takes_the_scores_back(shop):
    predictor = row(shop, "purchases", is_on=True)
    scoring.score(version=training.train(predictor=predictor, as_of=MIDDLE), as_of=MIDDLE)
    services.switch(predictor=predictor, on=False, actor=None)
    predictor.refresh_from_db()
    assert not MemberPrediction.objects.exists()
    assert (predictor.version, predictor.scored, predictor.is_on) == (None, 0, False)
    assert ModelVersion.objects.filter(predictor=predictor).exists()


def test_what_rules_ask_for_is_not_switched_off(shop, login):
    seeds, others = (
        segments.fix(pool=shop, name=name, ids=BitMap([1]), actor=None, as_of=MIDDLE) for name in ("seeds", "others")
    )
    churn, mine, other = (row(shop, key, is_on=True) for key in ("churn", f"lookalike:{seeds.pk}", f"lookalike:{others.pk}"))
    rule = {
        "any": [
            {"fact": "churn_percentile", "op": "gte", "value": 90},
            {"fact": "lookalike_percentile", "op": "gte", "value": 90, "of": [seeds.pk]},
        ]
    }
    made = segments.save(pool=shop, name="leaving", rule=rule, actor=None)
    for needed in (churn, mine):
        with pytest.raises(InUse) as caught:
            services.switch(predictor=needed, on=False, actor=None)
        assert (caught.value.code, caught.value.fields) == ("model.in_use", {"uses": ["leaving"]})
    services.switch(predictor=other, on=False, actor=None)
    home = f"/p/{shop.slug}/segments/predictions/churn/"
    assert "leaving" in login("marketer").post(f"{home}switch/", {"on": "0"}, follow=True).content.decode()
    assert row(shop, "churn").is_on
    segments.archive(segment=made, actor=None)
    services.switch(predictor=churn, on=False, actor=None)
