"""Any sequence of merges, undoings and new facts, against a plain model of whose is what.

The model: each fact has a home, the member it came to when it came. Standing merges are edges from loser to winner;
a fact is found at the end of its home's path. Of two tags of one kind the newer shows. When everything is undone in
reverse, what was there at the start is there again, byte by byte.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Campaign, JourneyVersion, Participant, Run
from loyalty import services as loyalty
from loyalty.models import Account
from members import merging
from members.merging import Cause, merge_pairs, moves
from members.models import Consent, ConsentEntry, Event, Identity, Member, MemberState, MemberTag, Merge, SetAside, Tag, TagGroup
from scrm.lib import sql
from tests import factories
from touchpoints.models import Connector, Delivery, Step

pytestmark = pytest.mark.django_db
PEOPLE, TAGS = 5, 3
# The ledger only grows, the lists of what to compute again are passing; members carry when they last changed.
APART = {"loyalty.Entry", "loyalty.Account", "loyalty.DueMember", "members.TouchedMember"}

someone, tag = st.integers(0, PEOPLE - 1), st.integers(0, TAGS - 1)
acts = st.one_of(
    st.tuples(st.just("merge"), someone, someone),
    st.tuples(st.just("merge"), someone, someone),
    st.tuples(st.just("undo"), st.integers(0, 20), st.none()),
    st.tuples(st.just("event"), someone, st.none()),
    st.tuples(st.just("points"), someone, st.integers(1, 50)),
    st.tuples(st.just("tag"), someone, tag),
)
starts = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["", "甲", "乙"]),
        "city": st.sampled_from(["", "杭州"]),
        "attributes": st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3),
        "status": st.integers(1, 2),
        "days": st.integers(0, 9),
        "tags": st.sets(tag),
        "consent": st.none() | st.booleans(),
        "arm": st.none() | st.integers(0, 1),
        "delivery": st.none() | st.sampled_from([10, 40, 80, 90, 95]),
        "points": st.integers(0, 40),
        "state": st.booleans(),
    }
)


class Model:
    """Whose is what, in plain Python."""

    def __init__(self, given):
        self.up = {}
        self.merges = []  # (winner, loser, standing)
        self.events = []
        self.points = [(n, each["points"]) for n, each in enumerate(given)]
        self.tags = {n: {} for n in range(PEOPLE)}

    def root(self, n):
        while n in self.up:
            n = self.up[n]
        return n

    def merge(self, a, b):
        a, b = self.root(a), self.root(b)
        if a != b:
            self.up[b] = a
            self.merges.append((a, b))
        return a != b

    def undo(self, place):
        self.up.pop(self.merges.pop(place)[1])

    def visible(self, n):
        shown = {}
        for m in range(PEOPLE):
            if self.root(m) == n:
                for key, when in self.tags[m].items():
                    shown[key] = max(shown.get(key, when), when)
        return shown


class World:
    """The same in the database."""

    def __init__(self, pool, staff, as_of, given):
        self.pool, self.staff, self.as_of, self.clock = pool, staff, as_of, 0
        self.model = Model(given)
        group, _ = TagGroup.objects.get_or_create(pool=pool, name="g")
        self.tags = [Tag.objects.get_or_create(pool=pool, group=group, name=f"t{n}")[0] for n in range(TAGS)]
        campaign = Campaign.objects.create(pool=pool, name="c")
        version = JourneyVersion.objects.create(campaign=campaign, n=1, graph={})
        self.run = Run.objects.create(campaign=campaign, slot=as_of, version=version, entered_at=as_of)
        connector, _ = Connector.objects.get_or_create(pool=pool, key="fake", name="fake", config={"carrier": "email"})
        self.step = Step.objects.create(pool=pool, source=f"test:{self.run.pk}", connector=connector, due_at=as_of)
        self.people = [self.born(n, each) for n, each in enumerate(given)]
        self.rows = []
        self.start = self.snapshot()

    def now(self):
        self.clock += 1
        return self.as_of + timedelta(seconds=self.clock)

    def born(self, n, each):
        joined = factories.LONG_AGO + timedelta(days=each["days"])
        facts = {"city": each["city"], "province": each["city"], "attributes": each["attributes"], "status": each["status"]}
        made = factories.member(self.pool, each["name"], joined_at=joined, **facts)
        factories.identity(made, "card_no", f"C{made.pk}")
        for key in each["tags"]:
            self.tagged(n, made, key)
        if each["consent"] is not None:
            said = {"carrier": "email", "purpose": "marketing", "granted": each["consent"], "at": self.now(), "source": "x"}
            Consent.objects.create(member=made, **said)
            ConsentEntry.objects.create(member=made, **said)
        if each["arm"] is not None:
            Participant.objects.create(member=made, run=self.run, arm=each["arm"], entered_at=self.as_of, node=f"n{n}")
        if each["delivery"] is not None:
            tried = self.as_of if each["delivery"] in (40, 80) else None
            Delivery.objects.create(
                member=made, step=self.step, pool=self.pool, status=each["delivery"], next_at=self.as_of, tried_at=tried
            )
        if each["points"]:
            self.give(made, each["points"])
        if each["state"]:
            MemberState.objects.create(member=made, pool=self.pool, order_count=n, interval_days=0.1 * n)
        return made

    def tagged(self, n, member, key):
        when = self.now()
        MemberTag.objects.create(member_id=member.pk, tag=self.tags[key], at=when)
        self.model.tags[n][key] = when

    def give(self, member, amount):
        loyalty.adjust(
            member=member,
            amount=amount,
            key=f"k{self.now().timestamp()}:{member.pk}",
            at=self.as_of,
            reason="r",
            actor=self.staff,
        )

    # -- Acts
    def act(self, what, first, second):
        getattr(self, what)(first, second)

    def merge(self, a, b):
        pair = (self.people[a].pk, self.people[b].pk)
        done = merge_pairs(pool_id=self.pool.pk, pairs=[pair], cause=Cause(), actor=None, as_of=self.now())
        assert bool(done) == self.model.merge(a, b)
        if done:
            self.rows.append(Merge.objects.latest("pk"))

    def undo(self, place, _none):
        if self.rows:
            place %= len(self.rows)
            merging.undo(merge=self.rows.pop(place), actor=None, as_of=self.now(), apart=False)
            self.model.undo(place)

    def event(self, n, _none):
        home = self.model.root(n)
        number = len(self.model.events)
        Event.objects.create(member=self.people[home], occurred_at=self.as_of, id=number, pool_id=self.pool.pk, kind="view")
        self.model.events.append(home)

    def points(self, n, amount):
        home = self.model.root(n)
        self.give(self.people[home], amount)
        self.model.points.append((home, amount))

    def tag(self, n, key):
        home = self.model.root(n)
        if key not in self.model.visible(home):
            self.tagged(home, self.people[home], key)

    # -- Looking
    def check(self):
        numbers = {member.pk: n for n, member in enumerate(self.people)}
        model = self.model
        into = dict(Member.objects.filter(pk__in=numbers).values_list("pk", "merged_into"))
        assert {numbers[pk]: numbers[up or pk] for pk, up in into.items()} == {n: model.root(n) for n in range(PEOPLE)}
        events = dict(Event.objects.filter(member__in=numbers).values_list("id", "member_id"))
        assert {n: numbers[pk] for n, pk in events.items()} == {n: model.root(home) for n, home in enumerate(model.events)}
        cards = Identity.objects.filter(member__in=numbers).values_list("value", "member_id")
        assert {numbers[int(card[1:])]: numbers[pk] for card, pk in cards} == {n: model.root(n) for n in range(PEOPLE)}
        tags = MemberTag.objects.filter(member__in=numbers).values_list("member_id", "tag__name", "at")
        shown = {(numbers[pk], int(name[1:])): at for pk, name, at in tags}
        assert shown == {(n, k): at for n in range(PEOPLE) if model.root(n) == n for k, at in model.visible(n).items()}
        held = dict.fromkeys(range(PEOPLE), 0)
        for home, amount in model.points:
            held[model.root(home)] += amount
        found = dict(Account.objects.filter(member__in=numbers).values_list("member_id", "position"))
        assert {n: found.get(member.pk, 0) for n, member in enumerate(self.people)} == held

    def snapshot(self):
        ids = ", ".join(str(member.pk) for member in self.people)
        rows = {
            held.label: {text for (text,) in sql.fetch(f"SELECT t::text FROM {held.table} AS t WHERE {held.member} IN ({ids})")}
            for held in moves.tables()
            if held.label not in APART
        }
        facts = sql.fetch(f"SELECT (to_jsonb(m) - 'updated_at')::text FROM members_member AS m WHERE id IN ({ids})")
        return rows | {"members.Member": {text for (text,) in facts}}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(given=st.lists(starts, min_size=PEOPLE, max_size=PEOPLE), sequence=st.lists(acts, min_size=2, max_size=14))
def test_any_sequence_goes_back_byte_by_byte(pool, staff, as_of, given, sequence):
    world = World(pool, staff["operator"], as_of, given)
    since = {"members.Event", "members.MemberTag"}
    for what, first, second in sequence:
        world.act(what, first, second)
        world.check()
    while world.rows:
        world.undo(len(world.rows) - 1, None)
        world.check()
    end = world.snapshot()
    for label, rows in world.start.items():
        assert rows <= end[label] if label in since else rows == end[label], label
    assert not SetAside.objects.filter(merge__pool=pool).exists()
