"""Parting members who were merged: both as they were, with what happened since.

Merges are taken apart in the reverse order of their acts. Later ones in the way are taken apart too, and
joined again under their own lines once those asked for are gone: so each layer finds the winner exactly as
its merge left it, but for what came since.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.importing.locks import writing
from members.merging import moves, since
from members.merging.moves import Question, Undoing
from members.merging.services import SHOWN, Cause, _join
from members.models import Merge, Pool
from members.sets import array
from members.versions import DOMAINS, bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

WHY = {
    "erased": gettext_lazy("其中一位会员已被抹除，合并不能再撤销"),
    "expired": gettext_lazy("已超过 %(days)s 天的可撤销期限"),
    "untraced": gettext_lazy("这次合并发生在可以撤销之前，没有留下需要的记录"),
}


@dataclass(frozen=True)
class Undone:
    """What an undoing did."""

    members: int = 0  # how many are members again
    again: int = 0  # later merges that were taken apart on the way and joined again
    assigned: int = 0  # rows since the merge that went to who they belong to
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What a person should see, and decide, before two members are parted."""

    since: list[since.Row]
    questions: list[Question]
    again: list[Merge]
    refusal: Problem | None = None


@transaction.atomic
def undo(
    *,
    merge: Merge,
    actor: User | None,
    as_of: datetime,
    assignments: Iterable[since.Told] | None = None,
    choices: Mapping[str, Any] | None = None,
    apart: bool = True,
    source: str = "page",
) -> Undone:
    """Part the two members of a merge. Undone already: nothing happens.

    `assignments` tell whose rows are that came since; what is not told goes by evidence, else stays with the
    winner. `choices` answer the questions of the preview; an open one is refused ("merge.open_question").
    With `apart` the two are never joined again without a person insisting. Problem "merge.sealed" when the
    merge cannot be undone any more.
    """
    writing(merge.pool_id)
    merge = Merge.objects.select_for_update().get(pk=merge.pk)
    if merge.undone_at:
        return Undone()
    done, undoing = _undo(merge.pool_id, [merge.pk], as_of, assignments or (), dict(choices or {}))
    if open_questions := [each for each in undoing.questions if each.key not in undoing.choices]:
        first = open_questions[0]
        raise Problem("merge.open_question", first.text, {first.key: [value for value, _label in first.options]})
    _finish(merge.pool_id, done, actor, as_of, apart, source)
    return done


@transaction.atomic
def undo_many(
    *, pool_id: int, merges: Iterable[int], actor: User | None, as_of: datetime, apart: bool = True, source: str = ""
) -> Undone:
    """Part all these at once, set-based: evidence decides, what it leaves open stays with the winner.

    Points that were spent since are given back as far as they are there; what is missing is noted. Merges
    that are undone already are left out. Problem "merge.sealed" when one of them cannot be undone any more.
    """
    writing(pool_id)
    done, _undoing = _undo(pool_id, merges, as_of, (), {"points": "available"})
    if done.members:
        _finish(pool_id, done, actor, as_of, apart, source)
    return done


def preview(merge: Merge, as_of: datetime) -> Preview:
    """What undoing would ask and do: it is tried and rolled back."""
    if merge.undone_at:
        return Preview([], [], [], Problem("merge.undone", _("这次合并已经撤销")))
    with transaction.atomic():
        writing(merge.pool_id)
        try:
            _done, undoing = _undo(merge.pool_id, [merge.pk], as_of, (), {})
            rows, again = since.listed(), list(Merge.objects.filter(pk__in=_others()))
        except Problem as problem:
            return Preview([], [], [], problem)
        finally:
            transaction.set_rollback(True)
    return Preview(rows, undoing.questions, again)


# -- One act --------------------------------------------------------------------------------------
def _undo(
    pool_id: int, ids: Iterable[int], as_of: datetime, told: Iterable[since.Told], choices: dict[str, Any]
) -> tuple[Undone, Undoing]:
    sql.execute("members/merging/create_undo_tables")
    sql.execute("members/merging/stage_undo", {"ids": array(ids), "pool_id": pool_id})
    sql.run("ANALYZE undo_merges")
    while sql.execute("members/merging/find_undo_closure"):
        sql.run("ANALYZE undo_merges")  # each round goes one merge further
    _refuse(as_of)
    sql.execute("members/merging/lock_parted_members")
    since.stage(told)
    undoing = Undoing(pool_id, as_of, choices)
    layers = assigned = 0
    while _take(layers):
        assigned += _part(undoing)
        layers += 1
    again = sum(_join_again(layer, pool_id, as_of) for layer in reversed(range(layers)))
    members = sql.fetch("SELECT count(*) FROM undo_merges WHERE is_wanted")[0][0]
    return Undone(members, again, assigned, undoing.notes), undoing


def _refuse(as_of: datetime) -> None:
    days = settings.MERGE_UNDO_DAYS
    found = sql.rows("members/merging/list_unforgiving", {"since": as_of - timedelta(days=days)})
    if not found:
        return
    first = found[0]
    why = first["sealed"] or ("untraced" if first["is_untraced"] else "expired")
    message = str(WHY[why]) % {"days": days}
    if not first["is_wanted"]:
        message = _("要先拆开的合并 %(id)s 不能撤销：%(why)s") % {"id": first["id"], "why": message}
    raise Problem("merge.sealed", message, {"merges": [row["id"] for row in found], "reason": why})


def _take(layer: int) -> bool:
    sql.run("TRUNCATE undo_pairs, undo_winners, undo_channels")
    if not sql.execute("members/merging/take_undo_layer", {"layer": layer}):
        return False
    sql.run("INSERT INTO undo_winners SELECT DISTINCT winner_id FROM undo_pairs; ANALYZE undo_pairs, undo_winners")
    return True


def _part(undoing: Undoing) -> int:
    """One layer: whose is what came since, then every table, then the members themselves; rows that were assigned."""
    assigned = since.judge()
    _more("before_undo", undoing)
    for each in moves.moved_plainly():
        sql.execute("members/merging/return_rows", {"label": each.label}, **moves.slots_to_return(each))
        sql.execute("members/merging/restore_set_aside", {"label": each.label}, **moves.slots_to_restore(each))
    for back in dict.fromkeys(moves._unmovers.values()):
        back(undoing)
    _more("undo", undoing)
    _unfold(undoing.as_of)
    sql.execute("members/merging/reopen_losers", {"as_of": undoing.as_of})
    sql.execute("members/merging/close_undo_layer")
    return assigned


def _more(when: str, undoing: Undoing) -> None:
    for each in moves._also:
        if act := getattr(each, when):
            act(undoing)


def _unfold(as_of: datetime) -> None:
    sql.execute("members/merging/unfold_members", {"as_of": as_of}, **moves.slots_of_profile())


def _join_again(layer: int, pool_id: int, as_of: datetime) -> int:
    sql.execute("members/merging/create_tables")
    sql.execute("members/merging/stage_again", {"layer": layer})
    return _join(pool_id, Cause(), None, as_of, {})


def _others() -> list[int]:
    return [number for (number,) in sql.fetch("SELECT merge_id FROM undo_merges WHERE NOT is_wanted ORDER BY merge_id")]


def _finish(pool_id: int, done: Undone, actor: User | None, as_of: datetime, apart: bool, source: str) -> None:
    """Write down that it was done."""
    by = actor.pk if actor else None
    undone = json.dumps({"again": done.again, "assigned": done.assigned, "source": source, **done.notes})
    sql.execute("members/merging/mark_undone", {"as_of": as_of, "actor": by, "undone": undone})
    if apart:
        sql.execute("members/merging/keep_apart", {"pool_id": pool_id, "actor": by, "as_of": as_of})
    sql.execute("members/merging/touch_parted", {"pool_id": pool_id})
    bump(pool_id, *DOMAINS)
    pairs = sql.fetch(
        "SELECT winner_id, loser_id FROM undo_merges WHERE is_wanted ORDER BY merge_id LIMIT %(limit)s", {"limit": SHOWN}
    )
    audit(
        actor=actor, action="member.unmerge", pool_id=pool_id, members=done.members, again=done.again, source=source,
        pairs=[list(pair) for pair in pairs],
    )  # fmt: skip


# -- Keeping and forgetting -----------------------------------------------------------------------
@transaction.atomic
def seal_erased(*, pool_id: int, members: Iterable[int]) -> int:
    """Somebody of these merges is erased: what was remembered goes, and undoing is refused; how many merges."""
    writing(pool_id)
    return sql.execute("members/merging/seal_erased", {"pool_id": pool_id, "ids": array(members)})


@transaction.atomic
def forget_old(*, pool: Pool, as_of: datetime, limit: int = 20_000) -> int:
    """Drop what was remembered of merges past their time; how many merges, at most `limit`."""
    writing(pool.pk)
    since_when = as_of - timedelta(days=settings.MERGE_UNDO_DAYS)
    return sql.execute("members/merging/seal_expired", {"pool_id": pool.pk, "since": since_when, "limit": limit})
