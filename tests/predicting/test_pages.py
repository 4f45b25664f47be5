"""Pages and endpoints of models: what they show, who may do what, and what is refused."""

from datetime import timedelta

import pytest

from members.models import MemberPrediction, MemberTag, TagGroup
from scrm.jobs.models import JobRun
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import scoring, services, training, words
from segmentation.predicting.declaring import NotEnoughData
from tests.predicting.conftest import START, fill
from tests.predicting.made import shoppers

pytestmark = pytest.mark.django_db
MIDDLE = START + timedelta(days=300)
BASE = "/p/demo/segments/predictions/"
METRIC = {
    "key": "auc", "value": 0.9, "low": 0.88, "high": 0.92, "baseline": 0.85, "change": 0.05, "change_low": 0.03,
    "change_high": 0.07, "main": True,
}  # fmt: skip


@pytest.fixture
def trained(pool):
    """The model of purchases, scored."""
    fill(pool, shoppers(400, 400))
    predictor = services.predictor_of(pool=pool, key="purchases")
    Predictor.objects.filter(pk=predictor.pk).update(is_on=True)
    predictor.refresh_from_db()
    version = training.train(predictor=predictor, as_of=MIDDLE)
    scoring.score(version=version, as_of=MIDDLE)
    return Predictor.objects.get(pk=predictor.pk)


def test_the_list_and_every_untouched_model_are_pages(pool, login):
    client = login("analyst")
    assert client.get(BASE).status_code == 200
    for key in ("churn", "halving", "purchases", "ltv", "next"):
        page = client.get(f"{BASE}{key}/")
        assert page.status_code == 200
        assert "还没有训练过" in page.content.decode()
    assert not Predictor.objects.exists(), "looking writes nothing"
    assert client.get(f"{BASE}no-such/").status_code == 404


def test_a_trained_models_page_tells_its_figures(trained, login):
    page = login("analyst").get(f"{BASE}purchases/").content.decode()
    version = ModelVersion.objects.get()
    main = next(each for each in version.metrics if each["main"])
    assert words.written(main["value"], "count") in page
    assert words.written(main["baseline"], "count") in page
    best = MemberPrediction.objects.order_by("-value").first()
    assert f"/members/{best.member_id}/" in page
    assert "评分最高的会员" in page
    assert "评分最低的会员" in login("analyst").get(f"{BASE}purchases/?side=low").content.decode()
    assert login("analyst").get(f"{BASE}purchases/?version=99999999999").status_code == 200


def test_the_instants_a_version_learnt_from_are_days_of_the_pool(trained, login):
    night = "2026-11-21T19:00:00+00:00"  # three in the morning of the 22nd in Shanghai
    for version in ModelVersion.objects.all():
        version.window |= {"reach": [night, night], "held_out": [night], "cutoffs": []}
        version.save()
    page = login("analyst").get(f"{BASE}purchases/").content.decode()
    assert page.count(">2026-11-22</time>") == 3
    assert "2026-11-21<" not in page


def test_a_model_that_does_not_beat_its_baseline_says_so(trained, login):
    ModelVersion.objects.update(beats=False)
    assert "没有证明优于基线" in login("analyst").get(f"{BASE}purchases/").content.decode()
    assert "不优于基线" in login("analyst").get(BASE).content.decode()


def test_lacking_data_is_said_with_numbers(pool, login, as_of):
    predictor = services.predictor_of(pool=pool, key="churn")
    fill(pool, shoppers(30, 20))
    found = training.train(predictor=predictor, as_of=as_of).sizes["lacking"]
    assert (found["code"], found["needed"]) == ("days", 120)
    page = login("analyst").get(f"{BASE}churn/").content.decode()
    assert "数据不足，没有训练" in page
    assert f"订单只跨 {found['found']} 天，这个周期长度至少要 120 天" in page


def test_a_training_that_lacked_data_stands_beside_the_version_in_use(trained, login, api, monkeypatch):
    def lacking(*_given):
        raise NotEnoughData("days", found=7, needed=120)

    with monkeypatch.context() as poor:
        poor.setattr(training, "_learn", lacking)
        training.train(predictor=trained, as_of=MIDDLE)
    page = login("analyst").get(f"{BASE}purchases/").content.decode()
    assert "最近一次训练没有得到新版本，仍以版本 1 为准" in page
    assert "订单只跨 7 天，这个周期长度至少要 120 天" in page
    assert "在没见过的购买上检验" in page
    said = api("analyst").get("/api/predictions/purchases/").json()
    assert (said["version"]["number"], said["state"]) == (1, "ready")
    ModelVersion.objects.filter(number=2).update(status="failed", error="ValueError: broken")
    assert "ValueError: broken" in login("analyst").get(f"{BASE}purchases/").content.decode()
    assert api("analyst").get("/api/predictions/purchases/").json()["state"] == "failed"


def test_switching_training_and_settings_are_jobs(pool, login):
    client = login("analyst")
    assert client.post(f"{BASE}churn/switch/", {"on": "1"}).status_code == 302
    job = JobRun.objects.get()
    assert (job.kind, job.params["train"]) == (services.JOB, True)
    assert client.post(f"{BASE}churn/save/", {"horizon_days": "45"}).status_code == 302
    assert Predictor.objects.get().settings == {"horizon_days": 45}
    refused = client.post(f"{BASE}churn/save/", {"horizon_days": "3"})
    assert refused.status_code == 422
    assert client.post(f"{BASE}churn/switch/", {"on": "0"}).status_code == 302
    assert not Predictor.objects.get().is_on


def test_a_tag_is_kept_by_value_in_the_units_people_use(trained, login, pool):
    group = TagGroup.objects.create(pool=pool, name="模型")
    given = {"group": group.pk, "name": "常客", "by": "value", "op": "gte", "value": "1.5"}
    assert login("admin").post(f"{BASE}purchases/tag/", given).status_code == 302
    ModelVersion.objects.update(beats=True)
    trained.refresh_from_db()
    assert trained.threshold == {"by": "value", "op": "gte", "value": 1.5}
    services.tag(predictor=trained, as_of=MIDDLE)
    expected = set(MemberPrediction.objects.filter(value__gte=1.5).values_list("member_id", flat=True))
    assert set(MemberTag.objects.filter(tag=trained.tag).values_list("member_id", flat=True)) == expected
    assert login("analyst").post(f"{BASE}purchases/tag/", given).status_code == 403
    assert "预期购买次数" in login("admin").get(f"/p/demo/tags/{trained.tag_id}/").content.decode()
    assert login("admin").post(f"{BASE}purchases/untag/").status_code == 302
    trained.refresh_from_db()
    assert (trained.tag, trained.threshold) == (None, None)
    churn = {**given, "value": "60"}
    assert login("admin").post(f"{BASE}churn/tag/", churn).status_code == 302
    assert Predictor.objects.get(key="churn").threshold["value"] == pytest.approx(0.6)


@pytest.mark.parametrize("name", ["model_calibration", "model_importance", "model_spread"])
@pytest.mark.parametrize("form", ["json", "html", "csv"])
def test_charts_of_a_version(trained, login, name, form):
    client, query = login("analyst"), "model=purchases&version=1"
    answer = client.get(f"/p/demo/charts/{name}.{form}?{query}")
    assert answer.status_code == 200
    if form == "json":
        assert answer.json()["option"]["series"]
    for bad in ("model=no&version=1", "model=purchases&version=7", "model=purchases&version=x", "model=churn&version=1", ""):
        assert client.get(f"/p/demo/charts/{name}.{form}?{bad}").status_code == 404


def test_the_members_tab_says_what_when_and_by_which_version(trained, login):
    row = MemberPrediction.objects.order_by("-value").first()
    page = login("marketer").get(f"/p/demo/members/{row.member_id}/panels/predictions/").content.decode()
    assert words.written(row.value, "count") in page
    assert "版本 1" in page


def test_the_api_lists_switches_trains_and_pages_scores(trained, api, pool):
    client = api("analyst")
    found = {each["key"]: each for each in client.get("/api/predictions/").json()}
    assert {"churn", "halving", "purchases", "ltv", "next"} <= set(found)
    assert (found["churn"]["state"], found["churn"]["is_on"], found["churn"]["version"]) == ("new", False, None)
    one = client.get("/api/predictions/purchases/").json()
    assert one["scored"] == MemberPrediction.objects.count()
    assert [each["main"] for each in one["version"]["metrics"]].count(True) == 1
    seen, after = [], 0
    while after is not None:
        page = client.get(f"/api/predictions/purchases/scores/?limit=150&after={after}").json()
        seen += [each["member"] for each in page["results"]]
        after = page["next"]
    assert seen == list(MemberPrediction.objects.order_by("member_id").values_list("member_id", flat=True))
    assert client.patch("/api/predictions/churn/", {"settings": {"horizon_days": 2}}, format="json").status_code == 422
    assert client.patch("/api/predictions/churn/", {"is_on": True, "settings": {"horizon_days": 40}}, format="json").json()[
        "is_on"
    ]
    assert client.post("/api/predictions/ltv/train/").status_code == 202
    assert [each["number"] for each in client.get("/api/predictions/purchases/versions/").json()] == [1]
    assert client.get("/api/predictions/no_such/").status_code == 404
    group = TagGroup.objects.create(pool=pool, name="模型")
    given = {"group": group.pk, "name": "常客", "by": "percentile", "op": "gte", "value": 90}
    assert client.put("/api/predictions/purchases/tag/", given, format="json").status_code == 403
    assert api("marketer").put("/api/predictions/purchases/tag/", given, format="json").json()["threshold"]["value"] == 90
    assert api("marketer").delete("/api/predictions/purchases/tag/").json()["tag"] is None
    assert api("operator").patch("/api/predictions/churn/", {"is_on": False}, format="json").status_code == 403


def test_verdicts_follow_the_limits_not_the_means():
    def verdict(**change):
        each = METRIC | change
        return words.verdict(each, words.said(each["key"]))

    assert verdict() == "better"
    assert verdict(change_low=-0.01) == "same"
    assert verdict(change_low=-0.07, change_high=-0.03) == "worse"
    assert verdict(key="rmse", change_low=-0.07, change_high=-0.03) == "better"
    assert verdict(key="total", value=0.9, baseline=1.2) == "better"
    assert verdict(key="total", value=None) == "same"
