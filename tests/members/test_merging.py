"""Merging: who wins, what moves, what is kept of it."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members import merging
from members.merging import Cause, merge_pairs, moves
from members.models import (
    Consent,
    ConsentEntry,
    Event,
    Identity,
    Member,
    MemberState,
    MemberTag,
    Merge,
    Order,
    OrderLine,
    Tag,
    TagGroup,
    TouchedMember,
)
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db


def merge(pool, pairs, as_of, **more):
    return merge_pairs(pool_id=pool.pk, pairs=pairs, cause=Cause(), actor=None, as_of=as_of, **more)


def make(pool, count):
    return [factories.member(pool, f"M{n}") for n in range(count)]


def roots(members):
    found = dict(Member.objects.filter(pk__in=[m.pk for m in members]).values_list("pk", "merged_into"))
    return {pk: into or pk for pk, into in found.items()}


def test_everything_of_the_loser_becomes_the_winners(pool, alice, bob, as_of, staff):
    order = factories.order(bob, "B-1", as_of, 5000)
    factories.line(order, 1, factories.product(pool, "SKU"), 5000)
    Event.objects.create(member=bob, occurred_at=as_of, id=7, pool_id=pool.pk, kind="view")
    assert (
        merge_pairs(
            pool_id=pool.pk, pairs=[(alice.pk, bob.pk)], cause=Cause("phone", b"x" * 16), actor=staff["operator"], as_of=as_of
        )
        == 1
    )
    assert Order.objects.get().member_id == alice.pk
    assert Order.objects.get().net_amount == 5000
    assert OrderLine.objects.get().member_id == alice.pk
    assert Event.objects.get().member_id == alice.pk
    assert set(Identity.objects.values_list("member_id", flat=True)) == {alice.pk}
    assert Member.objects.get(pk=bob.pk).merged_into == alice.pk
    row = Merge.objects.get()
    assert (row.winner_id, row.loser_id, row.cause_kind, bytes(row.cause_hash)) == (alice.pk, bob.pk, "phone", b"x" * 16)
    assert row.moved == {"members.Order": 1, "members.OrderLine": 1, "members.Event": 1, "members.Identity": 2}
    assert set(TouchedMember.objects.values_list("member_id", flat=True)) == {alice.pk, bob.pk}
    entry = AuditEntry.objects.get(action="member.merge")
    assert entry.actor == staff["operator"]
    assert entry.data["pairs"] == [[alice.pk, bob.pk]]


def test_of_two_rows_with_one_key_the_newer_stays(pool, alice, bob, as_of):
    tag = Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="g"), name="t")
    early, late = as_of - timedelta(days=9), as_of - timedelta(days=1)
    for member, at in ((alice, early), (bob, late)):
        MemberTag.objects.create(member=member, tag=tag, at=at)
    for member, at, granted in ((alice, late, True), (bob, early, False)):
        Consent.objects.create(member=member, carrier="email", purpose="marketing", granted=granted, at=at, source="x")
        ConsentEntry.objects.create(member=member, carrier="email", purpose="marketing", granted=granted, at=at, source="x")
    merge(pool, [(alice.pk, bob.pk)], as_of)
    assert MemberTag.objects.get().at == late
    assert Consent.objects.get().granted is True
    assert ConsentEntry.objects.filter(member=alice).count() == 2


def test_state_of_the_loser_goes_since_it_is_computed(pool, alice, bob, as_of):
    for member in (alice, bob):
        MemberState.objects.create(member=member, pool=pool, order_count=3)
    merge(pool, [(alice.pk, bob.pk)], as_of)
    assert list(MemberState.objects.values_list("member_id", flat=True)) == [alice.pk]


def test_gaps_of_the_winner_are_filled_and_nothing_else(pool, as_of):
    winner = factories.member(pool, "", status=1, attributes={"a": 1}, joined_at=as_of, city="杭州", province="浙江")
    loser = factories.member(pool, "王敏", status=2, gender=2, attributes={"a": 2, "b": 3}, city="上海", province="上海")
    merge(pool, [(winner.pk, loser.pk)], as_of)
    winner.refresh_from_db()
    assert (winner.name, winner.status, winner.gender, winner.city) == ("王敏", 2, 2, "杭州")
    assert winner.attributes == {"a": 1, "b": 3}
    assert winner.joined_at == factories.LONG_AGO


def test_a_chain_ends_at_its_head_and_old_losers_follow(pool, as_of):
    one, two, three, four = make(pool, 4)
    assert merge(pool, [(three.pk, two.pk), (two.pk, one.pk)], as_of) == 2
    assert roots([one, two, three]) == {one.pk: three.pk, two.pk: three.pk, three.pk: three.pk}
    assert merge(pool, [(four.pk, one.pk)], as_of) == 1  # `one` stands for `three` by now
    assert set(roots([one, two, three, four]).values()) == {four.pk}
    assert merge(pool, [(four.pk, one.pk)], as_of) == 0
    assert Merge.objects.count() == 3


def test_a_member_of_another_pool_is_refused_and_nothing_happens(pool, other_pool, alice, bob, as_of):
    stranger = factories.member(other_pool, "Eve")
    with pytest.raises(Problem) as refusal:
        merge(pool, [(alice.pk, bob.pk), (alice.pk, stranger.pk)], as_of)
    assert refusal.value.code == "merge.stranger"
    assert not Member.objects.exclude(merged_into=None).exists()


def test_pairs_may_come_in_a_table(pool, alice, bob, as_of):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE found (winner_id bigint, loser_id bigint)")
        cursor.execute("INSERT INTO found VALUES (%s, %s)", [alice.pk, bob.pk])
    assert merge(pool, "found", as_of) == 1


def test_an_app_may_move_its_rows_itself(pool, alice, bob, as_of, monkeypatch):
    seen = []
    factories.order(bob, "B-1", as_of, 100)
    monkeypatch.setitem(moves._movers, "members.Order", lambda pairs, at: seen.append((pairs, at)))
    merge(pool, [(alice.pk, bob.pk)], as_of)
    assert seen == [("merge_pairs", as_of)]
    assert Order.objects.get().member_id == bob.pk
    assert Merge.objects.get().moved["members.Order"] == 1


# -- No table is forgotten ------------------------------------------------------------------------


def test_every_table_that_holds_a_member_is_known():
    """A table made outside the models, or a member column with another name, would be missed here."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE a.attname = 'member_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relnamespace = 'public'::regnamespace
            UNION
            SELECT conrelid::regclass::text, attname FROM pg_constraint
            JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
            WHERE contype = 'f' AND confrelid = 'members_member'::regclass
            """
        )
        there = set(cursor.fetchall())
    assert there == {(held.table, held.member) for held in merging.tables()}


VALUES = {"jsonb": "{}", "bytea": b"\x01", "boolean": True, "uuid": "00000000-0000-0000-0000-000000000001", "inet": "10.0.0.1"}


def _dummy(kind):
    if "char" in kind or kind == "text":
        return "x"
    if "timestamp" in kind:
        return "2026-01-01T00:00:00Z"
    return "2026-01-01" if kind == "date" else VALUES.get(kind, 1)


def _fill(held, member_id):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'",
            [held.table],
        )
        row = {name: _dummy(kind) for name, kind in cursor.fetchall()} | {held.member: member_id}
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for constraint in _constraints(cursor, held.table):
            cursor.execute(f'ALTER TABLE {held.table} DROP CONSTRAINT "{constraint}"')
        cursor.execute(f"ALTER TABLE {held.table} DISABLE TRIGGER USER")
        cursor.execute(f"INSERT INTO {held.table} ({names}) VALUES ({marks})", list(row.values()))
        cursor.execute(f"ALTER TABLE {held.table} ENABLE TRIGGER USER")


@pytest.mark.parametrize("label", sorted({held.label for held in merging.tables()} - set(moves._movers)))
def test_rows_of_every_table_move(label, pool, alice, bob, as_of):
    (held,) = [each for each in merging.tables() if each.label == label]
    _fill(held, bob.pk)
    merge(pool, [(alice.pk, bob.pk)], as_of)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {held.member} FROM {held.table}")
        assert cursor.fetchall() == [(alice.pk,)]
    assert Merge.objects.get().moved[label] == 1


def _constraints(cursor, table):
    """Foreign keys and checks: the dummy row leads nowhere."""
    cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('f', 'c')", [table])
    return [name for (name,) in cursor.fetchall()]


def test_own_movers_name_models_that_exist():
    known = {held.label for held in merging.tables()}
    assert set(moves._movers) <= known
    assert set(moves._ranks) <= known
    assert all(apps.get_model(label) for label in known)


# -- Against an oracle ----------------------------------------------------------------------------


def union_find(pairs):
    """Winner by member: in each connected group the smallest that never loses, else the smallest."""
    up = {n: n for pair in pairs for n in pair}

    def find(n):
        while up[n] != n:
            n = up[n]
        return n

    for a, b in pairs:
        up[find(a)] = find(b)
    losing = {b for a, b in pairs if a != b}
    groups = {}
    for n in up:
        groups.setdefault(find(n), []).append(n)
    return {n: min(group, key=lambda m: (m in losing, m)) for group in groups.values() for n in group}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=14))
def test_groups_are_those_of_union_find(pool, as_of, edges):
    people = make(pool, 12)
    for number, member in enumerate(people):
        factories.order(member, f"{member.pk}", as_of, 100 + number)
    pairs = [(people[a].pk, people[b].pk) for a, b in edges]
    expected = {m.pk: m.pk for m in people} | union_find(pairs)
    merge(pool, pairs, as_of)
    assert roots(people) == expected
    owners = dict(Order.objects.filter(member__in=people).values_list("number", "member_id"))
    owners |= {
        str(number): owner
        for number, owner in Order.objects.filter(number__in=[str(m.pk) for m in people]).values_list("number", "member_id")
    }
    assert owners == {str(m.pk): expected[m.pk] for m in people}
    assert merge(pool, pairs, as_of) == 0
