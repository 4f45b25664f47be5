"""Pages of members: what they show, what they cost, who may do what."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members import tagging
from members.models import Consent, ConsentEntry, Event, Identity, Member, MemberState, MemberTag, Merge, Tag, TagGroup
from scrm.jobs.models import JobRun
from scrm.staff.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/p/demo/members/"


def with_state(member, **fields):
    return MemberState.objects.create(member=member, pool_id=member.pool_id, **fields)


@pytest.fixture
def tag(pool):
    return Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="价值"), name="高客单")


def shown(response):
    """Members' numbers in the order of the rows."""
    return [int(number) for number in re.findall(r'name="pick" value="(\d+)"', response.content.decode())]


def test_exports_in_the_clear_need_the_right_to_reveal(login, pool, alice, monkeypatch):
    from scrm.staff import permissions

    monkeypatch.setitem(permissions.MATRIX, "members.reveal", frozenset({permissions.Role.ADMIN}))
    answer = login("operator").post(
        LIST + "bulk/", {"action": "export", "pick": [alice.pk], "purpose": "门店回访名单", "plain": "1"}
    )
    assert answer.status_code == 403
    assert not JobRun.objects.exists()


# -- One member -----------------------------------------------------------------------------------
def url(member, tail=""):
    return f"{LIST}{member.pk}/{tail}"


def test_a_members_page_tells_its_state_and_what_happened(login, pool, alice, tag, as_of):
    with_state(
        alice, order_count=2, amount_total=150_00, first_order_at=as_of, last_order_at=as_of, r=5, f=3, m=2, rfm_group=7, stage=1,
        stage_due=as_of + timedelta(days=30), interval_days=12.5, window_count=2, window_amount=150_00,
    )  # fmt: skip
    factories.order(alice, "A-1", as_of, 5000)
    Event.objects.create(member=alice, occurred_at=as_of, id=1, pool_id=pool.pk, kind="view", properties={"sku": "S-9"})
    tagging.add_tag(tag=tag, members=[alice.pk], actor=None, as_of=as_of)
    text = login("analyst").get(url(alice)).content.decode()
    for piece in ("Alice", "重要价值", "活跃期", "12.5 天", "¥150", "A-1", "sku: S-9", "高客单", "138****0001"):
        assert piece in text, piece
    assert "13800000001" not in text
    assert "/reveal/" not in text  # an analyst may not look
    assert "/reveal/" in login("operator").get(url(alice)).content.decode()


def test_each_tab_answers(login, alice, as_of):
    client = login("admin")
    made = factories.order(alice, "A-1", as_of, 5000)
    factories.line(made, 1, factories.product(alice.pool, "SKU", name="牛奶", category="乳品"), 5000)
    for tail in (
        "tab/orders/",
        "tab/points/",
        "tab/nothing/",
        "timeline/",
        "orders/",
        "consents/",
        "tags/",
        "edit/",
        "merge/",
        "identities/new/",
    ):
        assert client.get(url(alice, tail)).status_code == 200, tail
    assert "牛奶" in client.get(url(alice, f"orders/{made.id}/")).content.decode()
    assert client.get(url(alice, "panels/nothing/")).status_code == 404


def test_who_looks_at_a_phone_is_written_down(login, alice):
    row = Identity.objects.get(member=alice, kind="phone")
    sent = {"kind": "phone", "hash": bytes(row.value_hash).hex()}
    assert "13800000001" in login("operator").post(url(alice, "reveal/"), sent).content.decode()
    entry = AuditEntry.objects.get(action="member.reveal")
    assert entry.target == f"members.member:{alice.pk}"
    assert "13800000001" not in str(entry.data)
    assert login("marketer").post(url(alice, "reveal/"), sent).status_code == 403
    assert AuditEntry.objects.filter(action="member.reveal").count() == 1


def test_an_edit_is_kept_with_old_and_new(login, alice):
    sent = {"name": "Alicia", "status": "2", "gender": "2", "birthday": "1990-02-03", "province": "浙江", "city": "杭州"}
    assert login("operator").post(url(alice, "edit/"), sent).status_code == 302
    alice.refresh_from_db()
    assert (alice.name, alice.city) == ("Alicia", "杭州")
    changes = AuditEntry.objects.get(action="member.edit").data["changes"]
    assert changes["name"] == ["Alice", "Alicia"]
    assert changes["birthday"] == [None, "1990-02-03"]
    assert "status" not in changes
    assert login("marketer").post(url(alice, "edit/"), sent).status_code == 403


def test_a_new_member_and_an_identity_that_is_taken(login, pool, alice):
    client = login("operator")
    page = client.post(LIST + "new/", {"name": "x", "status": "2", "gender": "0", "phone": "138 0000 0001"})
    assert page.status_code == 200
    assert str(alice.pk) in page.content.decode()
    assert Member.objects.count() == 1
    client.post(
        LIST + "new/", {"name": "Carol", "status": "2", "gender": "0", "phone": "+8613700000000", "email": "C@Example.com"}
    )
    carol = Member.objects.get(name="Carol")
    assert sorted(carol.identities.values_list("hint", flat=True)) == ["137****0000", "c***@example.com"]
    assert shown(client.get(LIST, {"q": "13700000000"})) == [carol.pk]


def test_tags_of_an_exclusive_group_replace_each_other(login, pool, alice, as_of):
    group = TagGroup.objects.create(pool=pool, name="层级", is_exclusive=True)
    gold, silver = (Tag.objects.create(pool=pool, group=group, name=name) for name in ("金", "银"))
    client = login("marketer")
    for tag in (gold, silver):
        client.post(url(alice, "tags/set/"), {"tag": tag.pk}, headers={"HX-Request": "true"})
    assert list(alice.tags.values_list("tag__name", flat=True)) == ["银"]
    client.post(url(alice, "tags/set/"), {"tag": silver.pk, "remove": "1"}, headers={"HX-Request": "true"})
    assert not alice.tags.exists()


def test_consents_are_a_ledger_and_a_late_report_does_not_undo_a_newer_one(login, alice, as_of):
    from members import consents

    def report(granted, at):
        return consents.record(member=alice, carrier="sms", purpose="marketing", granted=granted, at=at, source="t", actor=None)

    assert report(False, as_of) is True
    assert report(True, as_of - timedelta(days=1)) is False
    assert report(False, as_of) is False  # the same again
    assert Consent.objects.get().granted is False
    assert ConsentEntry.objects.count() == 2
    login("operator").post(url(alice, "consents/set/"), {"carrier": "sms", "purpose": "marketing", "granted": "1"})
    assert Consent.objects.get().granted is True
    assert (
        login("marketer")
        .post(url(alice, "consents/set/"), {"carrier": "sms", "purpose": "marketing", "granted": "1"})
        .status_code
        == 403
    )


def test_the_timeline_loses_nothing_between_pages_even_at_one_instant(alice, pool, as_of):
    from members import timeline

    for number in range(47):
        Event.objects.create(
            member=alice, occurred_at=as_of - timedelta(seconds=number // 20), id=number, pool_id=pool.pk, kind=f"k{number}"
        )
    for number in range(5):
        factories.order(alice, f"A-{number}", as_of, 100)
    kinds, seen, cursor = list(timeline.sources), [], None
    while True:
        rows, cursor = timeline.page(alice, kinds=kinds, cursor=cursor, limit=7)
        seen += [(row.kind, row.title, row.text) for row in rows]
        if cursor is None:
            break
        cursor = timeline.Cursor.parse(str(cursor))
    assert len(seen) == len(set(seen)) == 52


def test_a_page_with_ten_thousand_facts_costs_what_one_with_ten_does(login, alice, pool, as_of):
    client = login("operator")

    def cost():
        client.get(url(alice))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(alice)).status_code == 200
        return len(queries)

    before = cost()
    Event.objects.bulk_create(
        Event(member=alice, occurred_at=as_of - timedelta(minutes=number), id=number, pool_id=pool.pk, kind="view")
        for number in range(10_000)
    )
    assert cost() == before
    # Frame 4 (session, user, access, pools); that somebody looked; the member, identities, tags, categories, consents,
    # the pool's own fields; eleven sources of our own (tags put on and taken off among them) and one per upper app that
    # adds to the timeline.
    assert before <= 25


def test_merging_by_hand_and_the_old_page_leads_to_the_new(login, pool, alice, bob, as_of):
    client = login("operator")
    page = client.get(url(alice, "merge/"), {"with": bob.pk})
    assert "Bob" in page.content.decode()
    client.post(url(alice, "merge/"), {"loser": bob.pk})
    assert Merge.objects.get().actor.username.startswith("operator")
    assert client.get(url(bob)).headers["Location"] == url(alice)
    assert shown(client.get(LIST)) == [alice.pk]
    assert str(bob.pk) in client.get(LIST + "merges/").content.decode()
    assert login("marketer").get(url(alice, "merge/")).status_code == 403


# -- Tags -----------------------------------------------------------------------------------------
def test_tag_pages(login, pool, alice, tag, as_of):
    tagging.add_tag(tag=tag, members=[alice.pk], actor=None, as_of=as_of)
    client = login("marketer")
    client.post("/p/demo/tags/groups/new/", {"name": "兴趣", "color": "green"})
    group = TagGroup.objects.get(name="兴趣")
    client.post(f"/p/demo/tags/groups/{group.pk}/new/", {"name": "咖啡"})
    assert (
        "已有同名" in client.post(f"/p/demo/tags/groups/{group.pk}/new/", {"name": "咖啡"}).content.decode()
        or Tag.objects.filter(name="咖啡").count() == 1
    )
    text = client.get("/p/demo/tags/").content.decode()
    assert "咖啡" in text
    assert f"?tag={tag.pk}" in text
    client.post(f"/p/demo/tags/{tag.pk}/delete/")
    assert not MemberTag.objects.exists()
    assert login("analyst").get("/p/demo/tags/groups/new/").status_code == 403


def test_a_group_cannot_become_exclusive_while_somebody_carries_two(pool, alice, as_of):
    from scrm.lib.problems import Problem

    group = TagGroup.objects.create(pool=pool, name="兴趣")
    for name in ("茶", "咖啡"):
        tagging.add_tag(tag=Tag.objects.create(pool=pool, group=group, name=name), members=[alice.pk], actor=None, as_of=as_of)
    with pytest.raises(Problem) as refusal:
        tagging.save_group(pool=pool, group=group, name="兴趣", color="blue", is_exclusive=True, actor=None)
    assert refusal.value.code == "tags.not_exclusive"


def test_tagging_touches_only_members_of_the_tags_pool(pool, other_pool, alice, tag, as_of):
    stranger = factories.member(other_pool, "Eve")
    assert tagging.add_tag(tag=tag, members=[alice.pk, stranger.pk, 999], actor=None, as_of=as_of) == [alice.pk]
    assert tagging.add_tag(tag=tag, members=[alice.pk], actor=None, as_of=as_of) == []


# -- Other pools ----------------------------------------------------------------------------------
@pytest.mark.parametrize("tail", ["", "edit/", "timeline/", "orders/", "consents/", "merge/", "tags/"])
def test_a_member_of_another_pool_does_not_exist(login, other_pool, tail):
    stranger = factories.member(other_pool, "Eve", phone="13800000077")
    client = login("admin")
    assert client.get(url(stranger, tail)).status_code == 404
    assert client.get(f"/p/other/members/{stranger.pk}/{tail}").status_code == 404


def test_acts_do_not_reach_into_another_pool(login, pool, other_pool, alice):
    stranger = factories.member(other_pool, "Eve")
    foreign = Tag.objects.create(pool=other_pool, group=TagGroup.objects.create(pool=other_pool, name="g"), name="t")
    client = login("admin")
    assert client.post(url(alice, "tags/set/"), {"tag": foreign.pk}).status_code == 404
    assert client.get(url(alice, "merge/"), {"with": stranger.pk}).status_code == 404
    own = Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="g"), name="t")
    client.post(LIST + "bulk/", {"action": "tag", "tag": own.pk, "pick": [stranger.pk]})
    assert not MemberTag.objects.exists()
    assert shown(client.get(LIST, {"q": "Eve"})) == []
