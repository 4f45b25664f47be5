from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from members.models import CareTask, Member, Note, Pool, PoolAccess
from scrm.staff.models import User


def notes_of(member: Member) -> QuerySet[Note]:
    """The member's notes, pinned ones first, then the newest."""
    return Note.objects.filter(member=member).select_related("by").order_by("-is_pinned", "-at", "-id")


def note_of(member: Member, number: int) -> Note:
    """One note of the member, or 404."""
    return get_object_or_404(Note.objects.select_related("member"), member=member, id=number)


def tasks_of(member: Member) -> list[CareTask]:
    """The member's tasks: open ones by day, then those done, newest first."""
    rows = CareTask.objects.filter(member=member).select_related("assignee", "by", "done_by")
    return [*rows.filter(done_at=None).order_by("due_on", "id"), *rows.exclude(done_at=None).order_by("-done_at", "id")]


def task_of(pool: Pool, number: int) -> CareTask:
    """One task of the pool, or 404."""
    return get_object_or_404(CareTask.objects.select_related("member", "assignee"), pool=pool, id=number)


def tasks(pool: Pool, *, whose: str, user: User, is_done: bool) -> QuerySet[CareTask]:
    """Tasks of the pool: mine, of one colleague (their id), or everybody's."""
    found = CareTask.objects.filter(pool=pool, done_at__isnull=not is_done).select_related("member", "assignee", "by", "done_by")
    if whose == "mine":
        found = found.filter(assignee=user)
    elif whose.isdecimal():
        found = found.filter(assignee_id=int(whose))
    return found.order_by(*(("-done_at", "-id") if is_done else ("due_on", "id")))


def counts(pool: Pool, user: User, today: date) -> dict[str, int]:
    """Open tasks of one person: all, due today, overdue."""
    mine = CareTask.objects.filter(pool=pool, assignee=user, done_at=None)
    return {
        "open": mine.count(),
        "today": mine.filter(due_on=today).count(),
        "overdue": mine.filter(due_on__lt=today).count(),
    }


def colleagues(pool: Pool) -> list[tuple[int, str]]:
    """Who may be given a task: id and name."""
    rows = PoolAccess.objects.filter(pool=pool).select_related("user").order_by("user__display_name", "user__username")
    return [(row.user_id, str(row.user)) for row in rows]


def as_page(rows: QuerySet[Any], after: str, size: int = 50) -> tuple[list[Any], str]:
    """A page of tasks behind the one with the number `after`, and the number the next page begins behind."""
    if after.isdecimal() and (last := rows.filter(id=int(after)).first()):
        rows = _behind(rows, last)
    found = list(rows[: size + 1])
    return found[:size], str(found[size - 1].id) if len(found) > size else ""


def _behind(rows: QuerySet[Any], last: CareTask) -> QuerySet[Any]:
    if last.done_at:
        return rows.filter(Q(done_at__lt=last.done_at) | Q(done_at=last.done_at, id__lt=last.id))
    return rows.filter(Q(due_on__gt=last.due_on) | Q(due_on=last.due_on, id__gt=last.id))
