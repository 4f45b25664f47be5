"""Pages and endpoints of recognising people: what they show, what they do, who may."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from members import tagging
from members.importing import pipeline
from members.models import Guard, MatchCount, Member, NotSame, Pool, Rehearsal, Review, Tag, TagGroup
from members.oneid import services
from scrm.jobs.models import JobRun
from scrm.jobs.running import run as run_job
from tests import factories
from tests.oneid.conftest import ruled, uploaded

pytestmark = pytest.mark.django_db
A, B = "13800000001", "13800000002"
Bring = Callable[..., Any]


@pytest.fixture
def review(pool: Pool, as_of: datetime) -> Review:
    one = factories.member(pool, "王敏", phone=A, city="杭州")
    two = factories.member(pool, "王小敏", phone=B, card="C2", city="杭州")
    tag = Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="价值"), name="高客单")
    tagging.add_tag(tag=tag, members=[two.pk], actor=None, as_of=as_of)
    return Review.objects.create(pool=pool, one_id=one.pk, two_id=two.pk, reason="asked", cause_kind="email", at=as_of)


def test_the_queue_and_a_pair_side_by_side(login: Any, review: Review) -> None:
    client = login("operator")
    text = client.get("/p/demo/oneid/").content.decode()
    assert "王敏" in text
    assert "王小敏" in text
    text = client.get(f"/p/demo/oneid/reviews/{review.pk}/").content.decode()
    assert "138****0001" in text
    assert A not in text
    assert "高客单" in text
    assert text.count('class="differs"') >= 2  # name, telephone
    assert 'data-hotkey="m"' in text


def test_a_decision_leads_to_the_next_pair(login: Any, pool: Pool, review: Review, as_of: datetime) -> None:
    three, four = factories.member(pool, "C"), factories.member(pool, "D")
    older = review
    newer = Review.objects.create(pool=pool, one_id=three.pk, two_id=four.pk, reason="duplicate", at=as_of)
    client = login("operator")
    answer = client.post("/p/demo/oneid/decide/", {"pick": newer.pk, "single": "1", "verdict": "apart"})
    assert answer.url == f"/p/demo/oneid/reviews/{older.pk}/"
    assert NotSame.objects.count() == 1
    keep = review.two_id
    answer = client.post("/p/demo/oneid/decide/", {"pick": older.pk, "single": "1", "verdict": "merged", "keep": keep})
    assert answer.url == "/p/demo/oneid/"
    assert Member.objects.get(pk=review.one_id).merged_into == keep
    assert "已合并成一位" in client.get(f"/p/demo/oneid/reviews/{older.pk}/").content.decode()


def test_several_at_once(login: Any, pool: Pool, as_of: datetime) -> None:
    people = [factories.member(pool, str(number)) for number in range(4)]
    made = [
        Review.objects.create(pool=pool, one_id=a.pk, two_id=b.pk, reason="duplicate", at=as_of)
        for a, b in ((people[0], people[1]), (people[2], people[3]))
    ]
    client = login("operator")
    client.post("/p/demo/oneid/decide/", {"pick": [row.pk for row in made], "verdict": "merged"})
    assert set(Review.objects.values_list("status", flat=True)) == {"merged"}
    assert Member.objects.filter(merged_into=None).count() == 2
    client.post("/p/demo/oneid/decide/", {"verdict": "merged"})
    assert "请先选择" in client.get("/p/demo/oneid/").content.decode()


def test_the_guards_page(login: Any, pool: Pool, bring: Bring) -> None:
    ruled(pool, phone={"limit": 1})
    bring([A, "", "C1"], [A, "", "C2"])
    client = login("admin")
    guard = Guard.objects.get()
    assert "138****0001" in client.get("/p/demo/oneid/guard/").content.decode()
    text = client.get(f"/p/demo/oneid/guard/{guard.pk}/").content.decode()
    assert "C1" in text
    assert "C2" in text
    client.post("/p/demo/oneid/guard/", {"kind": "phone", "values": f"{B}\nnonsense", "note": "前台"})
    assert Guard.objects.filter(reason="blocked", note="前台").count() == 1
    client.post(f"/p/demo/oneid/guard/{guard.pk}/allow/")
    guard.refresh_from_db()
    assert guard.is_allowed
    assert login("operator").post("/p/demo/oneid/guard/", {"kind": "phone", "values": B}).status_code == 403


def test_the_rates_lead_to_their_members(login: Any, api: Any, pool: Pool, bring: Bring) -> None:
    bring([A, "", "C1"], [B, "", ""])
    run = bring([A, "", "C1"], ["", "", "C3"], ["13800000003", "", ""], ["11111111111", "", ""])
    text = login("analyst").get("/p/demo/oneid/rates/").content.decode()
    matched = MatchCount.objects.get(run=run, outcome="matched")
    assert f"?match={matched.pk}" in text
    assert (matched.people, matched.kind) == (1, "card_no")
    page = login("analyst").get(f"/p/demo/members/?match={matched.pk}").content.decode()
    assert page.count('name="pick"') == 1
    (row,) = [row for row in api("analyst").get("/api/oneid/rates/?by=import").json()["results"] if row["import"] == run.pk]
    assert (row["people"], row["counts"]["new"], row["by_kind"], row["rows_of_nobody"]) == (3, 2, {"card_no": 1}, 1)
    assert row["rate"] == pytest.approx(1 / 3)
    assert "识别率" in b"".join(login("analyst").get("/p/demo/oneid/rates/table/").streaming_content).decode()


def test_rules_are_changed_on_their_page(login: Any, pool: Pool) -> None:
    client = login("admin")
    page = client.get("/p/demo/oneid/rules/")
    form = page.context["form"]
    data = {name: ("" if (value := form[name].value()) is None else value) for name in form.fields}
    answer = client.post(
        "/p/demo/oneid/rules/",
        data
        | {"joins:email": "ask", "limit:phone": "8", "order:name:1": "pos", "order:name:2": "staff", "mail_names": "kefu， shop"},
    )
    assert answer.status_code == 302
    pool.refresh_from_db()
    assert pool.settings["oneid"] == {
        "kinds": {"email": {"joins": "ask"}, "phone": {"limit": 8}},
        "mail_names": ["kefu", "shop"],
        "scopes": {},
        "precedence": {"name": {"rule": "trusted", "order": ["pos", "staff"]}},
    }
    assert login("operator").get("/p/demo/oneid/rules/").status_code == 200
    assert login("operator").post("/p/demo/oneid/rules/", data).status_code == 403


def test_a_search_through_the_whole_pool(login: Any, pool: Pool, staff: Any) -> None:
    for name, phone, day in (
        ("王敏", A, "1990-01-01"),
        ("王敏", B, "1990-01-01"),
        ("李雷", "13800000003", None),
        ("李雷", "13900000003", None),
    ):
        factories.member(pool, name, phone=phone, birthday=day)
    factories.member(pool, "王敏", birthday="1991-01-01")
    client = login("operator")
    before = list(Member.objects.order_by("pk").values())
    answer = client.post("/p/demo/oneid/searches/", {"signals": ["name_birthday", "name_tail"]})
    made = Rehearsal.objects.get()
    assert answer.url == f"/p/demo/oneid/searches/{made.pk}/"
    assert "data-running" in client.get(answer.url).content.decode()
    assert run_job(made.job_id, heart=False) == JobRun.Status.DONE
    made.refresh_from_db()
    assert (made.result["count"], made.result["merges"]) == (2, 2)
    assert made.result["signals"] == {"name_birthday": 1, "name_tail": 1}
    assert list(Member.objects.order_by("pk").values()) == before
    text = client.get(answer.url).content.decode()
    assert "王敏" in text
    table = b"".join(client.get(f"{answer.url}table/").streaming_content).decode()
    assert len(table.strip().splitlines()) == 3
    client.post(f"{answer.url}queue/")
    client.post(f"{answer.url}queue/")
    assert Review.objects.filter(reason="duplicate").count() == 2


def test_members_told_apart_are_no_duplicates(pool: Pool, staff: Any, as_of: datetime) -> None:
    from members.merging import apart

    one, two = (factories.member(pool, "王敏", birthday="1990-01-01") for _ in range(2))
    apart.say_apart(pool=pool, one=one.pk, two=two.pk, reason="", actor=staff["admin"], as_of=as_of)
    made = services.search_duplicates(pool=pool, signals=["name_birthday"], actor=staff["admin"], as_of=as_of)
    run_job(made.job_id, heart=False)
    made.refresh_from_db()
    assert made.result["merges"] == 0


def test_what_a_check_rehearsed(login: Any, pool: Pool, bring: Bring, as_of: datetime) -> None:
    bring([A, "", ""], ["", "", "C2"])
    ruled(pool, phone={"limit": 1})
    run = uploaded(pool, [[A, "", "C2"], [B, "", "C3"], [B, "", "C4"]])
    pipeline.check(run, as_of=as_of)
    text = login("operator").get(f"/p/demo/oneid/searches/{run.rehearsals.get().pk}/").content.decode()
    assert "138****0002" in text


# -- The API ---------------------------------------------------------------------------------------
def test_deciding_over_the_api(api: Any, review: Review) -> None:
    client = api("operator")
    (row,) = client.get("/api/oneid/reviews/").json()["results"]
    assert (row["one"], row["two"], row["reason"]) == (review.one_id, review.two_id, "asked")
    full = client.get(f"/api/oneid/reviews/{review.pk}/").json()
    assert {line["label"] for line in full["compared"] if line["differs"]} >= {"姓名", "手机号"}
    answer = client.post("/api/oneid/reviews/decide/", {"reviews": [review.pk], "verdict": "ignored"}, format="json")
    assert answer.json() == {"decided": 1}
    assert client.post(f"/api/oneid/reviews/{review.pk}/reopen/").json()["status"] == "open"
    assert client.post(f"/api/oneid/reviews/{review.pk}/reopen/").status_code == 422
    assert api("marketer").get("/api/oneid/reviews/").status_code == 403


def test_the_guard_over_the_api(api: Any, pool: Pool) -> None:
    client = api("admin")
    answer = client.post("/api/oneid/guards/", {"kind": "phone", "values": [A, "x"], "note": "前台"}, format="json")
    assert answer.json() == {"taken": 1, "refused": ["x"]}
    (row,) = client.get("/api/oneid/guards/").json()["results"]
    assert (row["hint"], row["members"]) == ("138****0001", 0)
    assert client.get(f"/api/oneid/guards/{row['id']}/").json()["used_by"] == []
    assert client.post(f"/api/oneid/guards/{row['id']}/allow/").json()["is_allowed"] is True
    assert client.post("/api/oneid/guards/staff/").json() == {"added": 0}
    assert api("operator").post("/api/oneid/guards/staff/").status_code == 403


def test_rules_over_the_api(api: Any, pool: Pool) -> None:
    client = api("admin")
    answer = client.patch("/api/oneid/rules/", {"kinds": {"email": {"joins": "ask"}}}, format="json")
    assert answer.json()["kinds"]["email"]["joins"] == "ask"
    assert client.get("/api/oneid/rules/").json()["precedence"]["name"] == {"rule": "trusted", "order": ["staff"]}
    refused = client.patch("/api/oneid/rules/", {"kinds": {"fax": {}}}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "oneid.unknown")


def test_searching_over_the_api(api: Any, pool: Pool) -> None:
    client = api("operator")
    made = client.post("/api/oneid/searches/", {"signals": ["name_tail"]}, format="json")
    assert made.status_code == 202
    run_job(made.json()["job_id"], heart=False)
    assert client.get(f"/api/oneid/searches/{made.json()['id']}/").json()["result"]["merges"] == 0
    assert client.post(f"/api/oneid/searches/{made.json()['id']}/queue/").json() == {"added": 0}
