"""Profiles of staff: where they work, how they are reached, whether they are still there."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from members import identities
from members.models import Identity, Member, Pool, StaffProfile
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

FACTS = ("store_id", "job_title", "wecom_userid", "joined_on", "capacity")


@transaction.atomic
def add_colleague(
    *, pool: Pool, username: str, display_name: str, facts: Mapping[str, Any], phone: str, actor: User | None
) -> StaffProfile:
    """Somebody who looks after members; makes the person when the name is new, without a login.

    Access to pages is given on the page of roles; a person of another pool keeps name and password.
    """
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User(username=username, display_name=display_name)
        user.set_unusable_password()
        user.save()
    if StaffProfile.objects.filter(pool=pool, user=user).exists():
        raise Problem("staff.already_here", _("此人已在员工名单里"), {"username": [_("此人已在员工名单里")]})
    return save_profile(pool=pool, user=user, facts=facts, phone=phone, actor=actor)


@transaction.atomic
def save_profile(*, pool: Pool, user: User, facts: Mapping[str, Any], phone: str | None, actor: User | None) -> StaffProfile:
    """Change a profile, or make the first one of somebody with access. `phone` None leaves it, "" removes it."""
    row = StaffProfile.objects.select_for_update().filter(pool=pool, user=user).first() or StaffProfile(pool=pool, user=user)
    before = {name: getattr(row, name) for name in FACTS}
    for name, value in facts.items():
        if name not in FACTS:
            raise ValueError(f"unknown fact {name}")
        setattr(row, name, value)
    if row.capacity is not None and row.capacity < 0:
        raise Problem("staff.capacity", _("可服务会员数不能小于 0"), {"capacity": [_("可服务会员数不能小于 0")]})
    if phone is not None:
        _phone(row, phone)
    row.save()
    changed = {name: [str(before[name]), str(getattr(row, name))] for name in FACTS if before[name] != getattr(row, name)}
    audit(actor=actor, action="staff.profile", target=user, pool_id=pool.pk, changes=changed, phone=row.phone_hint)
    return row


def _phone(row: StaffProfile, phone: str) -> None:
    """Kept as identities are: whoever guards shared phones finds it by its hash."""
    text = identities.normalise(Identity.Kind.PHONE, phone)
    if not text:
        row.phone_hash, row.phone_sealed, row.phone_hint = None, None, ""
        return
    if identities.problem(Identity.Kind.PHONE, text) not in ("", "guarded"):
        raise Problem("staff.phone", _("手机号只能有 5–15 位数字"), {"phone": [_("手机号只能有 5–15 位数字")]})
    written = identities.written(Identity.Kind.PHONE, text)
    row.phone_hash, row.phone_sealed, row.phone_hint = written.value_hash, written.sealed, written.hint


@transaction.atomic
def leave(*, pool: Pool, user: User, on: date, actor: User | None) -> int:
    """Somebody has left; how many members still are theirs and are to be handed over."""
    row = StaffProfile.objects.select_for_update().filter(pool=pool, user=user).first() or StaffProfile(pool=pool, user=user)
    if row.joined_on and on < row.joined_on:
        raise Problem("staff.left_early", _("离职日期早于入职日期"), {"on": [_("离职日期早于入职日期")]})
    row.is_on_duty, row.left_on = False, on
    row.save()
    left = Member.objects.filter(pool=pool, owner=user, merged_into=None).count()
    audit(actor=actor, action="staff.leave", target=user, pool_id=pool.pk, on=on.isoformat(), members=left)
    return left


@transaction.atomic
def come_back(*, pool: Pool, user: User, actor: User | None) -> None:
    """Somebody who had left is on duty again."""
    StaffProfile.objects.filter(pool=pool, user=user).update(is_on_duty=True, left_on=None)
    audit(actor=actor, action="staff.back", target=user, pool_id=pool.pk)
