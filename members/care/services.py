"""Notes written, changed and removed; tasks given, done and taken up again."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from members.models import CareTask, Member, Note, PoolAccess
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

SEQUENCE = "members_care_id_seq"


@transaction.atomic
def write_note(*, member: Member, text: str, actor: User, as_of: datetime, is_pinned: bool = False) -> Note:
    """A new note. Raises Problem when there is nothing in it."""
    (number,) = sql.next_ids(SEQUENCE, 1)
    note = Note.objects.create(member=member, id=number, text=_said(text), is_pinned=is_pinned, by=actor, at=as_of)
    audit(actor=actor, action="note.write", target=member, pool_id=member.pool_id, note=number)
    return note


@transaction.atomic
def change_note(*, note: Note, actor: User, as_of: datetime, text: str | None = None, is_pinned: bool | None = None) -> Note:
    """Another wording, or its place on top. Only its writer changes the words."""
    if text is not None:
        if note.by_id != actor.pk:
            raise Problem("note.not_yours", _("只有写备注的人可以修改内容"))
        note.text, note.edited_at = _said(text), as_of
    note.is_pinned = note.is_pinned if is_pinned is None else is_pinned
    note.save(update_fields=["text", "edited_at", "is_pinned"])
    audit(actor=actor, action="note.change", target=note.member, pool_id=note.member.pool_id, note=note.id)
    return note


@transaction.atomic
def remove_note(*, note: Note, actor: User) -> None:
    """It is gone; that it was there stays in the audit trail, its words do not."""
    audit(actor=actor, action="note.remove", target=note.member, pool_id=note.member.pool_id, note=note.id)
    Note.objects.filter(pk=note.pk).delete()


@transaction.atomic
def give_task(*, member: Member, text: str, assignee: User, due_on: date, actor: User, as_of: datetime) -> CareTask:
    """Something for a colleague of the pool to do. Raises Problem for somebody who is none."""
    if not PoolAccess.objects.filter(pool_id=member.pool_id, user=assignee).exists():
        raise Problem(
            "task.stranger", _("%(name)s 不在这个会员池，不能分派任务") % {"name": assignee}, {"assignee": ["stranger"]}
        )
    (number,) = sql.next_ids(SEQUENCE, 1)
    task = CareTask.objects.create(
        member=member,
        id=number,
        pool_id=member.pool_id,
        text=_said(text)[:300],
        assignee=assignee,
        due_on=due_on,
        by=actor,
        at=as_of,
    )
    audit(actor=actor, action="task.give", target=member, pool_id=member.pool_id, task=number, to=assignee.pk)
    return task


@transaction.atomic
def finish_task(*, task: CareTask, outcome: str, actor: User, as_of: datetime) -> CareTask:
    """It is done; the first to say so counts, a repeat changes nothing."""
    held = CareTask.objects.select_for_update().get(pk=task.pk)
    if held.done_at is None:
        held.done_at, held.done_by, held.outcome = as_of, actor, outcome.strip()[:300]
        held.save(update_fields=["done_at", "done_by", "outcome"])
        audit(actor=actor, action="task.done", target=held.member, pool_id=held.pool_id, task=held.id)
    return held


@transaction.atomic
def reopen_task(*, task: CareTask, actor: User) -> CareTask:
    """Not done after all."""
    held = CareTask.objects.select_for_update().get(pk=task.pk)
    if held.done_at is not None:
        held.done_at = held.done_by = None
        held.save(update_fields=["done_at", "done_by"])
        audit(actor=actor, action="task.reopen", target=held.member, pool_id=held.pool_id, task=held.id)
    return held


def _said(text: str) -> str:
    said = text.strip()
    if not said:
        raise Problem("care.empty", _("请写点什么"), {"text": ["empty"]})
    if len(said) > 2000:
        raise Problem("care.too_long", _("最长 2,000 个字符"), {"text": ["too_long"]})
    return said
