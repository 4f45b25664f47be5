"""Values that many share join nobody, whatever order they arrive in."""

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from members.importing import pipeline, revert
from members.importing.progress import Direct
from members.models import Guard, GuardedUse, Identity, ImportReject, Meeting, Member, Pool, Review, StaffProfile
from members.oneid import guarding, services
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from tests import factories
from tests.oneid.conftest import brought, people, ruled, stored, uploaded

pytestmark = pytest.mark.django_db
SHOP = "13800000009"
Bring = Callable[..., Any]


@pytest.fixture
def two(pool: Pool) -> Pool:
    """A telephone may be seen with two cards, not with three."""
    ruled(pool, phone={"limit": 2}, email={"limit": 2})
    return pool


def test_up_to_the_limit_a_telephone_joins(two: Pool, bring: Bring) -> None:
    bring([SHOP, "", "C1"], [SHOP, "", "C2"])
    assert stored(two) == people(f"{SHOP} C1 C2")
    assert not Guard.objects.exists()


def test_beyond_the_limit_it_joins_nobody_and_is_kept(two: Pool, bring: Bring) -> None:
    run = bring([SHOP, "", "C1"], [SHOP, "", "C2"], [SHOP, "", "C3"])
    assert stored(two) == people("C1", "C2", "C3")
    guard = Guard.objects.get()
    assert (guard.kind, guard.reason, guard.met, guard.hint, guard.value) == ("phone", "shared", 3, "138****0009", "")
    assert GuardedUse.objects.filter(guard=guard).count() == 3
    assert run.counts["new"] == 3
    assert run.counts["refused"] == 0


def test_a_row_that_says_nothing_else_is_refused_with_its_cells(two: Pool, bring: Bring) -> None:
    run = bring([SHOP, "", "C1"], [SHOP, "", "C2"], [SHOP, "", "C3"], [SHOP, "", ""])
    reject = ImportReject.objects.get(run=run)
    assert (reject.line, reject.code, reject.column, reject.row) == (5, "shared_identity", "手机号", [SHOP, "", ""])
    assert (run.counts["conflicting"], run.counts["refused"], run.counts["repeated"]) == (1, 0, 0)
    assert Member.objects.count() == 3


def test_files_are_counted_together(two: Pool, bring: Bring) -> None:
    """1 + 1 + 1 in three files is as many as 3 in one; what was joined before is put before a person."""
    bring([SHOP, "", "C1"])
    bring([SHOP, "", "C2"])
    assert stored(two) == people(f"{SHOP} C1 C2")
    bring([SHOP, "", "C3"])
    assert stored(two) == people("C1 C2", "C3")
    review = Review.objects.get()
    first = Identity.objects.get(value="C1").member_id
    assert (review.one_id, review.two_id, review.reason, review.cause_kind, review.status) == (
        first,
        None,
        "shared",
        "phone",
        "open",
    )
    assert Guard.objects.get().sealed is not None
    assert set(GuardedUse.objects.values_list("member_id", flat=True)) == {first, Identity.objects.get(value="C3").member_id}


def test_a_merge_that_a_shared_value_proved_is_reviewed(two: Pool, bring: Bring) -> None:
    bring(["", "", "C1"], ["", "", "C2"])
    one, other = (Identity.objects.get(value=card).member_id for card in ("C1", "C2"))
    bring([SHOP, "", "C1"])
    bring([SHOP, "", "C2"])
    assert Member.objects.get(pk=other).merged_into == one
    bring([SHOP, "", "C3"])
    reviews = Review.objects.filter(reason="shared")
    assert len(reviews) == 1


def test_the_same_rows_again_count_nothing_twice(two: Pool, bring: Bring) -> None:
    for _again in range(4):
        bring([SHOP, "", "C1"], [SHOP, "", "C2"])
    assert Meeting.objects.count() == 2
    assert not Guard.objects.exists()


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_what_is_guarded_does_not_depend_on_the_order(two: Pool, as_of: datetime, order: tuple[int, ...]) -> None:
    rows = [[SHOP, "", "C1"], [SHOP, "a@b.cn", "C2"], [SHOP, "", "C3"], ["13800000001", "a@b.cn", "C4"]]
    for place in order:
        brought(two, [rows[place]], as_of)
    assert [(guard.kind, guard.met) for guard in Guard.objects.all()] == [("phone", 3)]


def test_an_import_that_is_taken_back_has_counted_nothing(two: Pool, as_of: datetime) -> None:
    brought(two, [[SHOP, "", "C1"]], as_of)
    second = brought(two, [[SHOP, "", "C1"], [SHOP, "", "C2"]], as_of)
    assert Meeting.objects.count() == 2
    counts = revert.run(second, Direct(), as_of=as_of)
    assert counts["meetings_forgotten"] == 1
    assert Meeting.objects.count() == 1
    brought(two, [[SHOP, "", "C3"]], as_of)
    assert not Guard.objects.exists()


def test_what_leads_to_one_person_all_the_same_is_still_counted(two: Pool, alice: Any, as_of: datetime) -> None:
    run = brought(two, [[SHOP, "", "C1"]], as_of)
    Member.objects.update(name="有人改过")  # so that the member and both identities stay
    counts = revert.run(run, Direct(), as_of=as_of)
    assert (counts["meetings_forgotten"], Meeting.objects.count()) == (0, 1)


def test_questions_of_an_import_that_is_taken_back_are_asked_no_more(pool: Pool, as_of: datetime) -> None:
    ruled(pool, phone={"joins": "ask"})
    brought(pool, [[SHOP, "", "C1"], ["13800000001", "", "C2"]], as_of)
    run = brought(pool, [[SHOP, "", "C2"]], as_of)
    assert Review.objects.filter(run_id=run.pk).count() == 1
    revert.run(run, Direct(), as_of=as_of)
    assert not Review.objects.filter(run_id=run.pk).exists()


def test_numbers_of_staff_join_nobody(pool: Pool, staff: Any, bring: Bring) -> None:
    from members import identities

    made = identities.written("phone", SHOP)
    StaffProfile.objects.create(
        pool=pool, user=staff["operator"], phone_hash=made.value_hash, phone_sealed=made.sealed, phone_hint=made.hint
    )
    run = bring([SHOP, "", "C1"], [SHOP, "", "C2"], [SHOP, "", ""])
    assert stored(pool) == people("C1", "C2")
    assert Guard.objects.get().reason == "staff"
    assert run.counts["conflicting"] == 1


def test_a_check_says_so_and_writes_nothing(two: Pool, as_of: datetime) -> None:
    run = uploaded(two, [[SHOP, "", "C1"], [SHOP, "", "C2"], [SHOP, "", "C3"], [SHOP, "", ""]])
    counts = pipeline.check(run, as_of=as_of)
    assert (counts["new"], counts["conflicting"]) == (3, 1)
    assert not Guard.objects.exists()
    assert not Meeting.objects.exists()
    (guarded,) = run.rehearsals.get().result["guarded"]
    assert (guarded["hint"], guarded["rows"], guarded["met"]) == ("138****0009", 4, 3)


# -- The list by hand ------------------------------------------------------------------------------
def test_a_blocked_value_leaves_the_registry(pool: Pool, bring: Bring, staff: Any, as_of: datetime) -> None:
    bring([SHOP, "", "C1"])
    guard = services.block(pool=pool, kind="phone", value="+86 138 0000 0009", note="前台", actor=staff["admin"], as_of=as_of)
    assert stored(pool) == people("C1")
    assert guard.uses.count() == 1
    assert AuditEntry.objects.filter(action="oneid.block").count() == 1
    bring([SHOP, "", "C2"])
    assert stored(pool) == people("C1", "C2")


def test_an_allowed_value_comes_back_and_is_never_counted_again(two: Pool, bring: Bring, staff: Any, as_of: datetime) -> None:
    bring([SHOP, "", "C1"])
    guard = services.block(pool=two, kind="phone", value=SHOP, note="", actor=staff["admin"], as_of=as_of)
    services.allow_value(guard=guard, actor=staff["admin"], as_of=as_of)
    assert stored(two) == people(f"{SHOP} C1")
    bring([SHOP, "", "C2"], [SHOP, "", "C3"], [SHOP, "", "C4"])
    assert stored(two) == people(f"{SHOP} C1 C2 C3 C4")
    assert Guard.objects.get().is_allowed


def test_nobody_takes_a_guarded_value_by_hand(pool: Pool, staff: Any, as_of: datetime) -> None:
    from members import people as by_hand

    services.block(pool=pool, kind="phone", value=SHOP, note="", actor=staff["admin"], as_of=as_of)
    alice = factories.member(pool, "Alice")
    with pytest.raises(Problem, match="共用") as refused:
        by_hand.add_identity(member=alice, kind="phone", value=SHOP, actor=staff["admin"], as_of=as_of)
    assert refused.value.code == "identity.guarded"


def test_what_is_told_one_by_one_is_counted_with_the_files(two: Pool, bring: Bring, staff: Any, as_of: datetime) -> None:
    from members import people as by_hand

    given: dict[str, Any] = {"actor": staff["admin"], "as_of": as_of}
    member = by_hand.create_member(pool=two, facts={}, known_as=[("phone", SHOP), ("card_no", "C1")], **given)
    by_hand.add_identity(member=member, kind="card_no", value="C2", **given)
    assert Meeting.objects.count() == 2
    bring([SHOP, "", "C3"])
    assert stored(two) == people("C1 C2", "C3")
    assert Review.objects.get().one_id == member.pk


def test_values_that_stand_for_nobody(pool: Pool, bring: Bring) -> None:
    run = bring(["11111111111", "", "C1"], ["12345678901", "noreply@b.cn", ""], ["", "", "无"])
    assert stored(pool) == people("C1")
    assert sorted(ImportReject.objects.filter(run=run).values_list("line", "code")) == [
        (3, "placeholder_identity"), (4, "placeholder_identity"),
    ]  # fmt: skip


def test_the_pools_own_words_for_nobody(pool: Pool, bring: Bring) -> None:
    pool.settings = {"oneid": {"mail_names": ["kefu"]}}
    pool.save()
    bring(["", "KEFU@shop.cn", "C1"], ["", "kefu@shop.cn", "C2"])
    assert stored(pool) == people("C1", "C2")


def test_a_device_of_many_is_guarded_too(pool: Pool, bring: Bring) -> None:
    ruled(pool, device_id={"limit": 1})
    bring(["13800000001", "D1"], ["13800000002", "D1"], head=["手机号", "设备号"])
    assert stored(pool) == people("13800000001", "13800000002")
    assert Guard.objects.get().kind == "device_id"


def test_retiring_is_harmless_when_done_again(two: Pool, bring: Bring, as_of: datetime) -> None:
    bring([SHOP, "", "C1"], [SHOP, "", "C2"], [SHOP, "", "C3"])
    guards = list(Guard.objects.values_list("pk", flat=True))
    before = Review.objects.count(), GuardedUse.objects.count()
    assert guarding.retire(pool_id=two.pk, guards=guards, run_id=None, as_of=as_of) == 0
    assert (Review.objects.count(), GuardedUse.objects.count()) == before
