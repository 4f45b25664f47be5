"""Two members found to be one person: everything of the loser becomes the winner's, and what moved is remembered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from members.importing.locks import writing
from members.merging import apart, moves
from members.models import Member, Pool
from members.oneid import precedence
from members.sets import array
from members.versions import DOMAINS, bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

SHOWN = 100  # pairs that an audit line spells out
# Fields a person may take from the loser; attributes as "attributes.<key>".
FIELDS = ("status", "name", "gender", "birthday", "province", "city", "channel_id", "owner_id", "store_id", "joined_at")


@dataclass(frozen=True)
class Cause:
    """What showed that two members are one: an identity of both, or a person's judgement.

    Where a table of pairs has columns `kind` and `value_hash`, each pair's own stand above it.
    """

    kind: str = ""
    value_hash: bytes | None = None
    source: str = ""  # who or what did it: import:12, page, api, review:3


@transaction.atomic
def merge_pairs(
    *,
    pool_id: int,
    pairs: Sequence[tuple[int, int]] | str,
    cause: Cause,
    actor: User | None,
    as_of: datetime,
    choices: Mapping[str, str] | None = None,
    insist: bool = False,
) -> int:
    """Merge (winner, loser) pairs, or the rows of a table with those two columns; how many members are gone.

    Chains are resolved: whoever is connected becomes one. Of a connected group the member that never loses
    wins; of several such, or none, the one known longest (the smallest id).

    A group that would join two members who are said to be two people (NotSame) is left alone: its edges are in
    the temporary table merge_held until the transaction ends, and `signals.merge_held` is sent. With `insist`
    (a person's own word) it is merged and no longer said to be two.

    `choices` is for one pair only: fields whose value is taken from the "loser".
    """
    writing(pool_id)
    wanted = _checked(choices)
    _stage(pool_id, pairs, insist)
    _resolve(pool_id, insist, cause, as_of)
    losers = _join(pool_id, cause, actor, as_of, wanted)
    if losers:
        audit(actor=actor, action="member.merge", pool_id=pool_id, cause=cause.kind, source=cause.source, **told())
    return losers


def _checked(choices: Mapping[str, str] | None) -> dict[str, str]:
    wanted = {name: side for name, side in (choices or {}).items() if side == "loser"}
    if strange := sorted(name for name in wanted if name not in FIELDS and not name.startswith("attributes.")):
        raise Problem(
            "merge.unknown_field", _("不能逐项选择的字段：%(names)s") % {"names": ", ".join(strange)}, {"choices": strange}
        )
    return wanted


def _stage(pool_id: int, pairs: Sequence[tuple[int, int]] | str, insist: bool) -> None:
    """The edges, and one group per member of them."""
    sql.execute("members/merging/create_tables")
    if isinstance(pairs, str):
        sql.execute("members/merging/stage_pairs", {}, given=_given(pairs))
    else:
        given = pg.SQL(
            "SELECT u.*, ''::text AS kind, NULL::bytea AS value_hash "
            "FROM unnest(%(winners)s::bigint[], %(losers)s::bigint[]) AS u (winner_id, loser_id)"
        )
        both = {"winners": array(pair[0] for pair in pairs), "losers": array(pair[1] for pair in pairs)}
        sql.execute("members/merging/stage_pairs", both, given=given)
    if strangers := sql.value("members/merging/count_strangers", {"pool_id": pool_id}):
        raise Problem("merge.stranger", _("%(n)s 位会员不在这个会员池中，未合并") % {"n": strangers})


def _given(table: str) -> pg.Composable:
    """The pairs in a table, with what proved each where it says so."""
    found = sql.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attname IN ('kind', 'value_hash')",
        {"table": table},
    )
    proven = {name for (name,) in found} == {"kind", "value_hash"}
    proof = pg.SQL("kind::text AS kind, value_hash" if proven else "''::text AS kind, NULL::bytea AS value_hash")
    return pg.SQL("SELECT winner_id, loser_id, {} FROM {}").format(proof, pg.Identifier(table))


def _resolve(pool_id: int, insist: bool, cause: Cause, as_of: datetime) -> None:
    """merge_pairs: one row per member that goes, already at the end of its chain."""
    sql.run("ANALYZE merge_edges, merge_groups")
    while sql.execute("members/merging/spread_groups"):
        pass  # each round brings a group's smallest id at least one member further
    if insist:
        sql.execute("members/merging/forget_apart", {"pool_id": pool_id})
    elif sql.execute("members/merging/hold_apart", {"pool_id": pool_id}):
        apart.announce(pool_id, cause.source, as_of)
    sql.execute("members/merging/choose_winners")


def _join(pool_id: int, cause: Cause, actor: User | None, as_of: datetime, choices: dict[str, str]) -> int:
    """Everything of the losers in merge_pairs to their winners, with its history; how many losers."""
    losers = int(sql.value("members/merging/count_pairs") or 0)
    if not losers:
        return 0
    if choices and losers > 1:
        raise Problem("merge.choices_of_many", _("只有合并两位会员时才能逐项选择"))
    sql.execute("members/merging/lock_members")
    sql.execute("members/merging/remember_winners")
    sql.run("ANALYZE merge_pairs, merge_winners")
    _more("before_merge", as_of)
    _move()
    for move in dict.fromkeys(moves._movers.values()):
        move(moves.PAIRS, as_of)
    precedence.fold(Pool.objects.get(pk=pool_id))
    _fold(choices, as_of)
    _more("merge", as_of)
    sql.execute("members/merging/close_losers", {"as_of": as_of})
    sql.execute("members/merging/record_merges", _history(pool_id, cause, actor, as_of, choices))
    sql.execute("members/merging/touch_merged", {"pool_id": pool_id})
    bump(pool_id, *DOMAINS)
    return losers


def _more(when: str, as_of: datetime) -> None:
    for each in moves._also:
        if act := getattr(each, when):
            act(moves.PAIRS, as_of)


def _move() -> None:
    """One statement per table: out of the loser's rows, into the winner's, counted and remembered per loser."""
    for each in moves.tables():
        if each.label in moves._movers:
            sql.execute("members/merging/count_held_rows", {"label": each.label}, **moves.place_of(each))
        else:
            sql.execute("members/merging/move_rows", {"label": each.label}, **moves.slots_to_move(each))


def _fold(choices: dict[str, str], as_of: datetime) -> None:
    """Fill the winners' gaps; then what a person preferred of the loser's."""
    sql.execute("members/merging/fold_members", {"as_of": as_of})
    sql.execute("members/merging/apply_choices", {"chosen": json.dumps(choices)}, sets=_choosing())


def _choosing() -> pg.Composable:
    each = [
        pg.SQL("{0} = CASE WHEN c.chosen ? {1} THEN l.{0} ELSE w.{0} END").format(pg.Identifier(name), pg.Literal(name))
        for name in FIELDS
    ]
    attributes = pg.SQL(
        "attributes = w.attributes"
        " - ARRAY(SELECT substr(k, 12) FROM jsonb_object_keys(c.chosen) AS k WHERE k LIKE 'attributes.%%')"
        " || COALESCE((SELECT jsonb_object_agg(substr(k, 12), l.attributes -> substr(k, 12))"
        " FROM jsonb_object_keys(c.chosen) AS k WHERE k LIKE 'attributes.%%' AND l.attributes ? substr(k, 12)), '{}')"
    )
    return pg.SQL(", ").join([*each, attributes])


def _history(pool_id: int, cause: Cause, actor: User | None, as_of: datetime, choices: dict[str, str]) -> dict[str, Any]:
    return {
        "pool_id": pool_id,
        "kind": cause.kind,
        "hash": cause.value_hash,
        "source": cause.source,
        "chosen": json.dumps(choices),
        "actor": actor.pk if actor else None,
        "as_of": as_of,
    }


def told() -> dict[str, Any]:
    """What the audit line says: the pairs themselves, as long as they can be read."""
    rows = sql.rows("members/merging/list_pairs", {"limit": SHOWN})
    total = sql.value("members/merging/count_pairs")
    return {"members": total, "pairs": [[row["winner_id"], row["loser_id"]] for row in rows]}


def heir(member: Member) -> int:
    """The number under which a member is found now."""
    return member.merged_into or member.pk
