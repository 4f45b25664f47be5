"""Who looks after whom: giving, handing over, splitting, taking back; and what a restart may not change."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from members.merging import Cause, merge_pairs
from members.models import Handover, Member, OwnerChange, Pool, PoolAccess, StaffProfile, Store
from members.ownership import services, splitting, work
from members.ownership.splitting import Receiver
from scrm.jobs import running
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin(pool: Pool) -> User:
    return factories.user("lin", pool, "operator")


@pytest.fixture
def mei(pool: Pool) -> User:
    return factories.user("mei", pool, "operator")


def people(pool: Pool, n: int, owner: User | None = None, **fields: Any) -> list[Member]:
    return [factories.member(pool, f"M{k}", owner=owner, **fields) for k in range(n)]


def owners(members: list[Member]) -> list[int | None]:
    found = dict(Member.objects.filter(pk__in=[each.pk for each in members]).values_list("pk", "owner_id"))
    return [found[each.pk] for each in members]


class TestAssign:
    def test_members_are_given_and_the_change_is_written_down(
        self, pool: Pool, lin: User, mei: User, alice: Member, bob: Member, as_of: datetime
    ) -> None:
        changed = services.assign(pool=pool, members=[alice.pk, bob.pk], to=lin, reason="新客", actor=mei, as_of=as_of)
        assert changed == sorted([alice.pk, bob.pk])
        assert owners([alice, bob]) == [lin.pk, lin.pk]
        row = OwnerChange.objects.get(member=alice)
        assert (row.from_user_id, row.to_user_id, row.reason, row.by_id, row.at) == (None, lin.pk, "新客", mei.pk, as_of)
        line = AuditEntry.objects.get(action="member.assign")
        assert (line.data["members"], line.data["to"]) == (2, "lin")

    def test_again_changes_nothing(self, pool: Pool, lin: User, alice: Member, as_of: datetime) -> None:
        given: dict[str, Any] = {"pool": pool, "members": [alice.pk], "to": lin, "reason": "", "actor": None, "as_of": as_of}
        assert services.assign(**given) == [alice.pk]
        assert services.assign(**given) == []
        assert OwnerChange.objects.count() == 1

    def test_nobody_takes_them_away(self, pool: Pool, lin: User, as_of: datetime) -> None:
        (one,) = people(pool, 1, lin)
        assert services.assign(pool=pool, members=[one.pk], to=None, reason="x", actor=None, as_of=as_of) == [one.pk]
        assert owners([one]) == [None]

    def test_members_of_another_pool_are_left_alone(self, pool: Pool, other_pool: Pool, lin: User, as_of: datetime) -> None:
        (stranger,) = people(other_pool, 1)
        assert services.assign(pool=pool, members=[stranger.pk], to=lin, reason="", actor=None, as_of=as_of) == []
        assert owners([stranger]) == [None]

    def test_who_was_merged_away_leads_to_who_they_became(
        self, pool: Pool, lin: User, alice: Member, bob: Member, as_of: datetime
    ) -> None:
        merge_pairs(pool_id=pool.pk, pairs=[(alice.pk, bob.pk)], cause=Cause("manual"), actor=None, as_of=as_of)
        assert services.assign(pool=pool, members=[bob.pk], to=lin, reason="", actor=None, as_of=as_of) == [alice.pk]
        assert owners([alice, bob]) == [lin.pk, None]

    def test_history_goes_along_with_a_merge(self, pool: Pool, lin: User, alice: Member, bob: Member, as_of: datetime) -> None:
        services.assign(pool=pool, members=[bob.pk], to=lin, reason="", actor=None, as_of=as_of)
        merge_pairs(pool_id=pool.pk, pairs=[(alice.pk, bob.pk)], cause=Cause("manual"), actor=None, as_of=as_of)
        assert owners([alice]) == [lin.pk]
        assert OwnerChange.objects.get().member_id == alice.pk

    def test_only_staff_of_the_pool_on_duty_receive(
        self, pool: Pool, other_pool: Pool, lin: User, alice: Member, as_of: datetime
    ) -> None:
        stranger = factories.user("zoe", other_pool, "operator")
        with pytest.raises(Problem, match="zoe") as refused:
            services.assign(pool=pool, members=[alice.pk], to=stranger, reason="", actor=None, as_of=as_of)
        assert refused.value.code == "owner.not_here"
        StaffProfile.objects.create(pool=pool, user=lin, is_on_duty=False)
        with pytest.raises(Problem, match="lin") as refused:
            services.assign(pool=pool, members=[alice.pk], to=lin, reason="", actor=None, as_of=as_of)
        assert refused.value.code == "owner.left"

    def test_a_guide_without_login_receives(self, pool: Pool, alice: Member, as_of: datetime) -> None:
        guide = factories.user("guide", None, "operator")
        StaffProfile.objects.create(pool=pool, user=guide)
        assert services.assign(pool=pool, members=[alice.pk], to=guide, reason="", actor=None, as_of=as_of) == [alice.pk]


# -- Splitting ------------------------------------------------------------------------------------
IDS = st.sets(st.integers(1, 5000), max_size=300).map(BitMap)
ROOMS = st.lists(st.one_of(st.none(), st.integers(-20, 400)), min_size=1, max_size=7)


@given(IDS, st.integers(1, 9))
def test_even_parts_differ_by_at_most_one(ids: BitMap, parts: int) -> None:
    found = splitting.even(ids, parts)
    assert BitMap.union(*found) == ids
    assert sum(map(len, found)) == len(ids)
    assert max(map(len, found)) - min(map(len, found)) <= 1


@given(IDS, ROOMS)
def test_parts_by_room_are_in_proportion(ids: BitMap, rooms: list[int | None]) -> None:
    found = splitting.by_room(ids, [Receiver(n, None, room) for n, room in enumerate(rooms)])
    assert BitMap.union(*found) == ids
    assert sum(map(len, found)) == len(ids)
    most = max([room for room in rooms if room is not None], default=1)
    weights = [max(max(most, 1) if room is None else room, 0) for room in rooms]
    if sum(weights):
        for part, weight in zip(found, weights, strict=True):
            assert abs(len(part) - len(ids) * weight / sum(weights)) < 1
    else:
        assert max(map(len, found)) - min(map(len, found)) <= 1


@given(IDS, st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=1, max_size=6), st.data())
def test_whoever_has_a_colleague_in_their_store_goes_there(ids: BitMap, stores: list[int | None], data: Any) -> None:
    homes: dict[int, BitMap] = {store: BitMap() for store in (1, 2, 3, 4)}
    for each in ids:
        if home := data.draw(st.sampled_from([0, 0, 1, 2, 3, 4])):
            homes[home].add(each)
    found = splitting.by_store(ids, [Receiver(n, store) for n, store in enumerate(stores)], homes)
    assert BitMap.union(*found) == ids
    assert sum(map(len, found)) == len(ids)
    for store, members in homes.items():
        local = [found[n] for n, each in enumerate(stores) if each == store]
        if local:
            assert BitMap.union(*local) >= members
            sizes = [len(part & members) for part in local]
            assert max(sizes) - min(sizes) <= 1


def test_quotas_by_hand() -> None:
    assert splitting.quotas(10, [1, 1, 1]) == [4, 3, 3]
    assert splitting.quotas(10, [30, 60, 10]) == [3, 6, 1]
    assert splitting.quotas(7, [0, -5]) == [4, 3]
    assert splitting.quotas(0, [3, 4]) == [0, 0]


# -- Hand-overs -----------------------------------------------------------------------------------
def start(pool: Pool, from_user: User, to: list[User], as_of: datetime, **more: Any) -> Handover:
    given: dict[str, Any] = {"kind": "on_duty", "split": "even", "query": "", "reason": "转岗", "actor": None, **more}
    return services.hand_over(pool=pool, from_user=from_user, to=[each.pk for each in to], as_of=as_of, **given)


def finish(handover: Handover) -> JobRun:
    running.run(handover.job_id or 0, heart=False)
    handover.refresh_from_db()
    return JobRun.objects.get(pk=handover.job_id or 0)


class TestHandover:
    def test_everybody_goes_evenly(self, pool: Pool, lin: User, mei: User, staff: dict[str, User], as_of: datetime) -> None:
        mine, others = people(pool, 7, lin), people(pool, 2, mei)
        made = start(pool, lin, [mei, staff["admin"]], as_of)
        assert finish(made).result == {"members": 7, "moved": 7, "skipped": 0}
        assert sorted(map(str, owners(mine))) == sorted(map(str, [mei.pk] * 4 + [staff["admin"].pk] * 3))
        assert owners(others) == [mei.pk] * 2
        assert set(OwnerChange.objects.values_list("handover_id", "from_user_id", "how")) == {(made.pk, lin.pk, 4)}

    def test_a_filter_narrows_it(self, pool: Pool, lin: User, mei: User, as_of: datetime) -> None:
        here, there = people(pool, 2, lin, city="上海", province="上海"), people(pool, 3, lin)
        finish(start(pool, lin, [mei], as_of, query="city=%E4%B8%8A%E6%B5%B7"))
        assert owners(here) == [mei.pk] * 2
        assert owners(there) == [lin.pk] * 3

    def test_by_store(self, pool: Pool, lin: User, mei: User, staff: dict[str, User], as_of: datetime) -> None:
        east, west = (Store.objects.create(pool=pool, code=code, name=code, created_at=as_of) for code in ("E", "W"))
        StaffProfile.objects.create(pool=pool, user=mei, store=east)
        eastern, western = people(pool, 3, lin, store=east), people(pool, 4, lin, store=west)
        finish(start(pool, lin, [mei, staff["admin"]], as_of, split="store"))
        assert owners(eastern) == [mei.pk] * 3
        assert owners(western).count(mei.pk) == 2

    def test_by_capacity(self, pool: Pool, lin: User, mei: User, staff: dict[str, User], as_of: datetime) -> None:
        admin = staff["admin"]
        StaffProfile.objects.create(pool=pool, user=mei, capacity=10)
        StaffProfile.objects.create(pool=pool, user=admin, capacity=2)
        people(pool, 2, mei)  # leaves room for 8 beside 2: four to one
        mine = people(pool, 5, lin)
        finish(start(pool, lin, [mei, admin], as_of, split="capacity"))
        assert (owners(mine).count(mei.pk), owners(mine).count(admin.pk)) == (4, 1)

    def test_who_changed_hands_meanwhile_is_counted_not_moved(self, pool: Pool, lin: User, mei: User, as_of: datetime) -> None:
        mine = people(pool, 3, lin)
        made = start(pool, lin, [mei], as_of)
        services.freeze(handover=made)
        services.assign(pool=pool, members=[mine[0].pk], to=None, reason="", actor=None, as_of=as_of)
        assert finish(made).result == {"members": 3, "moved": 2, "skipped": 1}
        assert owners(mine) == [None, mei.pk, mei.pk]
        assert (made.moved, made.skipped) == (2, 1)

    def test_a_crash_between_chunks_changes_nothing(
        self, pool: Pool, lin: User, mei: User, staff: dict[str, User], as_of: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "CHUNK", 2)
        mine = people(pool, 9, lin)
        made = start(pool, lin, [mei, staff["admin"]], as_of)
        whole, calls = services.pass_on, []

        def dies(**given: Any) -> int:
            calls.append(given)
            if len(calls) == 3:
                raise KeyboardInterrupt  # nothing cleans up: as after kill -9
            return whole(**given)

        monkeypatch.setattr(services, "pass_on", dies)
        with pytest.raises(KeyboardInterrupt):
            running.run(made.job_id or 0, heart=False)
        people(pool, 3, lin)  # newcomers are not part of what was frozen
        JobRun.objects.filter(pk=made.job_id or 0).update(lease_until=as_of - timedelta(days=9))
        assert finish(made).result == {"members": 9, "moved": 9, "skipped": 0}
        assert (owners(mine).count(mei.pk), owners(mine).count(staff["admin"].pk)) == (5, 4)
        assert OwnerChange.objects.count() == 9
        assert Member.objects.filter(owner=lin).count() == 3

    @pytest.mark.django_db(transaction=True)  # a cancelled job stops between transactions
    def test_cancelled_halfway_the_rest_stays(
        self, pool: Pool, lin: User, mei: User, as_of: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "CHUNK", 2)
        mine = people(pool, 5, lin)
        made = start(pool, lin, [mei], as_of)
        whole = services.pass_on

        def then_cancel(**given: Any) -> int:
            JobRun.objects.filter(pk=made.job_id or 0).update(asked="cancel")
            return whole(**given)

        monkeypatch.setattr(services, "pass_on", then_cancel)
        assert finish(made).status == "cancelled"
        assert (owners(mine).count(mei.pk), made.moved) == (2, 2)

    def test_undo_gives_back_whoever_is_still_there(
        self, pool: Pool, lin: User, mei: User, staff: dict[str, User], as_of: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "CHUNK", 2)
        mine = people(pool, 5, lin)
        made = start(pool, lin, [mei], as_of)
        finish(made)
        services.assign(pool=pool, members=[mine[1].pk], to=staff["admin"], reason="", actor=None, as_of=as_of)
        job = services.undo(handover=made, actor=None)
        assert running.run(job.pk, heart=False) == "done"
        job.refresh_from_db()
        assert job.result == {"members": 5, "back": 4, "moved_on": 1}
        assert owners(mine) == [lin.pk, staff["admin"].pk, lin.pk, lin.pk, lin.pk]
        made.refresh_from_db()
        assert made.undone_at is not None
        with pytest.raises(Problem) as refused:
            services.undo(handover=made, actor=None)
        assert refused.value.code == "owner.undone"

    def test_undo_of_a_bulk_assignment_gives_each_back_to_their_own(
        self, pool: Pool, lin: User, mei: User, staff: dict[str, User], as_of: datetime
    ) -> None:
        one, two, three = *people(pool, 1, lin), *people(pool, 1, mei), *people(pool, 1)
        ids = [one.pk, two.pk, three.pk]
        made = services.start_assign(pool=pool, chosen={"ids": ids}, to=staff["admin"], reason="x", actor=None, as_of=as_of)
        finish(made)
        assert set(owners([one, two, three])) == {staff["admin"].pk}
        running.run(services.undo(handover=made, actor=None).pk, heart=False)
        assert owners([one, two, three]) == [lin.pk, mei.pk, None]

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"reason": "  "}, "owner.no_reason"),
            ({"to": ""}, "owner.no_receiver"),
            ({"to": "self"}, "owner.to_self"),
            ({"kind": "left"}, "owner.still_here"),
            ({"query": "city=nowhere"}, "owner.nobody"),
        ],
    )
    def test_refused_with_a_reason(
        self, pool: Pool, lin: User, mei: User, as_of: datetime, given: dict[str, Any], code: str
    ) -> None:
        people(pool, 1, lin)
        to = {"self": [lin]}.get(given.pop("to", None) if given.get("to") == "self" else "")
        to = to if to is not None else given.pop("to", [mei])
        with pytest.raises(Problem) as refused:
            start(pool, lin, to, as_of, **given)
        assert refused.value.code in (code, "owner.bad_filter")

    def test_who_left_passes_on(self, pool: Pool, lin: User, mei: User, as_of: datetime) -> None:
        StaffProfile.objects.create(pool=pool, user=lin, is_on_duty=False, left_on=as_of.date())
        PoolAccess.objects.filter(user=lin).delete()
        (one,) = people(pool, 1, lin)
        finish(start(pool, lin, [mei], as_of, kind="left"))
        assert owners([one]) == [mei.pk]

    def test_a_paused_job_does_not_let_itself_be_undone(self, pool: Pool, lin: User, mei: User, as_of: datetime) -> None:
        people(pool, 1, lin)
        made = start(pool, lin, [mei], as_of)
        jobs.ask(job=JobRun.objects.get(pk=made.job_id or 0), what="pause", actor=None)
        with pytest.raises(Problem) as refused:
            services.undo(handover=made, actor=None)
        assert refused.value.code == "owner.running"
