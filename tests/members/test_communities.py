"""Groups: who was in when, whatever order it was told in; days; figures worked out by hand; alerts once."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.communities import services, watch
from members.communities.people import Person
from members.communities.services import Day, Happening, Taken
from members.merging import Cause, merge_pairs
from members.models import (
    Community,
    CommunityAlert,
    CommunityDay,
    CommunityEvent,
    CommunityHealth,
    CommunityMember,
    Guard,
    Identity,
    Member,
    Pool,
)
from members.team import profiles
from scrm.lib import crypto
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from tests import factories

START = datetime(2026, 9, 1, 2, tzinfo=UTC)


@pytest.fixture
def group(pool: Pool, as_of: datetime) -> Community:
    facts = {"name": "福利一群", "external_id": "wr1", "created_at": START}
    return services.save_community(pool=pool, community=None, facts=facts, actor=None, as_of=as_of)


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def tell(group: Community, as_of: datetime, *said: tuple[str, Member | str, float], **more: Any) -> Taken:
    """("join", member or external user id, day of the story)."""
    happenings = [
        Happening(
            kind, at(day), Person(member=who.pk) if isinstance(who, Member) else Person(None, "external_userid", who), **more
        )
        for kind, who, day in said
    ]
    return services.record(community=group, happenings=happenings, actor=None, as_of=as_of)


def stays(group: Community, member: Member) -> list[tuple[datetime, datetime | None]]:
    rows = CommunityMember.objects.filter(community=group, member=member).order_by("n")
    return list(rows.values_list("joined_at", "left_at"))


def days(group: Community) -> dict[date, tuple[int, int, int, int]]:
    rows = CommunityDay.objects.filter(community=group)
    return {row.day: (row.messages, row.senders, row.joins, row.leaves) for row in rows}


@pytest.mark.django_db
class TestStays:
    def test_a_stay_from_joining_to_leaving(self, group: Community, alice: Member, as_of: datetime) -> None:
        tell(group, as_of, ("join", alice, 0), ("leave", alice, 3), ("join", alice, 5))
        assert stays(group, alice) == [(at(0), at(3)), (at(5), None)]

    def test_the_leaving_may_come_first(self, group: Community, alice: Member, as_of: datetime) -> None:
        tell(group, as_of, ("leave", alice, 3))
        row = CommunityMember.objects.get()
        assert (row.is_join_known, row.joined_at, row.left_at) == (False, at(3), at(3))
        tell(group, as_of, ("join", alice, 0))
        row = CommunityMember.objects.get()
        assert (row.is_join_known, row.joined_at, row.left_at) == (True, at(0), at(3))

    def test_a_late_earlier_joining_moves_the_day(self, group: Community, alice: Member, as_of: datetime) -> None:
        tell(group, as_of, ("join", alice, 2))
        assert days(group)[date(2026, 9, 3)][2] == 1
        tell(group, as_of, ("join", alice, 0))
        assert stays(group, alice) == [(at(0), None)]
        assert (days(group)[date(2026, 9, 1)][2], days(group)[date(2026, 9, 3)][2]) == (1, 0)

    def test_repeats_add_nothing(self, group: Community, alice: Member, as_of: datetime) -> None:
        said = [("join", alice, 0.0), ("message", alice, 1.0), ("leave", alice, 2.0)]
        assert tell(group, as_of, *said) == Taken(3, 0, 0, [])
        before = (stays(group, alice), days(group))
        assert tell(group, as_of, *said) == Taken(0, 3, 0, [])
        assert (stays(group, alice), days(group)) == before

    def test_two_messages_of_one_instant_are_two_when_their_ids_differ(
        self, group: Community, alice: Member, as_of: datetime
    ) -> None:
        for name in ("m1", "m2", "m2"):
            tell(group, as_of, ("message", alice, 1.0), id=name)
        assert days(group)[date(2026, 9, 2)][:2] == (2, 1)

    def test_days_are_the_pools(self, group: Community, alice: Member, as_of: datetime) -> None:
        late = Happening("message", datetime(2026, 9, 1, 17, tzinfo=UTC), Person(member=alice.pk))  # 1 a.m. in Shanghai
        services.record(community=group, happenings=[late], actor=None, as_of=as_of)
        assert days(group) == {date(2026, 9, 2): (1, 1, 0, 0)}

    def test_two_members_that_become_one_were_in_once(
        self, group: Community, alice: Member, bob: Member, as_of: datetime
    ) -> None:
        tell(group, as_of, ("join", alice, 0), ("join", bob, 1), ("message", alice, 2), ("message", bob, 2.1), ("leave", bob, 4))
        merge_pairs(pool_id=group.pool_id, pairs=[(alice.pk, bob.pk)], cause=Cause("manual"), actor=None, as_of=as_of)
        assert stays(group, alice) == [(at(0), at(4))]
        assert not CommunityMember.objects.filter(member=bob).exists()
        assert days(group)[date(2026, 9, 3)][:2] == (2, 1)
        assert days(group)[date(2026, 9, 2)][2] == 0  # bob's joining says nothing new

    def test_a_complete_list_closes_who_is_missing(self, group: Community, alice: Member, bob: Member, as_of: datetime) -> None:
        tell(group, as_of, ("join", alice, 0), ("join", bob, 0))
        assert services.close_absent(community=group, present={alice.pk}, at=at(5), actor=None, as_of=as_of) == 1
        assert (stays(group, alice), stays(group, bob)) == ([(at(0), None)], [(at(0), at(5))])


def oracle(said: list[tuple[str, int]]) -> list[tuple[int, int | None]]:
    """Stays told as plainly as possible."""
    found: list[tuple[int, int | None]] = []
    inside = False
    for place, (kind, when) in enumerate(sorted(said, key=lambda row: (row[1], row[0] == "leave"))):
        if kind == "join" and not inside:
            found.append((when, None))
        elif kind == "leave" and inside:
            found[-1] = (found[-1][0], when)
        elif kind == "leave" and not inside and place == 0:
            found.append((when, when))
        inside = kind == "join"
    return found


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(st.tuples(st.sampled_from(["join", "leave"]), st.integers(0, 12)), min_size=1, max_size=9, unique=True),
    seed=st.integers(0, 999),
)
def test_any_order_of_arrival_gives_the_same_stays(
    group: Community, alice: Member, as_of: datetime, said: list[tuple[str, int]], seed: int
) -> None:
    CommunityEvent.objects.all().delete()
    CommunityMember.objects.all().delete()
    CommunityDay.objects.all().delete()
    shuffled = said.copy()
    random.Random(seed).shuffle(shuffled)
    for kind, day in shuffled:
        tell(group, as_of, (kind, alice, day))
    wanted = oracle(said)
    assert stays(group, alice) == [(at(a), None if b is None else at(b)) for a, b in wanted]
    begun = sum(1 for kind, _day in said if kind == "join" and any(_day == a for a, _b in wanted))
    counted = days(group)
    known = CommunityMember.objects.filter(is_join_known=True).count()
    assert sum(row[2] for row in counted.values()) == known <= begun
    assert sum(row[3] for row in counted.values()) == sum(1 for _a, b in wanted if b is not None)


@pytest.mark.django_db
class TestPeople:
    def test_strangers_become_leads_once(self, group: Community, as_of: datetime) -> None:
        taken = tell(group, as_of, ("join", "wm_1", 0), ("join", "wm_2", 0), ("message", "wm_1", 1), nick="小李")
        assert (taken.added, taken.leads) == (3, 2)
        found = Identity.objects.get(value="wm_1").member
        assert (found.status, found.name, found.joined_at) == (Member.Status.LEAD, "小李", at(0))
        assert tell(group, as_of, ("leave", "wm_1", 2)).leads == 0
        assert stays(group, found) == [(at(0), at(2))]

    def test_known_ones_are_found_by_what_they_are_known_as(self, group: Community, alice: Member, as_of: datetime) -> None:
        said = Happening("join", at(0), Person(None, "phone", "+86 138-0000-0001"))
        assert services.record(community=group, happenings=[said], actor=None, as_of=as_of).leads == 0
        assert stays(group, alice) == [(at(0), None)]

    @pytest.mark.parametrize(
        ("person", "kind", "day", "code"),
        [
            (Person(None, "phone", "12"), "join", 0, "bad_phone"),
            (Person(None, "shoe", "42"), "join", 0, "unknown_identity"),
            (Person(member=987654321), "join", 0, "unknown_member"),
            (Person(None, "external_userid", ""), "join", 0, "empty"),
            (Person(None, "external_userid", "x"), "dance", 0, "unknown_kind"),
            (Person(None, "external_userid", "x"), "join", 400, "future"),
        ],
    )
    def test_refused_one_by_one(
        self, group: Community, alice: Member, as_of: datetime, person: Person, kind: str, day: float, code: str
    ) -> None:
        both = [Happening("join", at(0), Person(member=alice.pk)), Happening(kind, at(day), person)]
        taken = services.record(community=group, happenings=both, actor=None, as_of=as_of)
        assert (taken.added, taken.refused) == (1, [(1, code)])

    def test_shared_values_find_nobody(self, group: Community, pool: Pool, staff: dict[str, Any], as_of: datetime) -> None:
        """A blocked value and a colleague's mobile; one that somebody allowed does."""
        profiles.save_profile(pool=pool, user=staff["operator"], facts={}, phone="13800000077", actor=None)
        for value, allowed in (("13800000078", False), ("13800000079", True)):
            mark = crypto.fingerprint(f"phone:{value}")
            Guard.objects.create(pool=pool, kind="phone", value_hash=mark, reason="blocked", is_allowed=allowed, at=as_of)
        said = [Happening("join", at(0), Person(None, "phone", f"1380000007{n}")) for n in (7, 8, 9)]
        taken = services.record(community=group, happenings=said, actor=None, as_of=as_of)
        assert (taken.leads, taken.refused) == (1, [(0, "guarded"), (1, "guarded")])

    def test_members_of_another_pool_are_strangers(self, group: Community, other_pool: Pool, as_of: datetime) -> None:
        stranger = factories.member(other_pool, "Carol", phone="13900000009")
        assert tell(group, as_of, ("join", stranger, 0)).refused == [(0, "unknown_member")]


@pytest.mark.django_db
class TestDays:
    def test_a_report_holds_against_counts_and_is_harmless_again(self, group: Community, alice: Member, as_of: datetime) -> None:
        report = [Day(group.pk, date(2026, 9, 2), 40, 12, joins=3)]
        assert services.report_days(pool=group.pool, days=report, actor=None, as_of=as_of).added == 1
        assert services.report_days(pool=group.pool, days=report, actor=None, as_of=as_of) == Taken(0, 1, 0, [])
        tell(group, as_of, ("message", alice, 1))
        assert days(group)[date(2026, 9, 2)] == (40, 12, 3, 0)

    def test_refused(self, group: Community, other_pool: Pool, as_of: datetime) -> None:
        theirs = Community.objects.create(pool=other_pool, external_id="x", name="x", created_at=START)
        report = [
            Day(theirs.pk, date(2026, 9, 2), 1, 1),
            Day(group.pk, date(2027, 1, 1), 1, 1),
            Day(group.pk, date(2026, 9, 2), 1, 2),
        ]
        taken = services.report_days(pool=group.pool, days=report, actor=None, as_of=as_of)
        assert taken.refused == [(0, "unknown_community"), (1, "future"), (2, "senders_above_messages")]
        assert not CommunityDay.objects.exists()


@pytest.mark.django_db
class TestGroups:
    def test_an_external_id_is_one_group(self, group: Community, as_of: datetime) -> None:
        with pytest.raises(Problem, match="福利一群"):
            services.save_community(
                pool=group.pool, community=None, facts={"name": "B", "external_id": "wr1"}, actor=None, as_of=as_of
            )

    def test_changes_are_told(self, group: Community, as_of: datetime) -> None:
        services.save_community(pool=group.pool, community=group, facts={"layer": "VIP 群"}, actor=None, as_of=as_of)
        assert AuditEntry.objects.latest("pk").data["changes"] == {"layer": ["", "VIP 群"]}
        before = AuditEntry.objects.count()
        services.save_community(pool=group.pool, community=group, facts={"layer": "VIP 群"}, actor=None, as_of=as_of)
        assert AuditEntry.objects.count() == before

    def test_dissolved_once(self, group: Community, as_of: datetime) -> None:
        services.dissolve(community=group, at=as_of, actor=None, as_of=as_of)
        with pytest.raises(Problem) as refused:
            services.dissolve(community=group, at=as_of, actor=None, as_of=as_of)
        assert refused.value.code == "community.dissolved"


@pytest.mark.django_db
class TestMeasuring:
    def test_counts_from_the_tables_by_hand(
        self, group: Community, alice: Member, bob: Member, pool: Pool, as_of: datetime
    ) -> None:
        """As of day 20.083 (noon in Shanghai): 28 days begin before the group, seven at midnight of day 14."""
        now = datetime(2026, 9, 21, 4, tzinfo=UTC)
        carol = factories.member(pool, "Carol")
        tell(group, as_of, ("join", alice, 0), ("join", bob, 10), ("join", carol, 12), ("leave", bob, 18))
        tell(group, as_of, ("message", alice, 19), ("message", bob, 15), ("message", alice, 15), ("message", carol, 2))
        tell(group, as_of, ("message", alice, 30))  # after the instant that is asked for
        watch.measure(pool=pool, as_of=now)
        row = CommunityHealth.objects.get()
        assert (row.members, row.joins, row.leaves) == (2, 3, 1)
        # bob spoke but has left; carol spoke before the seven days
        assert (row.active, row.active_share, row.messages) == (1, 0.5, 3)
        since = datetime(2026, 9, 14, 16, tzinfo=UTC)
        week = 2 * (now - since) / timedelta(days=1) + (at(18) - since) / timedelta(days=1)
        assert row.message_rate == pytest.approx(3 / week)
        month = [(now - at(0)), (at(18) - at(10)), (now - at(12))]
        assert row.member_days == pytest.approx(sum(month, timedelta()) / timedelta(days=1))
        assert row.leave_rate == pytest.approx(1 / row.member_days)
        assert row.life_note == "short"

    def test_an_alert_is_raised_once_and_again_only_after_recovery(
        self, group: Community, alice: Member, pool: Pool, as_of: datetime, staff: dict[str, Any]
    ) -> None:
        tell(group, as_of, ("join", alice, 0), ("message", alice, 0.1))
        for back in (5, 4, 3):
            watch.measure(pool=pool, as_of=as_of - timedelta(days=back))
        assert CommunityAlert.objects.count() == AuditEntry.objects.filter(action="community.dying").count() == 1
        assert watch.see(community=group, actor=staff["admin"], as_of=as_of) == 1
        talk = [Happening("message", as_of - timedelta(days=2, minutes=n), Person(member=alice.pk)) for n in range(20)]
        services.record(community=group, happenings=talk, actor=None, as_of=as_of)
        watch.measure(pool=pool, as_of=as_of)
        assert CommunityAlert.objects.get().cleared_at == as_of
        watch.measure(pool=pool, as_of=as_of + timedelta(days=40))
        assert CommunityAlert.objects.count() == 2
        assert CommunityAlert.objects.filter(cleared_at=None, seen_at=None).count() == 1

    def test_dissolved_groups_are_left_out_and_their_alert_closed(
        self, group: Community, alice: Member, pool: Pool, as_of: datetime
    ) -> None:
        tell(group, as_of, ("join", alice, 0), ("message", alice, 0.1))
        assert watch.measure(pool=pool, as_of=as_of) == 1
        services.dissolve(community=group, at=as_of, actor=None, as_of=as_of)
        assert watch.measure(pool=pool, as_of=as_of + timedelta(days=1)) == 0
        assert CommunityAlert.objects.get().cleared_at == as_of

    def test_thresholds_are_kept_within_reason(self, pool: Pool) -> None:
        watch.save_policy(pool=pool, values={"least_score": 50, "layers": [" 福利群 ", "福利群", ""]}, actor=None)
        assert watch.layers_of(pool) == ["福利群"]
        with pytest.raises(Problem) as refused:
            watch.save_policy(pool=pool, values={"least_active_share": 3.0}, actor=None)
        assert refused.value.code == "community.bad_threshold"
