"""Reads of merges: the list, one of them side by side, what a member holds."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from psycopg2 import sql as pg

from members import search
from members.merging import moves
from members.models import Identity, Member, Merge, NotSame, Pool
from scrm.lib import sql

FOUND = 500  # members a search text may mean


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to; empty means everything."""

    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    actor: int | None = None
    since: date | None = None
    until: date | None = None
    states: tuple[str, ...] = ()
    text: str = ""


def history(member_id: int) -> QuerySet[Merge]:
    """Merges a member took part in, newest first."""
    return Merge.objects.filter(Q(winner_id=member_id) | Q(loser_id=member_id)).select_related("actor").order_by("-at", "-pk")


def merges(pool: Pool, asked: Asked) -> QuerySet[Merge]:
    """Merges of the pool as asked for, newest first."""
    found = Merge.objects.filter(pool=pool).select_related("actor", "undone_by").order_by("-pk")
    if asked.kinds:
        found = found.filter(cause_kind__in=["" if kind == "none" else kind for kind in asked.kinds])
    if asked.sources:
        found = found.filter(_from(asked.sources))
    if asked.actor:
        found = found.filter(actor_id=asked.actor)
    if asked.states:
        found = found.filter(_state(asked.states))
    if asked.text:
        ids = _meant(pool, asked.text)
        found = found.filter(Q(winner_id__in=ids) | Q(loser_id__in=ids))
    return found.filter(_days(pool, asked))


def _from(sources: tuple[str, ...]) -> Q:
    found = Q()
    for name in sources:
        found |= Q(source=name) | Q(source__startswith=f"{name}:")
    return found


def _state(states: tuple[str, ...]) -> Q:
    wanted = {
        "standing": Q(undone_at=None, sealed=""),
        "undone": Q(undone_at__isnull=False),
        "sealed": Q(undone_at=None) & ~Q(sealed=""),
    }
    found = Q()
    for state in states:
        found |= wanted.get(state, Q())
    return found


def _days(pool: Pool, asked: Asked) -> Q:
    found = Q()
    if asked.since:
        found &= Q(at__gte=datetime.combine(asked.since, time.min, pool.zone))
    if asked.until:
        found &= Q(at__lt=datetime.combine(asked.until + timedelta(days=1), time.min, pool.zone))
    return found


def _meant(pool: Pool, text: str) -> list[int]:
    """Members a text names, those who were merged away included; a number is also a member's number."""
    wanted = search.where(pool, text)
    found = search.searchable(Member.objects.filter(pool=pool)).filter(wanted) if wanted is not None else Member.objects.none()
    ids = list(found.values_list("pk", flat=True)[:FOUND])
    return [*ids, int(text)] if text.isdecimal() and len(text) <= 10 else ids


def sources_of(pool: Pool) -> list[str]:
    """Families of sources that occur: import, page, api, review …"""
    rows = sql.rows("members/merging/list_sources", {"pool_id": pool.pk})
    return [row["family"] for row in rows]


def apart(pool: Pool) -> QuerySet[NotSame]:
    """Pairs that must not be joined, the newest first."""
    return NotSame.objects.filter(pool=pool).select_related("by").order_by("-pk")


def said_apart(pool: Pool, one: int, two: int) -> NotSame | None:
    """Whether somebody said that these are two people."""
    return NotSame.objects.filter(pool=pool, first_id=min(one, two), second_id=max(one, two)).first()


def former(row: Merge) -> tuple[Member | None, Member | None]:
    """Winner and loser as they were before the merge: the winner with its fields unfolded."""
    both = Member.objects.select_related("channel", "owner", "store", "pool").in_bulk([row.winner_id, row.loser_id])
    winner, loser = both.get(row.winner_id), both.get(row.loser_id)
    if winner:
        columns = {field.column: field for field in Member._meta.local_concrete_fields}
        for name, (before, _after) in row.folded.items():
            setattr(winner, columns[name].attname, columns[name].to_python(before) if before is not None else None)
    return winner, loser


def identities_that_came(row: Merge) -> tuple[list[Identity], list[Identity]]:
    """Identities of the winner's own and those that came with the loser, while the merge stands."""
    held = moves.held("members.Identity")
    found = sql.fetch(
        pg.SQL(
            "SELECT t.kind, t.value_hash, {hash} = ANY(m.moved) FROM members_mergedrows AS m"
            " JOIN members_identity AS t ON {hash} = ANY(m.moved || m.kept) AND t.pool_id = %(pool)s"
            " WHERE m.merge_id = %(merge)s AND m.label = 'members.Identity'"
            " AND t.member_id IN (%(winner)s, (SELECT merged_into FROM members_member WHERE id = %(winner)s))"
        ).format(hash=moves.fingerprint(held)),
        {"pool": row.pool_id, "merge": row.pk, "winner": row.winner_id},
    )
    came = {(kind, bytes(mark)): moved for kind, mark, moved in found}
    rows = Identity.objects.filter(pool_id=row.pool_id, value_hash__in=[mark for _kind, mark in came])
    mine = [each for each in rows if (each.kind, bytes(each.value_hash)) in came]
    return (
        [each for each in mine if not came[each.kind, bytes(each.value_hash)]],
        [each for each in mine if came[each.kind, bytes(each.value_hash)]],
    )


def counts(row: Merge) -> list[tuple[str, int]]:
    """What moved, in words, the most first."""
    return _in_words(row.moved)


def holdings(member: Member) -> list[tuple[str, int]]:
    """How many rows of each table a member has: what merging would move."""
    each = [
        pg.SQL("SELECT {label} AS label, count(*) AS n FROM {table} WHERE {member} = %(id)s").format(
            label=pg.Literal(held.label), **moves.place_of(held)
        )
        for held in moves.tables()
        if held.label not in moves._computed
    ]
    found: list[tuple[Any, ...]] = sql.fetch(pg.SQL(" UNION ALL ").join(each), {"id": member.pk})
    return _in_words({label: n for label, n in found if n})


def _in_words(numbers: dict[str, int]) -> list[tuple[str, int]]:
    known = {each.label: each for each in moves.tables()}
    hidden = moves._computed
    told = [(moves.called(known[label]) if label in known else label, n) for label, n in numbers.items() if label not in hidden]
    return sorted(told, key=lambda pair: -pair[1])
