"""Pages, API and jobs of merging."""

from datetime import timedelta

import pytest

from members import merging
from members.merging import Cause, merge_pairs, moves, work
from members.models import Identity, Member, Merge, NotSame, Order
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from tests import factories

pytestmark = pytest.mark.django_db
LIST, API = "/p/demo/members/merges/", "/api/merges/"


@pytest.fixture
def merged(pool, alice, bob, as_of, staff):
    proof = bytes(Identity.objects.get(member=bob, kind="phone").value_hash)
    factories.order(bob, "B-1", as_of, 5000)
    cause = Cause("phone", proof, source="import:12")
    merge_pairs(pool_id=pool.pk, pairs=[(alice.pk, bob.pk)], cause=cause, actor=staff["operator"], as_of=as_of)
    return Merge.objects.get()


def test_a_merge_says_what_proved_it_and_who_did_it(login, merged):
    assert (merged.cause_kind, merged.cause_hint, merged.source) == ("phone", "138****0002", "import:12")
    page = login("operator").get(f"{LIST}{merged.pk}/").content.decode()
    for word in ("138****0002", "导入 #12", "订单", "撤销合并"):
        assert word in page
    assert "撤销合并" not in login("marketer").get(f"{LIST}{merged.pk}/").content.decode()
    assert login("marketer").post(f"{LIST}{merged.pk}/undo/").status_code == 403


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, True),
        ({"kind": "phone"}, True),
        ({"kind": "email"}, False),
        ({"source": "import"}, True),
        ({"source": "api"}, False),
        ({"state": "standing"}, True),
        ({"state": "undone"}, False),
        ({"q": "Alice"}, True),
        ({"q": "Bob"}, True),
        ({"q": "Nobody"}, False),
        ({"since": "2026-11-01", "until": "2026-11-01"}, True),
        ({"until": "2026-10-31"}, False),
    ],
)
def test_the_list_is_narrowed(login, api, merged, asked, found):
    assert (f"{LIST}{merged.pk}/" in login("operator").get(LIST, asked).content.decode()) is found
    assert bool(api("operator").get(API, asked).json()["results"]) is found


def test_the_list_is_paged_by_key(login, pool, as_of, monkeypatch):
    from members.merging import views

    monkeypatch.setattr(views, "PAGE", 2)
    people = [factories.member(pool, f"M{n}") for n in range(10)]
    for winner, loser in zip(people[::2], people[1::2], strict=True):
        merge_pairs(pool_id=pool.pk, pairs=[(winner.pk, loser.pk)], cause=Cause(), actor=None, as_of=as_of)
    ids = sorted(Merge.objects.values_list("pk", flat=True), reverse=True)
    client = login("operator")

    def shown(query):
        text = client.get(LIST, query).content.decode()
        return [pk for pk in ids if f'href="{LIST}{pk}/"' in text]

    assert shown({}) == ids[:2]
    assert shown({"after": ids[1]}) == ids[2:4]
    assert shown({"after": ids[3]}) == ids[4:]
    assert shown({"before": ids[2]}) == ids[:2]


def test_undoing_over_the_api(api, merged, alice, bob, as_of):
    factories.order(alice, "X", as_of, 100, channel="jd")
    client = api("operator")
    found = client.get(f"{API}{merged.pk}/preview/").json()
    assert [(row["kind"], row["goes_to"], row["verdict"]) for row in found["since"]] == [("订单", "winner", "")]
    assert Merge.objects.get().undone_at is None
    sent = {"assignments": {found["since"][0]["key"]: "loser"}}
    assert client.post(f"{API}{merged.pk}/undo/", sent, format="json").json()["state"] == "undone"
    assert set(Order.objects.filter(member=bob).values_list("number", flat=True)) == {"B-1", "X"}
    assert client.post(f"{API}{merged.pk}/undo/", {}, format="json").json()["undone"]["assigned"] == 1
    assert client.get(f"{API}{merged.pk}/preview/").json()["refusal"]["code"] == "merge.undone"
    assert api("marketer").get(API).status_code == 403


def test_merging_over_the_api_asks_when_they_are_two(api, pool, alice, bob, as_of):
    client = api("operator")
    both = {"winner": alice.pk, "loser": bob.pk}
    assert client.post("/api/not-same/", {"first": bob.pk, "second": alice.pk, "reason": "母女"}).status_code == 201
    assert client.post(API, both).json()["code"] == "merge.apart"
    made = client.post(API, {**both, "insist": True, "take": ["name"]}, format="json")
    assert (made.status_code, made.json()["folded"]["name"]) == (201, ["Alice", "Bob"])
    assert client.post(API, both).json()["code"] == "merge.nothing"
    assert not NotSame.objects.exists()
    assert client.post(API, {**both, "take": ["id"]}, format="json").json()["code"] == "merge.unknown_field"


def test_a_value_chosen_from_the_loser_goes_back_too(login, pool, as_of):
    winner = factories.member(pool, "甲", city="杭州", province="浙江", attributes={"job": "a", "x": 1})
    loser = factories.member(pool, "乙", city="上海", province="上海", attributes={"job": "b"})
    sent = {"loser": loser.pk, "take:city": "loser", "take:attributes.job": "loser", "take:name": "winner"}
    login("operator").post(f"/p/demo/members/{winner.pk}/merge/", sent)
    winner.refresh_from_db()
    assert (winner.name, winner.city, winner.attributes) == ("甲", "上海", {"job": "b", "x": 1})
    merging.undo(merge=Merge.objects.get(), actor=None, as_of=as_of)
    winner.refresh_from_db()
    assert (winner.city, winner.attributes) == ("杭州", {"job": "a", "x": 1})


def test_two_who_are_two_are_merged_only_when_confirmed(login, pool, alice, bob, as_of):
    client = login("operator")
    client.post(f"/p/demo/members/{alice.pk}/apart/", {"other": bob.pk})
    assert NotSame.objects.count() == 1
    address = f"/p/demo/members/{alice.pk}/merge/"
    assert client.post(address, {"loser": bob.pk}).status_code == 422
    assert client.post(address, {"loser": bob.pk, "insist": "1"}).status_code == 302
    assert Member.objects.get(pk=bob.pk).merged_into == alice.pk


def test_only_two_can_be_picked(login, pool, alice, bob):
    client = login("operator")
    assert client.post("/p/demo/members/merge/", {"pick": [alice.pk]}).headers["Location"].endswith("/members/")
    assert f"with={bob.pk}" in client.post("/p/demo/members/merge/", {"pick": [bob.pk, alice.pk]}).headers["Location"]


# -- Many -----------------------------------------------------------------------------------------
def crowd(pool, pairs, as_of):
    people = [factories.member(pool, f"M{n}") for n in range(2 * pairs)]
    for member in people:
        factories.order(member, f"O{member.pk}", as_of, 100)
    return people, [(winner.pk, loser.pk) for winner, loser in zip(people[::2], people[1::2], strict=True)]


def test_many_merges_and_undoings_are_jobs(api, pool, as_of, monkeypatch):
    monkeypatch.setattr(work, "CHUNK", 3)
    _people, pairs = crowd(pool, 7, as_of)
    before = dict(Order.objects.values_list("number", "member_id"))
    job = api("operator").post(f"{API}batch/", {"pairs": pairs}, format="json").json()["job"]
    assert running.run(job, heart=False) == "done"
    assert JobRun.objects.get(pk=job).result == {"given": 7, "changed": 7, "left": 0}
    assert Merge.objects.filter(source=f"api:{job}").count() == 7
    ids = list(Merge.objects.values_list("pk", flat=True))
    merging.seal_erased(pool_id=pool.pk, members=[pairs[0][0]])
    job = api("operator").post(f"{API}undo/", {"merges": ids, "apart": False}, format="json").json()["job"]
    assert running.run(job, heart=False) == "done"
    assert JobRun.objects.get(pk=job).result == {"given": 7, "changed": 6, "left": 1}
    after = dict(Order.objects.values_list("number", "member_id"))
    assert {number for number in before if before[number] != after[number]} == {f"O{pairs[0][1]}"}
    assert not NotSame.objects.exists()


def test_what_is_remembered_goes_after_its_time(pool, merged, as_of, settings):
    settings.MERGE_UNDO_DAYS = 10
    assert merging.forget_old(pool=pool, as_of=as_of + timedelta(days=9)) == 0
    assert merging.forget_old(pool=pool, as_of=as_of + timedelta(days=11)) == 1
    assert not merged.rows.exists()
    with pytest.raises(Problem) as refusal:
        merging.undo(merge=merged, actor=None, as_of=as_of)
    assert refusal.value.fields["reason"] == "expired"


def test_every_table_has_a_name_for_people(pool):
    for each in moves.tables():
        if each.label not in moves._computed:
            assert any(ord(letter) > 0x2E80 for letter in moves.called(each)), f"{each.label} needs merging.call"
