"""Every table that holds members: nothing is lost in a merge, nothing points at the loser, and undoing restores every byte.

Rows are made from the tables' own definitions, so that a table added tomorrow is tried too.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from members import merging
from members.merging import Cause, merge_pairs, moves
from members.models import Merge, SetAside
from scrm.lib import sql

pytestmark = pytest.mark.django_db
# The ledger only grows: points are moved by postings (tests/members/test_undo_upper.py).
LEDGER = {"loyalty.Entry", "loyalty.Account"}
# The list of the minute run: who was merged or parted is on it afterwards, whoever was before.
PASSING = {"members.TouchedMember"}
# Worked out from other rows, which are tried: the stays in groups from what happened there.
DERIVED = {"members.CommunityMember"}
LABELS = sorted({held.label for held in moves.tables()} - LEDGER - PASSING - DERIVED)
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def dummy(kind, n):
    """A value of a column's type, another one for each n."""
    if "char" in kind or kind == "text":
        return f"x{n}"
    if "timestamp" in kind:
        return DAY + timedelta(days=n, microseconds=n)
    made = {
        "date": date(2026, 1, 1 + n),
        "jsonb": f'{{"n": {n}}}',
        "bytea": bytes([n]),
        "boolean": bool(n % 2),
        "uuid": f"00000000-0000-0000-0000-00000000000{n}",
        "inet": f"10.0.0.{n}",
        "ARRAY": "{}",
        "interval": timedelta(hours=n),
    }
    return made.get(kind, n)


def unbound(table):
    """Rows lead nowhere and break rules about their content: only keys are kept."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('f', 'c')", [table])
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def columns_of(held):
    return sql.fetch(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = %(table)s AND is_generated = 'NEVER' AND table_schema = 'public'",
        {"table": held.table},
    )


def put(held, member_id, key, value):
    """A row of a member: key columns from `key`, the others from `value`."""
    row = {name: dummy(kind, key if name in held.key else value) for name, kind in columns_of(held)} | {held.member: member_id}
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {held.table} ({names}) VALUES ({marks})", list(row.values()))


def everything(held):
    return sorted(text for (text,) in sql.fetch(f"SELECT t::text FROM {held.table} AS t"))


def at(held, member_id):
    return sql.fetch(f"SELECT count(*) FROM {held.table} WHERE {held.member} = %(id)s", {"id": member_id})[0][0]


@pytest.mark.parametrize("label", LABELS)
def test_nothing_is_lost_and_undoing_restores_every_byte(label, pool, alice, bob, as_of, monkeypatch):
    held = moves.held(label)
    sql.run("DELETE FROM members_identity")
    unbound(held.table)
    if label == "members.CommunityEvent":
        unbound("members_communitymember")  # undoing works stays out anew from these events
    monkeypatch.setattr(moves, "_alive", lambda each: [])
    alone = held.member in held.primary and not held.key  # one row per member
    keyed = held.member in held.primary
    put(held, alice.pk, 1, 1)
    put(held, bob.pk, 1 if keyed else 2, 2)
    if not alone:
        put(held, alice.pk, 3, 3)
        put(held, bob.pk, 4, 4)
    before, total = everything(held), len(everything(held))
    merge_pairs(pool_id=pool.pk, pairs=[(alice.pk, bob.pk)], cause=Cause(), actor=None, as_of=as_of)
    assert at(held, bob.pk) == 0
    assert at(held, alice.pk) + SetAside.objects.filter(label=label).count() == total
    merging.undo(merge=Merge.objects.get(), actor=None, as_of=as_of)
    assert everything(held) == before
    assert not SetAside.objects.exists()


def test_the_tables_are_those_that_lead_to_members():
    """A table made outside the models, or a member column with another name, would be missed."""
    found = sql.fetch(
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
    assert set(found) == {(held.table, held.member) for held in moves.tables()}


def test_whoever_moves_rows_itself_brings_them_back():
    assert set(moves._movers) == set(moves._unmovers)
    known = {held.label for held in moves.tables()}
    named = {*moves._movers, *moves._ranks, *moves._computed, *moves._judges, *moves._words, *moves._leaders}
    assert named <= known


def test_stays_in_groups_follow_what_happened_there(pool, alice, bob, as_of):
    from members.communities import services
    from members.models import Community, CommunityEvent, CommunityMember

    group = Community.objects.create(pool=pool, name="g", created_at=as_of)
    for n, member in enumerate((alice, bob)):
        CommunityEvent.objects.create(member=member, community=group, at=as_of - timedelta(days=n + 1), id=n, kind=1)
    services.after_merge(members=[alice.pk, bob.pk])
    before = set(CommunityMember.objects.values_list("member_id", "n", "joined_at"))
    assert len(before) == 2
    merge_pairs(pool_id=pool.pk, pairs=[(alice.pk, bob.pk)], cause=Cause(), actor=None, as_of=as_of)
    assert {row[0] for row in CommunityMember.objects.values_list("member_id")} == {alice.pk}
    merging.undo(merge=Merge.objects.get(), actor=None, as_of=as_of)
    assert set(CommunityMember.objects.values_list("member_id", "n", "joined_at")) == before
