"""Whatever is done to tags in whatever order, tables and history are what plain Python says they are."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from members import tagging
from members.models import MemberTag, Tag, TagChange, TagGroup, TagMerge
from members.tagging import joining
from members.tagging.expiring import expire
from tests import factories

START = datetime(2026, 11, 1, 4, tzinfo=UTC)
PEOPLE, DAY = 4, timedelta(days=1)
# Tag 0 and 1 and 2 share an exclusive group (2 is a rule's), 3 and 4 a free one; 3 holds for three days.
GROUPS = {0: "X", 1: "X", 2: "X", 3: "F", 4: "F"}
people = st.sets(st.integers(0, PEOPLE - 1), min_size=1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([0, 1, 3, 4]), people),
        st.tuples(st.just("remove"), st.sampled_from([0, 1, 3, 4]), people),
        st.tuples(st.just("keep"), st.just(2), st.sets(st.integers(0, PEOPLE - 1))),
        st.tuples(st.just("expire"), st.just(0), st.just(set())),
        st.tuples(st.just("merge"), st.sampled_from([(3, 4), (4, 3), (1, 0), (4, 0)]), st.just(set())),
        st.tuples(st.just("undo"), st.just(0), st.just(set())),
    ),
    min_size=1,
    max_size=14,
)


class Oracle:
    """Who carries what until when: {(person, tag): (at, due)}."""

    def __init__(self):
        self.rows, self.merges, self.gone = {}, [], {}

    def add(self, tag, whom, now):
        for person in whom:
            due = now + 3 * DAY if tag == 3 else None
            if (person, tag) in self.rows:
                at, old = self.rows[person, tag]
                self.rows[person, tag] = (at, max(old, due) if old and due else old)
                continue
            self.drop(person, tag)
            self.rows[person, tag] = (now, due)

    def drop(self, person, tag):
        """Rivals of an exclusive group."""
        for other in [0, 1, 2] if GROUPS[tag] == "X" else []:
            if other != tag:
                self.rows.pop((person, other), None)

    def remove(self, tag, whom, _now):
        for person in whom:
            self.rows.pop((person, tag), None)

    def keep(self, tag, whom, now):
        for person in range(PEOPLE):
            by_hand = any((person, other) in self.rows for other in (0, 1))
            if person in whom and not by_hand and (person, tag) not in self.rows:
                self.rows[person, tag] = (now, None)
            elif person not in whom:
                self.rows.pop((person, tag), None)

    def expire(self, _tag, _whom, now):
        self.rows = {key: row for key, row in self.rows.items() if not (row[1] and row[1] <= now)}

    def merge(self, pair, _whom, now):
        source, target = pair
        kept = {person: row for (person, tag), row in self.rows.items() if tag == source}
        had = {person for person in kept if (person, target) in self.rows}
        for person, (at, _due) in kept.items():
            del self.rows[person, source]
            rivals = [other for other in (0, 1, 2) if other not in (source, target)] if GROUPS[target] == "X" else []
            if person not in had and not any((person, other) in self.rows for other in rivals):
                self.rows[person, target] = (at, at + 3 * DAY if target == 3 else None)
        self.merges.append((source, target, kept, had))
        self.gone[source] = target

    def undo(self, _tag, _whom, now):
        source, target, kept, had = self.merges.pop()
        del self.gone[source]
        for person, (at, due) in kept.items():
            if person not in had and self.rows.get((person, target), (None,))[0] == at:
                del self.rows[person, target]
            rivals = [other for other in (0, 1, 2) if other != source] if GROUPS[source] == "X" else []
            blocked = any((person, other) in self.rows for other in rivals)
            if not (due and due <= now) and not blocked:
                self.rows.setdefault((person, source), (at, due))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_tables_and_history_are_what_the_oracle_says(django_db_blocker, asked):
    from django.db import transaction

    with transaction.atomic():
        _play(asked)
        transaction.set_rollback(True)


def _play(asked):
    pool = factories.pool("demo", "演示")
    members = [factories.member(pool, f"M{n}") for n in range(PEOPLE)]
    groups = {
        "X": TagGroup.objects.create(pool=pool, name="X", is_exclusive=True),
        "F": TagGroup.objects.create(pool=pool, name="F"),
    }
    tags = {
        n: Tag.objects.create(
            pool=pool,
            group=groups[name],
            name=f"t{n}",
            source="rule" if n == 2 else "manual",
            valid_days=3 if n == 3 else None,
        )
        for n, name in GROUPS.items()
    }
    oracle, now = Oracle(), START
    for what, which, whom in asked:
        now += timedelta(hours=17)
        if what == "undo" and not oracle.merges:
            continue
        named = which if isinstance(which, tuple) else (which,)
        if what in ("add", "remove", "keep", "merge") and any(each in oracle.gone for each in named):
            continue
        if what == "undo" and TagMerge.objects.latest("pk").done_at < now - joining.KEPT:
            continue
        getattr(oracle, what)(which, whom, now)
        _act(what, which, [members[n].pk for n in sorted(whom)], tags, now)
        _same(oracle, members, tags)
    _history_agrees(members, tags)


def _act(what, which, ids, tags, now):
    if what == "add":
        tagging.add_tag(tag=tags[which], members=ids, actor=None, as_of=now)
    elif what == "remove":
        tagging.remove_tag(tag=tags[which], members=ids, actor=None, as_of=now)
    elif what == "keep":
        from members.tagging import keeping

        wanted = BitMap(ids) - keeping.stronger(tags[which])
        tagging.keep(tag=tags[which], wanted=wanted, how=TagChange.How.RULE, as_of=now)
    elif what == "expire":
        expire(as_of=now)
    elif what == "merge":
        joining.merge(source=tags[which[0]], target=tags[which[1]], actor=None, as_of=now)
    else:
        joining.undo(merge=TagMerge.objects.filter(undone_at=None).latest("pk"), actor=None, as_of=now)


def _same(oracle, members, tags):
    people = {member.pk: n for n, member in enumerate(members)}
    named = {tag.pk: n for n, tag in tags.items()}
    found = {(people[row.member_id], named[row.tag_id]): (row.at, row.due) for row in MemberTag.objects.all()}
    assert found == oracle.rows


def _history_agrees(members, tags):
    """Played from the beginning, history ends with those who carry the tag now."""
    standing = set()
    for row in TagChange.objects.order_by("id"):
        key = (row.member_id, row.tag_id)
        if row.what == TagChange.What.ON:
            assert key not in standing
            standing.add(key)
        elif row.what == TagChange.What.OFF:
            assert key in standing
            standing.remove(key)
    assert standing == set(MemberTag.objects.values_list("member_id", "tag_id"))
