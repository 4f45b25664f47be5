"""Giving members to staff: by hand, in bulk, as a hand-over; and taking a hand-over back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from members.importing.locks import writing
from members.models import Handover, HandoverShare, OwnerChange, OwnershipRule, Pool
from members.ownership import choosing
from members.ownership.codes import problem
from members.sets import array
from members.team import queries as team
from members.versions import bump
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import User

JOB, UNDO_JOB = "members.handover", "members.handover.undo"
FILE_JOB = "members.owners.file"
SHOWN = 50  # ids that an audit line spells out


@transaction.atomic
def assign(
    *,
    pool: Pool,
    members: Iterable[int],
    to: User | None,
    reason: str,
    actor: User | None,
    as_of: datetime,
    how: int = OwnerChange.How.MANUAL,
) -> list[int]:
    """Let somebody look after members (None: nobody); the ids whose owner changed.

    For up to some ten thousand at once; more are a job: `start_assign`. Raises Problem when `to` is not
    on duty in the pool.
    """
    receiver(pool, to.pk if to else None)
    changed = move(
        pool_id=pool.pk,
        members=members,
        to=to.pk if to else None,
        how=how,
        reason=reason,
        by=actor.pk if actor else None,
        as_of=as_of,
    )
    if changed:
        target = f"members.member:{changed[0]}" if len(changed) == 1 else to
        audit(
            actor=actor,
            action="member.assign",
            target=target,
            pool_id=pool.pk,
            to=str(to or ""),
            reason=reason,
            members=len(changed),
            ids=changed[:SHOWN],
        )
    return changed


def move(
    *,
    pool_id: int,
    members: Iterable[int],
    to: int | None,
    how: int,
    reason: str,
    by: int | None,
    as_of: datetime,
    handover: Handover | None = None,
) -> list[int]:
    """One statement, inside the caller's transaction, without a line of its own in the trail."""
    writing(pool_id)
    given = {
        "pool_id": pool_id,
        "ids": array(members),
        "to": to,
        "only_from": bool(handover and handover.from_user_id),
        "from": handover.from_user_id if handover else None,
        "how": int(how),
        "reason": reason[:200],
        "as_of": as_of,
        "by": by,
        "handover": handover.pk if handover else None,
    }
    changed = [row["member_id"] for row in sql.rows("members/ownership/assign_members", given)]
    if changed:
        bump(pool_id, "members")
    return changed


def receiver(pool: Pool, user_id: int | None, field: str = "to") -> None:
    """Raises Problem unless this person may be given members."""
    if user_id is None:
        return
    found = team.colleagues(pool, [user_id])
    if not found:
        name = User.objects.filter(pk=user_id).first() or f"#{user_id}"
        raise problem("not_here", field, name=name)
    if not found[0].is_on_duty:
        raise problem("left", field, name=found[0])


# -- Hand-overs -----------------------------------------------------------------------------------
@transaction.atomic
def start_assign(
    *, pool: Pool, chosen: dict[str, Any], to: User | None, reason: str, actor: User | None, as_of: datetime
) -> Handover:
    """Give many members to somebody as a job; `chosen` is {"ids": […]} or {"query": "the list's query string"}.

    The hand-over returned has `job_id`, a page with its progress, and can be undone there.
    """
    return _start(pool, Handover.Kind.ASSIGN, None, chosen, [to.pk if to else None], Handover.Split.EVEN, reason, actor, as_of)


@transaction.atomic
def hand_over(
    *,
    pool: Pool,
    from_user: User,
    to: Sequence[int],
    kind: str,
    split: str,
    query: str,
    reason: str,
    actor: User | None,
    as_of: datetime,
) -> Handover:
    """Pass one's members (or those a query string narrows them to) on to others, as a job."""
    found = team.colleagues(pool, [from_user.pk])
    if kind == Handover.Kind.LEFT and found and found[0].is_on_duty:
        raise problem("still_here", "kind", name=from_user)
    if from_user.pk in to:
        raise problem("to_self", "to")
    return _start(pool, kind, from_user.pk, {"query": query}, to, split, reason, actor, as_of)


def _start(
    pool: Pool,
    kind: str,
    from_user: int | None,
    chosen: dict[str, Any],
    to: Sequence[int | None],
    split: str,
    reason: str,
    actor: User | None,
    as_of: datetime,
) -> Handover:
    if not to:
        raise problem("no_receiver", "to")
    if not reason.strip():
        raise problem("no_reason", "reason")
    for each in to:
        receiver(pool, each)
    if chosen.get("ids") is None and not choosing.chosen(pool, chosen, from_user):
        raise problem("nobody", "query")
    made = Handover.objects.create(
        pool=pool,
        kind=kind,
        from_user_id=from_user,
        split=split,
        reason=reason.strip()[:200],
        chosen=chosen,
        targets=list(dict.fromkeys(to)),
        by=actor,
        created_at=as_of,
    )
    job = jobs.enqueue(kind=JOB, pool_id=pool.pk, params={"handover": made.pk}, actor=actor)
    made.job_id = job.pk
    made.save(update_fields=["job_id"])
    audit(actor=actor, action="handover.start", target=made, pool_id=pool.pk, kind=kind, to=made.targets, reason=made.reason)
    return made


@transaction.atomic
def freeze(*, handover: Handover) -> None:
    """Write down who goes to whom, once: whoever goes on after a crash does the same."""
    row = Handover.objects.select_for_update().get(pk=handover.pk)
    if row.is_frozen:
        return
    ids = choosing.chosen(row.pool, row.chosen, row.from_user_id)
    parts = choosing.shares(row.pool, ids, row.targets, row.split)
    HandoverShare.objects.bulk_create(
        HandoverShare(handover=row, place=place, to_user_id=user, members=part.serialize(), planned=len(part))
        for place, (user, part) in enumerate(parts)
    )
    Handover.objects.filter(pk=row.pk).update(is_frozen=True)


def pass_on(*, handover: Handover, to: int | None, members: Sequence[int], as_of: datetime) -> int:
    """The next chunk of a hand-over, inside the caller's transaction; how many moved."""
    changed = move(
        pool_id=handover.pool_id,
        members=members,
        to=to,
        how=OwnerChange.How.HANDOVER,
        reason=handover.reason,
        by=handover.by_id,
        as_of=as_of,
        handover=handover,
    )
    skipped = len(members) - len(changed)
    Handover.objects.filter(pk=handover.pk).update(moved=F("moved") + len(changed), skipped=F("skipped") + skipped)
    return len(changed)


@transaction.atomic
def undo(*, handover: Handover, actor: User | None) -> JobRun:
    """Take a hand-over back, as a job: whoever has moved on since stays where they are."""
    row = Handover.objects.select_for_update().get(pk=handover.pk)
    if row.undo_job_id:
        raise problem("undone")
    if JobRun.objects.filter(pk=row.job_id or 0, status__in=JobRun.OPEN).exists():
        raise problem("running")
    if not row.moved:
        raise problem("nothing_moved")
    job = jobs.enqueue(kind=UNDO_JOB, pool_id=row.pool_id, params={"handover": row.pk}, actor=actor)
    Handover.objects.filter(pk=row.pk).update(undo_job_id=job.pk)
    audit(actor=actor, action="handover.undo", target=row, pool_id=row.pool_id)
    return job


def give_back(*, handover: Handover, after: tuple[int, int], limit: int, actor: User | None, as_of: datetime) -> dict[str, Any]:
    """The next chunk of an undo, inside the caller's transaction: seen, back, and the key it ended at."""
    writing(handover.pool_id)
    given = {
        "handover": handover.pk,
        "pool_id": handover.pool_id,
        "how": int(OwnerChange.How.HANDOVER),
        "undo": int(OwnerChange.How.UNDO),
        "after": after[0],
        "after_id": after[1],
        "limit": limit,
        "reason": _("撤销移交 #%(id)s") % {"id": handover.pk},
        "as_of": as_of,
        "by": actor.pk if actor else None,
    }
    row = sql.row("members/ownership/give_back_members", given) or {}
    if row.get("back"):
        bump(handover.pool_id, "members")
    return row


@transaction.atomic
def undone(*, handover: Handover, as_of: datetime) -> None:
    """The last chunk went back."""
    Handover.objects.filter(pk=handover.pk).update(undone_at=as_of)


# -- Who is given those that nobody has -----------------------------------------------------------
@transaction.atomic
def save_rule(*, pool: Pool, mode: str, actor: User | None) -> OwnershipRule:
    """How members without an owner are given out from now on; those already there are not touched."""
    rule, _made = OwnershipRule.objects.select_for_update().get_or_create(pool=pool)
    before = rule.mode
    rule.mode = OwnershipRule.Mode(mode).value
    if before == OwnershipRule.Mode.NONE:
        rule.watermark = sql.value("members/ownership/latest_member", {"pool_id": pool.pk}) or 0
    rule.save()
    audit(actor=actor, action="ownership.rule", target=rule, pool_id=pool.pk, before=before, after=rule.mode)
    return rule
