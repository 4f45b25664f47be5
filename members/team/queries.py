"""Who works in a pool: everybody with access or a profile, and what they may be given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from members.models import Member, Pool, PoolAccess, StaffProfile
from scrm.staff.models import User


@dataclass(frozen=True)
class Colleague:
    """Somebody of the pool: their login there, if any, and their profile, if any."""

    user: User
    access: PoolAccess | None
    profile: StaffProfile | None

    @property
    def pk(self) -> int:
        return int(self.user.pk)

    @property
    def is_on_duty(self) -> bool:
        """Without a profile whoever has access is taken to be there."""
        return self.profile.is_on_duty if self.profile else True

    @property
    def store_id(self) -> int | None:
        return self.profile.store_id if self.profile else None

    @property
    def capacity(self) -> int | None:
        return self.profile.capacity if self.profile else None

    def __str__(self) -> str:
        return str(self.user)


def colleagues(pool: Pool, users: Iterable[int] | None = None) -> list[Colleague]:
    """Everybody of the pool, those on duty first, by name."""
    wanted = Q(accesses__pool=pool) | Q(staff_profiles__pool=pool)
    found = User.objects.filter(wanted).distinct()
    if users is not None:
        found = found.filter(pk__in=list(users))
    accesses = {row.user_id: row for row in PoolAccess.objects.filter(pool=pool)}
    profiles = {row.user_id: row for row in StaffProfile.objects.filter(pool=pool).select_related("store")}
    rows = [Colleague(user, accesses.get(user.pk), profiles.get(user.pk)) for user in found]
    return sorted(rows, key=lambda row: (not row.is_on_duty, str(row), row.pk))


def receivers(pool: Pool) -> list[Colleague]:
    """Who may be given members."""
    return [row for row in colleagues(pool) if row.is_on_duty]


def on_duty(pool: Pool) -> dict[str, int]:
    """Colleagues on duty by user name, name and WeCom account, in small letters."""
    found: dict[str, int] = {}
    for each in receivers(pool):
        names = (str(each), each.profile.wecom_userid if each.profile else "", each.user.username)
        found |= {name.lower(): each.pk for name in names if name}
    return found


def owned(pool: Pool, users: Sequence[int]) -> dict[int, int]:
    """How many members each of them looks after now."""
    mine = Member.objects.filter(pool=pool, merged_into=None, owner_id__in=users)
    return dict(mine.values_list("owner_id").annotate(n=Count("id")))
