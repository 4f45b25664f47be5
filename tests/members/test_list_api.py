"""The member list over the API: filters, orders, counts, saved views, acts on many."""

import pytest
from pyroaring import BitMap

from members.models import BulkAct, MemberState, MemberTag, SavedView, Tag, TagGroup
from scrm.jobs.running import run
from segmentation import evaluate
from segmentation.models import Segment
from segmentation.segments import services as segments
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def tag(pool):
    return Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="价值"), name="高客单")


def test_filters_and_orders_are_those_of_the_page(api, pool, alice, bob):
    MemberState.objects.create(member=bob, pool=pool, amount_total=500, order_count=1)
    client = api("analyst")
    found = client.get("/api/members/", {"sort": "-amount", "identity": "phone"}).json()["results"]
    assert [row["id"] for row in found] == [bob.pk, alice.pk]
    assert client.get("/api/member-filters/count/", {"orders_min": "1"}).json() == {"count": 1}
    known = client.get("/api/member-filters/").json()
    assert {"keys": ["age_min", "age_max"], "label": "年龄", "kind": "range", "group": "person", "unit": "whole"} in known[
        "filters"
    ]
    assert known["sorts"] == ["amount", "joined", "last_order", "orders"]


@pytest.mark.parametrize("params", [{"stage": "99"}, {"joined_min": "x"}, {"sort": "name"}, {"segment": "0"}])
def test_a_program_is_refused_what_a_page_only_remarks_on(api, alice, params):
    for address in ("/api/members/", "/api/member-filters/count/"):
        answer = api("analyst").get(address, params)
        assert answer.status_code == 422, answer.json()
        assert answer.json()["code"] == "list.unknown_filter"
        assert set(answer.json()["fields"]) == set(params)


def test_saved_views_are_kept_changed_and_forgotten(api, alice):
    client, other = api("operator"), api("marketer")
    made = client.post("/api/member-views/", {"name": "沉睡", "query": "stage=3&after=x", "columns": ["age", "no"]}).json()
    assert (made["query"], made["columns"], made["is_shared"]) == ("stage=3", ["age"], False)
    at = f"/api/member-views/{made['id']}/"
    assert other.get(at).status_code == 404
    assert client.patch(at, {"is_shared": True}).json()["query"] == "stage=3"
    assert [row["is_own"] for row in other.get("/api/member-views/").json()["results"]] == [False]
    assert other.patch(at, {"name": "x"}).status_code == 422
    assert other.post(f"{at}first/").json() == {"first": made["id"]}
    assert other.delete(at).status_code == 422
    assert client.delete(at).status_code == 204
    assert not SavedView.objects.exists()


def test_acts_on_many_begin_and_are_taken_back(api, alice, bob, tag):
    client = api("operator")
    said = {"act": "tag", "members": [alice.pk, bob.pk], "params": {"tag": tag.pk}}
    made = client.post("/api/bulk-acts/", said)
    assert (made.status_code, made.json()["status"], made.json()["changed"]) == (201, "done", 2)
    undone = client.post(f"/api/bulk-acts/{made.json()['id']}/undo/").json()
    assert (undone["status"], undone["restored"], undone["kept"]) == ("undone", 2, 0)
    assert not MemberTag.objects.exists()
    made = client.post("/api/bulk-acts/", {"act": "tag", "query": "q=alice", "params": {"tag": tag.pk}})
    assert made.status_code == 202
    assert run(made.json()["job"], heart=False) == "done"
    assert client.get(f"/api/bulk-acts/{made.json()['id']}/").json()["changed"] == 1
    assert {"tag", "untag", "assign", "home"} <= {row["key"] for row in client.get("/api/bulk-acts/acts/").json()}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"act": "tag", "params": {}}, 400),  # nobody named
        ({"act": "tag", "query": "", "members": [1], "params": {}}, 400),
        ({"act": "burn", "query": ""}, 422),
        ({"act": "tag", "query": "stage=99", "params": {"tag": "TAG"}}, 422),
        ({"act": "tag", "members": [1], "params": {"tag": 99}}, 422),
    ],
)
def test_what_is_wrong_with_an_act_is_said(api, alice, tag, said, status):
    if said.get("params", {}).get("tag") == "TAG":
        said = {**said, "params": {"tag": tag.pk}}
    assert api("operator").post("/api/bulk-acts/", said).status_code == status
    assert not BulkAct.objects.exists()


def test_an_act_asks_for_its_own_permission_and_scope(api, alice, tag):
    said = {"act": "tag", "members": [alice.pk], "params": {"tag": tag.pk}}
    assert api("analyst").post("/api/bulk-acts/", said).status_code == 403
    assert api("operator", ["members.view"]).post("/api/bulk-acts/", said).status_code == 403
    assert api("operator", ["members.view", "tags.edit"]).post("/api/bulk-acts/", said).status_code == 201


def test_members_are_put_on_a_static_list_and_taken_off_again(api, pool, alice, bob, as_of):
    there = segments.fix(pool=pool, name="老客", ids=BitMap([alice.pk]), actor=None, as_of=as_of, kind=Segment.Kind.LIST)
    client = api("admin")
    said = {"act": "list_add", "members": [alice.pk, bob.pk], "params": {"list": there.pk}}
    made = client.post("/api/bulk-acts/", said).json()
    assert made["changed"] == 1  # alice was on it
    assert evaluate.members_of(there) == BitMap([alice.pk, bob.pk])
    assert client.get("/api/member-filters/count/", {"segment": there.pk}).json() == {"count": 2}
    assert client.post(f"/api/bulk-acts/{made['id']}/undo/").json()["restored"] == 1
    assert evaluate.members_of(there) == BitMap([alice.pk])
    new = client.post("/api/bulk-acts/", {**said, "params": {"name": "新客"}}).json()
    assert (new["changed"], new["said"]) == (2, "新客")
    assert client.post("/api/bulk-acts/", {**said, "params": {}}).status_code == 422


def test_who_can_be_reached_is_what_segments_say(api, pool, alice, bob, as_of):
    from members import consents

    consents.record(member=alice, carrier="sms", purpose="marketing", granted=True, at=as_of, source="t", actor=None)
    nobody = factories.member(pool, "no phone")
    consents.record(member=nobody, carrier="sms", purpose="marketing", granted=True, at=as_of, source="t", actor=None)
    found = api("analyst").get("/api/members/", {"reachable": "sms"}).json()["results"]
    assert [row["id"] for row in found] == [alice.pk]
