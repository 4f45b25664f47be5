"""The API of members: what it answers, to whom, and what it leaves behind."""

from datetime import timedelta

import pytest

from members.models import Consent, Event, Member, MemberState, MemberTag, Tag, TagGroup, TouchedMember
from members.services import versions
from scrm.lib import clock
from scrm.staff.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
MEMBERS = "/api/members/"


@pytest.fixture
def tag(pool):
    return Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="价值"), name="高客单")


def test_the_list_is_filtered_and_paged_by_key(api, pool, as_of):
    members = [factories.member(pool, f"m{number}", joined_at=as_of - timedelta(days=number)) for number in range(5)]
    client = api("analyst")
    first = client.get(MEMBERS, {"limit": 2}).json()
    assert [row["id"] for row in first["results"]] == [members[0].pk, members[1].pk]
    assert first["previous"] is None
    second = client.get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == [members[2].pk, members[3].pk]
    assert [row["id"] for row in client.get(second["previous"]).json()["results"]] == [members[0].pk, members[1].pk]
    assert [row["id"] for row in client.get(MEMBERS, {"q": "m4"}).json()["results"]] == [members[4].pk]
    MemberState.objects.create(member=members[3], pool=pool, stage=1, amount_total=100)
    assert [row["id"] for row in client.get(MEMBERS, {"sort": "-amount", "limit": 1}).json()["results"]] == [members[3].pk]
    assert [row["id"] for row in client.get(MEMBERS, {"stage": 1}).json()["results"]] == [members[3].pk]


def test_the_list_costs_the_same_for_one_and_for_many(api, pool, django_assert_num_queries):
    client = api("analyst")
    for number in range(30):
        factories.member(pool, f"m{number}", phone=f"1380000{number:04}")
    client.get(MEMBERS)
    # The token with its user, the access with its pool, the keys of the page, its rows, identities, tags, sensitive fields.
    with django_assert_num_queries(7):
        client.get(MEMBERS)


def test_identities_are_masked_unless_the_token_may_reveal(api, alice):
    masked = api("operator", ["members.view"]).get(f"{MEMBERS}{alice.pk}/").json()
    assert {row["value"] for row in masked["identities"]} == {"138****0001", "ali****.com"}
    assert not AuditEntry.objects.filter(action="member.reveal").exists()
    plain = api("operator", ["members.view", "members.reveal"]).get(f"{MEMBERS}{alice.pk}/").json()
    assert {row["value"] for row in plain["identities"]} == {"13800000001", "alice@example.com"}
    assert AuditEntry.objects.get(action="member.reveal").data["ids"] == [alice.pk]


def test_a_member_is_made_with_identities_and_a_taken_one_is_named(api, pool, alice):
    client = api("operator")
    made = client.post(
        MEMBERS, {"name": "Carol", "channel": "tmall", "identities": [{"kind": "phone", "value": "+86 137 0000 0000"}]}
    )
    assert made.status_code == 201, made.json()
    assert made.json()["channel"] == "tmall"
    assert TouchedMember.objects.filter(member_id=made.json()["id"]).exists()
    taken = client.post(MEMBERS, {"name": "X", "identities": [{"kind": "email", "value": "ALICE@example.com"}]})
    assert taken.status_code == 422
    assert taken.json()["code"] == "identity.taken"
    assert taken.json()["fields"]["member"] == alice.pk
    assert not Member.objects.filter(name="X").exists()
    bad = client.post(MEMBERS, {"identities": [{"kind": "phone", "value": "call me"}]})
    assert (bad.status_code, bad.json()["code"]) == (422, "identity.bad_phone")


def test_facts_change_and_the_change_is_kept(api, alice):
    before = versions(alice.pool_id)["members"]
    answer = api("operator").patch(f"{MEMBERS}{alice.pk}/", {"city": "杭州", "attributes": {"income": "50-74K"}})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["city"] == "杭州"
    assert answer.json()["name"] == "Alice"
    assert AuditEntry.objects.get(action="member.edit").data["changes"]["city"] == ["", "杭州"]
    assert versions(alice.pool_id)["members"] == before + 1
    assert api("operator").patch(f"{MEMBERS}{alice.pk}/", {"birthday": "soon"}).status_code == 400


def test_tags(api, pool, other_pool, alice, bob, tag):
    client = api("marketer")
    assert client.post(f"{MEMBERS}{alice.pk}/tags/", {"tag": tag.pk}).json()[0]["name"] == "高客单"
    assert client.delete(f"{MEMBERS}{alice.pk}/tags/?tag={tag.pk}").json() == []
    assert client.post(f"/api/tags/{tag.pk}/add/", {"members": [alice.pk, bob.pk, 999]}).json() == {"changed": 2}
    assert client.post(f"/api/tags/{tag.pk}/remove/", {"members": [bob.pk]}).json() == {"changed": 1}
    group = client.post("/api/tag-groups/", {"name": "兴趣", "is_exclusive": True})
    assert group.status_code == 201, group.json()
    made = client.post("/api/tags/", {"group": group.json()["id"], "name": "茶"})
    assert made.status_code == 201, made.json()
    assert client.patch(f"/api/tags/{made.json()['id']}/", {"name": "绿茶"}).json()["name"] == "绿茶"
    assert client.patch(f"/api/tag-groups/{group.json()['id']}/", {"color": "red"}).json()["is_exclusive"] is True
    assert client.delete(f"/api/tag-groups/{group.json()['id']}/").status_code == 422
    assert client.delete(f"/api/tags/{made.json()['id']}/").status_code == 204
    assert [row["name"] for row in client.get("/api/tags/").json()["results"]] == ["高客单"]
    foreign = TagGroup.objects.create(pool=other_pool, name="g")
    assert client.post("/api/tags/", {"group": foreign.pk, "name": "x"}).status_code == 404
    assert api("analyst").post("/api/tags/", {"group": tag.group_id, "name": "x"}).status_code == 403


def test_consents_are_recorded(api, alice):
    client = api("operator")
    answer = client.post(f"{MEMBERS}{alice.pk}/consents/", {"carrier": "email", "granted": True})
    assert answer.status_code == 200, answer.json()
    assert (Consent.objects.get().purpose, Consent.objects.get().source) == ("marketing", "api")
    late = {"carrier": "email", "granted": False, "at": (clock.now() + timedelta(days=1)).isoformat()}
    assert client.post(f"{MEMBERS}{alice.pk}/consents/", late).status_code == 422
    assert len(client.get(f"{MEMBERS}{alice.pk}/consent-entries/").json()) == 1


def test_orders_and_timeline(api, pool, alice, as_of):
    for number in range(3):
        made = factories.order(alice, f"A-{number}", as_of - timedelta(days=number), 1000)
    factories.line(made, 1, factories.product(pool, "SKU"), 1000)
    client = api("analyst")
    page = client.get(f"{MEMBERS}{alice.pk}/orders/", {"limit": 2}).json()
    assert [row["number"] for row in page["results"]] == ["A-0", "A-1"]
    assert [row["number"] for row in client.get(page["next"]).json()["results"]] == ["A-2"]
    assert client.get(f"{MEMBERS}{alice.pk}/orders/{made.id}/lines/").json()[0]["sku"] == "SKU"
    found = client.get(f"{MEMBERS}{alice.pk}/timeline/", {"kind": "orders"}).json()
    assert len(found["results"]) == 3
    assert found["next"] is None


def batch(*events):
    return {"events": list(events)}


def test_events_come_in_batches_and_twice_is_once(api, pool, other_pool, alice, bob, as_of):
    stranger = factories.member(other_pool, "Eve")
    client = api("operator")
    at = as_of.isoformat()
    sent = batch(
        {"id": "e1", "kind": "view", "occurred_at": at, "member": alice.pk, "properties": {"sku": "S"}},
        {"id": "e1", "kind": "view", "occurred_at": at, "member": alice.pk},
        {
            "id": "e2",
            "kind": "search",
            "occurred_at": at,
            "identity": {"kind": "phone", "value": "138-0000-0002"},
            "channel": "app",
        },
        {"id": "e3", "kind": "view", "occurred_at": at, "member": stranger.pk},
        {"id": "e4", "kind": "view", "occurred_at": at, "member": alice.pk, "channel": "moon"},
        {"id": "e5", "kind": "view", "occurred_at": (clock.now() + timedelta(days=1)).isoformat(), "member": alice.pk},
    )
    first = client.post("/api/events/", sent).json()
    assert (first["added"], first["repeated"]) == (2, 1)
    assert [(row["id"], row["code"]) for row in first["refused"]] == [
        ("e3", "unknown_member"),
        ("e4", "unknown_channel"),
        ("e5", "future"),
    ]
    assert client.post("/api/events/", sent).json()["added"] == 0
    assert set(Event.objects.values_list("member_id", "kind")) == {(alice.pk, "view"), (bob.pk, "search")}
    assert set(TouchedMember.objects.values_list("member_id", flat=True)) == {alice.pk, bob.pk}
    many = batch(*({"id": str(n), "kind": "view", "occurred_at": at, "member": alice.pk} for n in range(1001)))
    assert client.post("/api/events/", many).status_code == 422
    assert client.post("/api/events/", batch({"id": "x", "kind": "view", "occurred_at": at})).status_code == 400
    assert api("marketer").post("/api/events/", sent).status_code == 403


def test_merging_over_the_api_and_the_loser_answers_as_the_winner(api, alice, bob):
    assert api("marketer").post(f"{MEMBERS}{alice.pk}/merge/", {"loser": bob.pk}).status_code == 403
    client = api("operator")
    assert client.post(f"{MEMBERS}{alice.pk}/merge/", {"loser": bob.pk}).status_code == 200
    assert client.get(f"{MEMBERS}{bob.pk}/").json()["id"] == alice.pk


def test_a_repeated_write_with_its_key_is_one(api):
    client = api("operator")
    for _ in range(2):
        client.post(MEMBERS, {"name": "Dora"}, headers={"Idempotency-Key": "k1"})
    assert Member.objects.filter(name="Dora").count() == 1


@pytest.mark.parametrize("tail", ["", "orders/", "timeline/", "consents/", "tags/"])
def test_members_of_other_pools_do_not_exist(api, other_pool, tail):
    stranger = factories.member(other_pool, "Eve")
    assert api("admin").get(f"{MEMBERS}{stranger.pk}/{tail}").status_code == 404
    assert api("admin").get(MEMBERS, {"pool": other_pool.pk}).json()["results"] == []


def test_a_scope_that_is_missing_refuses(api, alice, tag):
    assert api("admin", ["jobs.view"]).get(MEMBERS).status_code == 403
    assert api("admin", ["members.view"]).patch(f"{MEMBERS}{alice.pk}/", {"name": "x"}).status_code == 403
    assert api("admin", ["members.view", "members.edit"]).post(f"{MEMBERS}{alice.pk}/tags/", {"tag": tag.pk}).status_code == 403
    assert not MemberTag.objects.exists()
