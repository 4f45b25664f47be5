"""Pools of a person, their people, their targets."""

from collections.abc import Iterable
from datetime import date

from django.db.models import QuerySet

from members.models import Pool, PoolAccess, PoolTarget
from members.pools.services import Target
from scrm.staff.models import User
from scrm.staff.permissions import Role

MONTHS = 12


def archived_of(user: User) -> QuerySet[Pool]:
    """Archived pools this person may open again."""
    return Pool.objects.filter(is_archived=True, accesses__user=user, accesses__role=Role.ADMIN).order_by("name")


def accesses(pool: Pool) -> QuerySet[PoolAccess]:
    """Who has access, and as what."""
    return PoolAccess.objects.filter(pool=pool).select_related("user").order_by("role", "user__username")


def month_of(day: date, later: int = 0) -> date:
    """The first day of a month, or of one some months later."""
    index = day.year * 12 + day.month - 1 + later
    return date(index // 12, index % 12 + 1, 1)


def coming_months(today: date) -> list[date]:
    """This month and those after it that targets are set for."""
    return [month_of(today, later) for later in range(MONTHS)]


def targets(pool: Pool, months: Iterable[date]) -> dict[date, Target]:
    """The targets of some months; months without any are left out."""
    rows = PoolTarget.objects.filter(pool=pool, month__in=list(months))
    return {row.month: Target(row.members, row.active, row.revenue) for row in rows}
