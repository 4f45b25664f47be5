"""Hand-overs and the history of one member's owners."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from pyroaring import BitMap

from members.models import Handover, Member, OwnerChange, OwnershipRule, Pool, StaffProfile
from members.team.queries import Colleague, colleagues, owned
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.staff.models import User


def handovers(pool: Pool) -> QuerySet[Handover]:
    """Newest first."""
    return Handover.objects.filter(pool=pool).select_related("from_user", "by").order_by("-id")


def handover_of(pool: Pool, pk: int) -> Handover:
    return get_object_or_404(Handover.objects.select_related("from_user", "by", "pool"), pool=pool, pk=pk)


def with_jobs(rows: Sequence[Handover]) -> list[tuple[Handover, JobRun | None, list[str]]]:
    """Hand-overs with the job that does them and the names of who receives."""
    jobs = JobRun.objects.in_bulk([row.job_id for row in rows if row.job_id])
    names = User.objects.in_bulk({each for row in rows for each in row.targets if each})
    return [(row, jobs.get(row.job_id or 0), [str(names[each]) for each in row.targets if each in names]) for row in rows]


def outcome(handover: Handover) -> list[dict[str, Any]]:
    """Per receiver: planned, moved, still there, ordered since."""
    how = int(OwnerChange.How.HANDOVER)
    counted = {row["user_id"]: row for row in sql.rows("members/ownership/count_handover", {"handover": handover.pk, "how": how})}
    shares = list(handover.shares.order_by("place").values_list("to_user_id", "planned"))
    people = User.objects.in_bulk([user for user, _planned in shares if user])
    none = {"moved": 0, "staying": 0, "ordered": 0}
    return [{"user": people.get(user or 0), "planned": planned, **none, **counted.get(user, {})} for user, planned in shares]


def moved_by(pool: Pool, text: str) -> BitMap:
    """Members a hand-over moved; ValueError for one that does not exist."""
    if not Handover.objects.filter(pool=pool, pk=int(text)).exists():
        raise ValueError(text)
    rows = OwnerChange.objects.filter(handover_id=int(text), how=OwnerChange.How.HANDOVER)
    return BitMap(rows.values_list("member_id", flat=True))


def history(member: Member) -> QuerySet[OwnerChange]:
    """Who looked after a member, newest first."""
    rows = OwnerChange.objects.filter(member=member).select_related("from_user", "to_user", "by")
    return rows.order_by("-at", "-id")


def colleague_of(pool: Pool, user_id: int) -> Colleague:
    """Somebody of the pool, or 404."""
    found = colleagues(pool, [user_id])
    if not found:
        raise Http404("nobody of this pool")
    return found[0]


def may_receive(pool: Pool) -> list[tuple[Colleague, int]]:
    """Who may be given members, with how many they have."""
    found = [each for each in colleagues(pool) if each.is_on_duty]
    counts = owned(pool, [each.pk for each in found])
    return [(each, counts.get(each.pk, 0)) for each in found]


def gives(pool: Pool) -> list[tuple[Colleague, int]]:
    """Who has members to pass on, those who left first."""
    found = colleagues(pool)
    counts = owned(pool, [each.pk for each in found])
    having = [(each, counts[each.pk]) for each in found if counts.get(each.pk)]
    return sorted(having, key=lambda row: (row[0].is_on_duty, str(row[0])))


def rule_of(pool: Pool) -> OwnershipRule:
    return OwnershipRule.objects.filter(pool=pool).first() or OwnershipRule(pool=pool)


def is_staff_phone(pool: Pool, value_hash: bytes) -> bool:
    """Whether a phone, by its hash, belongs to somebody who works here."""
    return StaffProfile.objects.filter(Q(pool=pool) & Q(phone_hash=value_hash)).exists()
