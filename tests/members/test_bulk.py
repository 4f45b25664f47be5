"""Acts on many: who is meant, what is changed, that it survives, and that the way back restores exactly that."""

import re
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from members import tagging
from members.bulk import packing, services
from members.bulk.acts import Asking, acts
from members.models import BulkAct, BulkPiece, Member, MemberTag, OwnerChange, Tag, TagGroup
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.jobs.running import run
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from tests import factories
from tests.children import environment

pytestmark = pytest.mark.django_db
LIST = "/p/demo/members/"


@pytest.fixture
def tag(pool):
    return Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="价值"), name="高客单")


@pytest.fixture
def rival(tag):
    """Another tag of the same group, of which a member carries one at most."""
    TagGroup.objects.filter(pk=tag.group_id).update(is_exclusive=True)
    return Tag.objects.create(pool=tag.pool, group=tag.group, name="低客单")


@pytest.fixture
def begin(pool, staff, as_of):
    """Start an act: begin("tag", ids, tag=1) or begin("tag", "stage=1", tag=1)."""

    def start(act, whom, **data):
        chosen = services.Whom(query=whom, everybody=True) if isinstance(whom, str) else services.Whom(ids=tuple(whom))
        asking = Asking(pool, staff["operator"], as_of)
        return services.start(asking=asking, act=acts[act], whom=chosen, data={name: str(value) for name, value in data.items()})

    return start


def finished(bulk, undo=False):
    """Run its job to the end."""
    bulk.refresh_from_db()
    job = bulk.undo_job_id if undo else bulk.job_id
    assert run(job, heart=False) == "done", JobRun.objects.get(pk=job).error
    bulk.refresh_from_db()
    return bulk


def carried():
    """Every tag of everybody, with when and by whom."""
    return sorted(MemberTag.objects.values_list("member_id", "tag_id", "at", "by_id"))


# -- Packing --------------------------------------------------------------------------------------
def test_rows_are_what_they_were_when_opened_again():
    import numpy as np

    rows = np.array([[4_294_967_295, 7, 1_793_520_000_123_456, 0], [2, 7, -5, 9]], dtype=np.int64)
    assert packing.opened(packing.sealed(rows)).tolist() == rows.tolist()
    assert packing.opened(packing.sealed(rows[:0])).size == 0
    assert sorted(packing.members_of(rows)) == [2, 4_294_967_295]


# -- From the bar ---------------------------------------------------------------------------------
def test_picked_members_are_tagged_at_once_and_the_way_back_takes_off_only_what_was_added(login, alice, bob, tag, as_of):
    MemberTag.objects.create(member=alice, tag=tag, at=as_of)
    client = login("marketer")
    client.post(LIST + "bulk/", {"action": "tag", "tag.tag": tag.pk, "pick": [alice.pk, bob.pk]})
    assert MemberTag.objects.count() == 2
    undo = re.search(r'data-undo="([^"]+)"', client.get(LIST).content.decode())[1]
    assert client.post(undo, headers={"HX-Request": "true"}).status_code == 204
    assert list(MemberTag.objects.values_list("member_id", "at")) == [(alice.pk, as_of)]
    assert list(AuditEntry.objects.filter(action__startswith="bulk.").order_by("pk").values_list("action", flat=True)) == [
        "bulk.start",
        "bulk.done",
        "bulk.undo",
        "bulk.undone",
    ]
    client.post(undo, headers={"HX-Request": "true"})  # a second time changes nothing
    assert MemberTag.objects.count() == 1


def test_what_is_missing_is_said(login, alice, tag):
    client = login("operator")

    def told(**data):
        return client.post(LIST + "bulk/", data, follow=True).content.decode()

    assert "请先选择会员" in told(action="tag", tag=tag.pk)
    assert "请选择一个标签" in told(action="tag", pick=alice.pk)
    assert "请选择一个标签" in told(action="tag", pick=alice.pk, tag="99999999")
    assert "请写明原因" in told(action="assign", pick=alice.pk, **{"assign.owner": "none"})
    assert "正好选择两位" in told(action="merge", pick=alice.pk)
    assert "里没有「99」" in told(action="tag", tag=tag.pk, everything="1", query="stage=99")
    assert client.post(LIST + "bulk/", {"action": "burn", "pick": alice.pk}).status_code == 404
    assert not BulkAct.objects.exists()


def test_an_unknown_part_of_an_address_never_means_everybody(begin, alice, tag):
    """A page shows everybody for `?stagge=1`; an act must not do something to them."""
    bulk = begin("tag", "stagge=1", tag=tag.pk)
    assert run(bulk.job_id, heart=False) == "failed"
    assert "stagge" in JobRun.objects.get(pk=bulk.job_id).error
    assert not MemberTag.objects.exists()


def test_two_picked_members_are_put_side_by_side(login, alice, bob):
    answer = login("operator").post(LIST + "bulk/", {"action": "merge", "pick": [alice.pk, bob.pk]})
    assert answer["Location"] == f"{LIST}{alice.pk}/merge/?with={bob.pk}"


def test_who_may_not_tag_or_assign_cannot_do_so_in_bulk(login, begin, alice, tag):
    data = {"action": "tag", "tag": tag.pk, "pick": alice.pk}
    assert login("analyst").post(LIST + "bulk/", data).status_code == 403
    assert (
        login("marketer").post(LIST + "bulk/", {"action": "assign", "owner": "none", "reason": "x", "pick": alice.pk}).status_code
        == 403
    )
    assert login("analyst").get(LIST + "bulk/form/tag/").status_code == 403
    assert login("marketer").get(LIST + "bulk/form/tag/").status_code == 200
    bulk = begin("tag", [alice.pk], tag=tag.pk)
    assert login("analyst").post(f"{LIST}bulk/{bulk.pk}/undo/").status_code == 403
    assert MemberTag.objects.count() == 1


# -- Everybody an address asks for ----------------------------------------------------------------
def test_everybody_matching_is_tagged_by_a_job(login, other_pool, alice, bob, tag):
    factories.member(other_pool, "Alice")
    data = {"action": "tag", "tag": tag.pk, "everything": "1", "expected": "2", "query": "q=alice"}
    login("operator").post(LIST + "bulk/", data)
    bulk = finished(BulkAct.objects.get())
    assert list(MemberTag.objects.values_list("member_id", flat=True)) == [alice.pk]
    assert (bulk.total, bulk.changed, bulk.expected) == (1, 1, 2)
    assert "页面上是 2 位" in login("operator").get(LIST + "bulk/").content.decode()


def test_an_act_that_empties_its_own_list_reaches_everybody(begin, pool, tag, monkeypatch):
    """Who is meant is frozen: "without this tag" stays whom it was while they get the tag."""
    monkeypatch.setattr(services, "CHUNK", 3)
    members = [factories.member(pool, f"m{n}") for n in range(10)]
    bulk = finished(begin("tag", f"tag_not={tag.pk}", tag=tag.pk))
    assert MemberTag.objects.count() == bulk.changed == 10
    factories.member(pool, "late")
    bulk.refresh_from_db()
    services.undo(bulk=bulk, actor=bulk.by, as_of=bulk.at)
    assert finished(bulk, undo=True).restored == 10
    assert not MemberTag.objects.filter(member__in=members).exists()


# -- The way back ---------------------------------------------------------------------------------
def test_tags_taken_off_come_back_with_their_time_and_author(begin, alice, bob, tag, staff, as_of):
    MemberTag.objects.create(member=alice, tag=tag, at=as_of - timedelta(days=3, microseconds=7), by=staff["marketer"])
    MemberTag.objects.create(member=bob, tag=tag, at=as_of - timedelta(days=2), by=None)
    before = carried()
    bulk = begin("untag", [alice.pk, bob.pk], tag=tag.pk)
    assert not carried()
    services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert carried() == before


def test_what_an_exclusive_group_replaced_comes_back(begin, alice, bob, tag, rival, staff, as_of):
    MemberTag.objects.create(member=alice, tag=rival, at=as_of - timedelta(days=3), by=staff["marketer"])
    before = carried()
    bulk = begin("tag", [alice.pk, bob.pk], tag=tag.pk)
    assert {row[1] for row in carried()} == {tag.pk}
    services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert carried() == before


def test_what_changed_since_is_left_alone_and_counted(begin, alice, bob, tag, rival, staff, as_of):
    bulk = begin("tag", [alice.pk, bob.pk], tag=tag.pk)
    tagging.remove_tag(tag=tag, members=[alice.pk], actor=None, as_of=as_of + timedelta(minutes=30))
    tagging.add_tag(tag=tag, members=[alice.pk], actor=None, as_of=as_of + timedelta(hours=1))  # tagged anew by somebody
    done = services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert (done.restored, done.kept) == (1, 1)
    assert [row[0] for row in carried()] == [alice.pk]

    bulk = begin("untag", [alice.pk], tag=tag.pk)
    tagging.add_tag(tag=rival, members=[alice.pk], actor=None, as_of=as_of)  # the group has another one now
    done = services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert (done.restored, done.kept) == (0, 1)
    assert [row[1] for row in carried()] == [rival.pk]


def test_owners_go_back_to_whom_they_were_unless_somebody_chose_another(begin, pool, staff, as_of):
    one, two, three = (factories.member(pool, f"m{n}") for n in range(3))
    Member.objects.filter(pk=one.pk).update(owner=staff["marketer"])
    bulk = begin("assign", [one.pk, two.pk, three.pk], owner=staff["operator"].pk, reason="换班")
    assert set(Member.objects.values_list("owner_id", flat=True)) == {staff["operator"].pk}
    assert OwnerChange.objects.filter(reason="换班").count() == 3
    Member.objects.filter(pk=three.pk).update(owner=staff["admin"])
    done = services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert (done.restored, done.kept) == (2, 1)
    owners = dict(Member.objects.values_list("pk", "owner_id"))
    assert owners == {one.pk: staff["marketer"].pk, two.pk: None, three.pk: staff["admin"].pk}


def test_a_merged_member_is_counted_as_changed(begin, alice, bob, tag, staff, as_of):
    bulk = begin("tag", [alice.pk, bob.pk], tag=tag.pk)
    MemberTag.objects.filter(member=bob).delete()
    Member.objects.filter(pk=bob.pk).update(merged_into=alice.pk)
    done = services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert (done.restored, done.kept) == (1, 1)


@pytest.mark.parametrize("late", [False, True])
def test_why_something_cannot_be_taken_back(begin, alice, tag, staff, as_of, late):
    bulk = begin("tag", [alice.pk], tag=tag.pk)
    if late:
        with pytest.raises(Problem, match="30 天"):
            services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of + timedelta(days=31))
    else:
        services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
        with pytest.raises(Problem, match="撤销过"):
            services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)


def test_what_is_too_old_to_be_taken_back_is_forgotten(begin, alice, bob, tag, as_of):
    old = begin("tag", [alice.pk], tag=tag.pk)
    BulkAct.objects.filter(pk=old.pk).update(at=as_of - timedelta(days=40))
    begin("tag", [bob.pk], tag=tag.pk)
    assert not BulkPiece.objects.filter(act=old).exists()
    assert BulkAct.objects.count() == 2  # that it was done stays


# -- Cancelled, killed ----------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_cancelled_act_can_be_taken_back_as_far_as_it_came(begin, pool, tag, staff, as_of, monkeypatch):
    monkeypatch.setattr(services, "CHUNK", 3)
    for number in range(10):
        factories.member(pool, f"m{number}")
    bulk = begin("tag", "view=all", tag=tag.pk)
    advance = services.advance

    def cancelling(act, n):
        if n == 2:
            jobs.ask(job=JobRun.objects.get(pk=bulk.job_id), what="cancel", actor=None)
        return advance(act, n)

    monkeypatch.setattr(services, "advance", cancelling)
    assert run(bulk.job_id, heart=False) == "cancelled"
    bulk.refresh_from_db()
    assert (bulk.done, bulk.changed, MemberTag.objects.count()) == (9, 9, 9)
    services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert finished(bulk, undo=True).restored == 9
    assert not MemberTag.objects.exists()


def test_a_running_act_is_not_taken_back(begin, alice, tag, staff, as_of):
    bulk = begin("tag", "view=all", tag=tag.pk)
    BulkAct.objects.filter(pk=bulk.pk).update(changed=1)
    with pytest.raises(Problem, match="还没结束"):
        services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)


DYING = """
import os, signal, sys
import django
django.setup()
from members.bulk import services
from scrm.jobs import running
job, last = int(sys.argv[1]), int(sys.argv[2])
services.CHUNK = 50
calls, real = 0, running.RunningJob.checkpoint
def counted(self, **given):
    global calls
    real(self, **given)
    calls += 1
    if calls == last:
        os.kill(os.getpid(), signal.SIGKILL)
running.RunningJob.checkpoint = counted
print(running.run(job, heart=False))
"""


def _worker(job, at):
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(job), str(at)], env=environment(), capture_output=True, text=True, timeout=600
    )
    JobRun.objects.filter(pk=job).update(lease_until=timezone.now() - timedelta(seconds=1))
    return done.returncode, done.stdout.strip() or done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_again_and_again_it_changes_everybody_once_and_back(begin, pool, tag, rival, staff, as_of):
    members = [factories.member(pool, f"m{n}") for n in range(400)]
    tagging.add_tag(tag=rival, members=[row.pk for row in members[::3]], actor=staff["marketer"], as_of=as_of - timedelta(days=9))
    before, deaths = carried(), 0
    bulk = begin("tag", f"tag_not={tag.pk}", tag=tag.pk)
    for at in (1, 2, 4, 3, 10**9):
        code, said = _worker(bulk.job_id, at)
        if not code:
            break
        assert code == -signal.SIGKILL, said
        deaths += 1
    assert (deaths, said) == (4, "done")
    bulk.refresh_from_db()
    assert (bulk.total, bulk.done, bulk.changed) == (400, 400, 400)
    assert {row[1] for row in carried()} == {tag.pk}
    services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    bulk.refresh_from_db()
    for at in (2, 4, 10**9):
        code, said = _worker(bulk.undo_job_id, at)
    assert said == "done"
    bulk.refresh_from_db()
    assert (bulk.restored, bulk.kept) == (400, 0)
    assert carried() == before


# -- The record -----------------------------------------------------------------------------------
def test_the_record_says_what_was_done_and_offers_the_way_back(login, begin, alice, bob, tag, rival):
    begin("tag", [alice.pk, bob.pk], tag=tag.pk)
    begin("untag", "stage=0", tag=tag.pk)
    text = login("operator").get(LIST + "bulk/").content.decode()
    assert "打标签「价值 · 高客单」" in text
    assert "选中 2 位，更改了 2 位" in text
    assert text.count("/undo/") == 1  # the other one has not begun
    assert "data-running" in text


def test_the_record_is_of_this_pool(login, other_pool, alice, tag):
    theirs = BulkAct.objects.create(pool=other_pool, act="tag", params={}, at=timezone.now())
    assert login("admin").get(f"{LIST}bulk/{theirs.pk}/").status_code == 404
    assert login("admin").post(f"{LIST}bulk/{theirs.pk}/undo/").status_code == 404
