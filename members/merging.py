"""Two members found to be one person: everything of the loser becomes the winner's.

Every table with a `member_id` is found through the app registry, upper apps' included, so that a new
one is moved without being mentioned here. An app whose rows must not simply be moved says how:

    @merging.mover("loyalty.Entry", "loyalty.Account")
    def move_points(pairs_table: str, as_of: datetime) -> None: ...

The table of pairs has `winner_id` and `loser_id`, one row per loser, chains already resolved.

    merging.latest_wins("touchpoints.Optout", "at")  # of two rows with one key the newer stays
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Field, Model, Q, QuerySet
from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from members.importing.locks import writing
from members.models import Identity, Member, Merge
from members.sets import array
from members.versions import DOMAINS, bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

PAIRS = "merge_pairs"
Mover = Callable[[str, datetime], object]

_movers: dict[str, Mover] = {}
_latest: dict[str, str] = {}


@dataclass(frozen=True)
class Held:
    """A table whose rows belong to a member, and the column that says to whom."""

    label: str
    table: str
    member: str
    columns: tuple[str, ...]  # all others that can be written
    key: tuple[str, ...]  # the primary key without the member


@dataclass(frozen=True)
class Cause:
    """What showed that two members are one: an identity of both, or a person's judgement."""

    kind: str = ""
    value_hash: bytes | None = None


def mover(*labels: str) -> Callable[[Mover], Mover]:
    """Declare how rows of these models move; the function is called once for all of them."""

    def keep(function: Mover) -> Mover:
        for label in labels:
            if label in _movers:
                raise ValueError(f"{label} has two movers")
            _movers[label] = function
        return function

    return keep


def latest_wins(label: str, column: str) -> None:
    """Of a winner's and a loser's row with the same key, the one with the greater `column` stays."""
    _latest[label] = column


def _member_columns(model: type[Model]) -> list[Field]:
    """Foreign keys to Member, and plain columns that are called so."""
    fields = [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]
    return [field for field in fields if field.related_model is Member or field.column == "member_id"]


def _held(model: type[Model], field: Field) -> Held:
    key = [each.column for each in model._meta.pk_fields]
    others = [
        each.column
        for each in model._meta.local_concrete_fields
        if each.column != field.column and not getattr(each, "generated", False)
    ]
    rest = tuple(column for column in key if column != field.column)
    return Held(model._meta.label, model._meta.db_table, field.column, tuple(others), rest)


def tables() -> list[Held]:
    """Every table that holds rows of members, lower apps first."""
    models = [model for model in apps.get_models() if model not in (Member, Merge) and not model._meta.proxy]
    return [_held(model, field) for model in models for field in _member_columns(model)]


@transaction.atomic
def merge_pairs(
    *, pool_id: int, pairs: Sequence[tuple[int, int]] | str, cause: Cause, actor: User | None, as_of: datetime
) -> int:
    """Merge (winner, loser) pairs, or the rows of a table with those two columns; how many members are gone.

    Chains are resolved: whoever is connected becomes one. Of a connected group the member that never loses
    wins; of several such, or none, the one known longest (the smallest id).
    """
    writing(pool_id)
    _resolve(pool_id, pairs)
    losers = sql.value("members/count_merge_pairs") or 0
    if not losers:
        return 0
    for held in tables():
        _move(held)
    for move in dict.fromkeys(_movers.values()):
        move(PAIRS, as_of)
    _fold(pool_id, cause, actor, as_of)
    bump(pool_id, *DOMAINS)
    audit(actor=actor, action="member.merge", pool_id=pool_id, cause=cause.kind, **_told())
    return int(losers)


def _resolve(pool_id: int, pairs: Sequence[tuple[int, int]] | str) -> None:
    """merge_pairs (winner, loser): one row per member that goes, already at the end of its chain."""
    sql.execute("members/create_merge_tables")
    if isinstance(pairs, str):
        given = pg.SQL("SELECT winner_id, loser_id FROM {}").format(pg.Identifier(pairs))
        sql.execute("members/stage_merge_pairs", {}, given=given)
    else:
        given = pg.SQL("SELECT * FROM unnest(%(winners)s::bigint[], %(losers)s::bigint[]) AS given (winner_id, loser_id)")
        both = {"winners": array(pair[0] for pair in pairs), "losers": array(pair[1] for pair in pairs)}
        sql.execute("members/stage_merge_pairs", both, given=given)
    if strangers := sql.value("members/count_merge_strangers", {"pool_id": pool_id}):
        raise Problem("merge.stranger", _("%(n)s 位会员不在这个会员池中，未合并") % {"n": strangers})
    while sql.execute("members/spread_merge_groups"):
        pass  # each round brings a group's smallest id at least one member further
    sql.execute("members/choose_merge_winners")
    sql.execute("members/lock_merge_members")


def _move(held: Held) -> None:
    """One statement per table: out of the loser's rows, into the winner's, counted per loser."""
    if held.label in _movers:
        sql.execute("members/count_held_rows", {"label": held.label}, **_slots(held))
    else:
        sql.execute("members/move_rows", {"label": held.label}, **_slots(held))


def _slots(held: Held) -> dict[str, pg.Composable]:
    name = pg.Identifier
    latest = _latest.get(held.label)
    order = pg.SQL("{} DESC").format(name(latest)) if latest else pg.SQL("loser_id")
    return {
        "table": name(held.table),
        "member": name(held.member),
        "columns": pg.SQL(", ").join(map(name, held.columns)),
        "gone": pg.SQL(", ").join(pg.SQL("t.{}").format(name(column)) for column in held.columns),
        "key": pg.SQL(", ").join(map(name, ("winner_id", *held.key))),
        "order": order,
        "conflict": _conflict(held, latest),
    }


def _conflict(held: Held, latest: str | None) -> pg.Composable:
    if latest is None:
        return pg.SQL("DO NOTHING")
    name = pg.Identifier
    values = [column for column in held.columns if column not in held.key]
    return pg.SQL("({key}) DO UPDATE SET {sets} WHERE excluded.{latest} > {table}.{latest}").format(
        key=pg.SQL(", ").join(map(name, (held.member, *held.key))),
        sets=pg.SQL(", ").join(pg.SQL("{0} = excluded.{0}").format(name(column)) for column in values),
        latest=name(latest),
        table=name(held.table),
    )


def _fold(pool_id: int, cause: Cause, actor: User | None, as_of: datetime) -> None:
    """Fill the winners' gaps, close the losers, write the history, have the state computed again."""
    sql.execute("members/fold_members", {"as_of": as_of})
    sql.execute("members/close_losers", {"as_of": as_of})
    history = {
        "pool_id": pool_id,
        "kind": cause.kind,
        "hash": cause.value_hash,
        "actor": actor.pk if actor else None,
        "as_of": as_of,
    }
    sql.execute("members/record_merges", history)
    sql.execute("members/touch_merged", {"pool_id": pool_id})


def _told() -> dict[str, Any]:
    """What the audit line says: the pairs themselves, as long as they can be read."""
    rows = sql.rows("members/list_merge_pairs", {"limit": 100})
    total = sql.value("members/count_merge_pairs")
    return {"members": total, "pairs": [[row["winner_id"], row["loser_id"]] for row in rows]}


def drop(*labels: str) -> None:
    """The losers' rows of these models are computed: they go, and the winner's are computed again."""
    held = {each.label: each for each in tables() if each.label in labels}

    @mover(*labels)
    def dropped(pairs: str, as_of: datetime) -> None:
        for each in held.values():
            sql.run(
                pg.SQL("DELETE FROM {table} t USING {pairs} p WHERE t.{member} = p.loser_id").format(
                    table=pg.Identifier(each.table), pairs=pg.Identifier(pairs), member=pg.Identifier(each.member)
                )
            )


def declare() -> None:
    """How this app's own tables move; called when the app is ready."""
    latest_wins("members.MemberTag", "at")
    latest_wins("members.Consent", "at")
    drop("members.MemberState", "members.TouchedMember")

    @mover(Identity._meta.label)
    def identities(pairs: str, as_of: datetime) -> None:
        # The registry of who is who is the one table that is repointed: the member is not in its key.
        sql.execute("members/repoint_identities")


def history(member_id: int) -> QuerySet[Merge]:
    """Merges a member took part in, newest first."""
    return Merge.objects.filter(Q(winner_id=member_id) | Q(loser_id=member_id)).select_related("actor").order_by("-at", "-pk")
