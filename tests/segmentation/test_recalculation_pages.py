"""The settings page: shown, tried, saved, refused."""

from datetime import timedelta

import pytest

from members.models import MemberState, Pool
from scrm.jobs.models import JobRun
from scrm.staff.models import AuditEntry
from segmentation.recalculation import preview as trying
from segmentation.recalculation import services
from segmentation.recalculation.forms import LifecycleForm, RfmForm
from segmentation.recalculation.settings import Choices
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db
URL = "/p/demo/segments/models/"


@pytest.fixture
def computed(pool, alice, bob, as_of):
    for n, days in enumerate((5, 50, 95)):
        factories.order(alice, f"A{n}", days_before(as_of, days), 10000)
    factories.order(bob, "B", days_before(as_of, 200), 2_000)
    return services.recalculate(pool=pool, as_of=as_of)


def _filled(values):
    return {key: "" if value is None else str(value) for key, value in values.items() if value is not False}


def form(**changes):
    return _filled(RfmForm.initial_of(Choices()) | changes)


def stages(**changes):
    return _filled(LifecycleForm.initial_of(Choices()) | changes)


def test_the_page_shows_edges_and_runs_even_before_the_first_one(login, pool, alice):
    assert "还没有算过" in login("analyst").get(URL).content.decode()


def test_the_page_explains_what_holds(login, computed):
    page = login("marketer").get(URL + "lifecycle/").content.decode()
    assert "复购会员只有 1 人" in page
    assert "还不足以回测" not in page  # nothing was judged yet
    page = login("marketer").get(URL).content.decode()
    assert "立即重算" not in page  # a marketer may look


def test_a_preview_counts_and_writes_nothing(login, computed, pool, alice):
    before = list(MemberState.objects.order_by("pk").values())
    answer = login("analyst").post(
        URL + "lifecycle/preview/", stages(stage_mode="fixed", silent_days=2, sleeping_days=6, lost_days=400)
    )
    assert answer.status_code == 200
    # Alice goes from active to silent or on, Bob from lost to sleeping
    assert "2 人换生命周期阶段" in answer.content.decode()
    assert list(MemberState.objects.order_by("pk").values()) == before
    assert Pool.objects.get(pk=pool.pk).settings == {}


def test_a_preview_of_the_same_window_needs_no_orders(login, computed, pool, alice, bob):
    given = stages(stage_mode="fixed", silent_days=100, sleeping_days=300, lost_days=400)
    answer = login("analyst").post(URL + "lifecycle/preview/", given)
    assert "将有 0 人换 RFM 分组" in answer.content.decode()
    same = trying.preview(pool=pool, choices=Choices(), as_of=computed.as_of)
    assert (same.regrouped, same.restaged) == (0, 0)
    assert [group.change for group in same.groups] == [0] * 8


def test_bad_choices_are_named(login, computed):
    answer = login("analyst").post(URL + "lifecycle/preview/", stages(sleeping_days=20))
    assert answer.status_code == 422
    assert "逐级变大" in answer.content.decode()
    assert (
        login("analyst").post(URL + "lifecycle/save/", stages(silent_share=90, sleeping_share=80, lost_share=95)).status_code
        == 422
    )
    assert login("analyst").post(URL + "save/", form(f3=1)).status_code == 422


def test_saving_keeps_audits_and_queues_one_run(login, computed, pool, as_of):
    client = login("analyst")
    for _ in range(2):
        assert client.post(URL + "lifecycle/save/", stages(stage_mode="fixed", silent_days=3)).status_code == 302
        assert client.post(URL + "save/", form(mode="threshold")).status_code == 302
    assert Pool.objects.get(pk=pool.pk).settings["lifecycle"]["days"] == [3, 90, 180]
    assert AuditEntry.objects.filter(action="models.save", pool_id=pool.pk).count() == 4
    assert JobRun.objects.filter(kind=services.KIND).count() == 1
    run = services.recalculate(pool=pool, as_of=as_of + timedelta(days=1))
    assert run.edges["stage_days"] == [3, 90, 180]
    assert run.edges["r"] == [n * 86400 for n in (365, 180, 90, 30)]
    assert run.edges["f"] == [1, 2, 4, 9]


@pytest.mark.parametrize("what", ["preview/", "save/", "lifecycle/preview/", "lifecycle/save/", "run/"])
def test_only_those_who_may_recalculate_change_anything(login, computed, what):
    assert login("marketer").post(URL + what, form()).status_code == 403


def test_asking_for_a_run_queues_it(login, computed, pool):
    assert login("admin").post(URL + "run/").status_code == 302
    assert JobRun.objects.get().key == f"recalculate:{pool.pk}"


# -- The same over the API -----------------------------------------------------------------------


def test_the_api_shows_tries_saves_and_lists(api, computed, pool):
    client = api("analyst")
    now = client.get("/api/models/").json()
    assert now["settings"]["rfm"]["mode"] == "mean"
    assert sum(group["now"] for group in now["groups"]) == 2
    sent = {"lifecycle": {"mode": "fixed", "days": [2, 6, 400]}, "rfm": {"window_days": 60}}
    tried = client.post("/api/models/preview/", sent).json()
    assert tried["restaged"] == 2
    assert Pool.objects.get(pk=pool.pk).settings == {}
    assert client.put("/api/models/settings/", sent).json()["job"] == JobRun.objects.get().pk
    assert Pool.objects.get(pk=pool.pk).settings["rfm"]["window_days"] == 60
    assert client.post("/api/models/run/").status_code == 202
    assert client.get("/api/models/runs/").json()[0]["steps"][0]["step"] == "gather_facts"


def test_the_api_tells_who_went_where_and_which_kinds_there_are(api, computed, pool, alice, as_of):
    services.recalculate(pool=pool, as_of=as_of + timedelta(days=100))
    client = api("marketer")
    assert [each["kind"] for each in client.get("/api/models/kinds/").json()] == [1, 3, 2]
    days = {"since": (as_of + timedelta(days=1)).date(), "until": (as_of + timedelta(days=101)).date()}
    found = client.get("/api/models/moves/", {"kind": 1, **days}).json()
    assert (found["moved"], found["stayed"]) == (1, 1)  # Alice fell asleep, Bob was lost and is
    assert {(way["from_label"], way["to_label"], way["members"]) for way in found["ways"]} == {
        ("活跃期", "睡眠期", 1),
        ("流失期", "流失期", 1),
    }
    assert client.get("/api/models/moves/", {"kind": 1, "from": days["since"], "to": days["until"]}).json() == found
    before = client.get("/api/models/moves/", {"kind": 2, "since": "2026-01-01", "until": "2026-01-02"}).json()
    assert before["ways"] == []
    for wrong, code in (
        ({"kind": 9}, "unknown_kind"),
        ({"since": "x"}, "bad_date"),
        (days | {"until": days["since"]}, "bad_dates"),
    ):
        answer = client.get("/api/models/moves/", wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_api_takes_lead_stages_and_shares(api, computed, pool):
    sent = {"lifecycle": {"shares": [0.2, 0.4, 0.8], "lead": {"engaged_days": 7}}}
    assert api("analyst").put("/api/models/settings/", sent).status_code == 200
    kept = Pool.objects.get(pk=pool.pk).settings["lifecycle"]
    assert (kept["shares"], kept["lead"]["engaged_days"], kept["lead"]["new_days"]) == ([0.2, 0.4, 0.8], 7, 30)


# -- Between any two days ------------------------------------------------------------------------


def test_the_matrix_leads_to_the_members_behind_a_cell(login, computed, pool, alice, as_of):
    services.recalculate(pool=pool, as_of=as_of + timedelta(days=100))
    since, until = (as_of + timedelta(days=1)).date(), (as_of + timedelta(days=101)).date()
    client = login("marketer")
    page = client.get(URL + "moves/", {"kind": 1, "since": since, "until": until}).content.decode()
    link = f"/p/demo/members/?went=1~1~3~{since}~{until}"
    assert link in page
    listed = client.get(link).content.decode()
    assert "Alice" in listed
    assert "Bob" not in listed
    answer = client.get("/p/demo/charts/state_moves.csv", {"kind": 1, "since": since, "until": until})
    assert "活跃期,睡眠期,1" in b"".join(answer.streaming_content).decode("utf-8-sig")


def test_dates_that_make_no_sense_are_refused_in_words(login, computed):
    answer = login("marketer").get(URL + "moves/", {"since": "2026-05-01", "until": "2026-04-01"})
    assert answer.status_code == 422
    assert "起始日期须早于结束日期" in answer.content.decode()


def test_without_javascript_the_preview_is_the_page_with_its_effect(login, computed, pool):
    client = login("analyst")
    for path, given in (("preview/", form(mode="quantile")), ("lifecycle/preview/", stages(stage_mode="fixed", silent_days=2))):
        whole = client.post(URL + path, given).content.decode()
        assert "</html>" in whole
        assert "谁换到哪里" in whole
        part = client.post(URL + path, given, headers={"hx-request": "true"}).content.decode()
        assert "</html>" not in part
    assert Pool.objects.get(pk=pool.pk).settings == {}


def test_the_preview_names_ways_and_groups_that_are_too_small(login, computed):
    page = login("analyst").post(URL + "preview/", form(mode="threshold", high_from=5)).content.decode()
    assert "少于 30 人的分组" in page
    assert "谁换到哪里" in page


def test_the_api_refuses_with_a_code_and_a_sentence(api, computed):
    answer = api("analyst").put("/api/models/settings/", {"lifecycle": {"days": [9, 8, 7]}})
    assert answer.status_code == 422
    assert answer.json()["code"] == "bad_settings"
    assert api("marketer").post("/api/models/run/").status_code == 403
    assert api("marketer").get("/api/models/").status_code == 200
