"""Making pools, changing them, setting targets, putting them away."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from members.attributes.queries import WORTH, fields_of
from members.models import AttributeField, Pool, PoolAccess, PoolTarget
from members.pools import blockers
from members.signals import pool_zone_changed
from members.tagging import COLORS
from members.versions import DOMAINS, bump
from scrm.lib.formats import CURRENCIES, clauses
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from scrm.staff.permissions import Role

SLUG = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")
TAKEN = {"new", "api", "login", "logout", "static"}
FACTS = ("name", "slug", "time_zone", "currency", "color")
MOST = 10**15


@dataclass(frozen=True)
class Target:
    """What shall be reached by the end of a month; None where nothing is aimed at. Revenue in minor units."""

    members: int | None = None
    active: int | None = None
    revenue: int | None = None


@transaction.atomic
def create_pool(*, actor: User, **facts: Any) -> Pool:
    """A pool that can be used at once; whoever makes it administers it."""
    pool = Pool()
    _set(pool, {"time_zone": "Asia/Shanghai", "currency": "CNY", "color": "blue", **facts})
    pool.save()
    PoolAccess.objects.create(user=actor, pool=pool, role=Role.ADMIN)
    audit(actor=actor, action="pool.create", target=pool, pool_id=pool.pk, name=pool.name, slug=pool.slug)
    return pool


@transaction.atomic
def edit_pool(*, pool: Pool, actor: User | None, worth: str | None = None, **facts: Any) -> Pool:
    """Change what a pool is. `worth` names the number that stands for a member's value; empty: what they spent.

    In another time zone days begin at other instants: everything that counts days is computed again.
    """
    pool = Pool.objects.select_for_update().get(pk=pool.pk)
    before = {name: getattr(pool, name) for name in FACTS} | {WORTH: pool.settings.get(WORTH, "")}
    _set(pool, facts)
    if worth is not None:
        _set_worth(pool, worth)
    after = {name: getattr(pool, name) for name in FACTS} | {WORTH: pool.settings.get(WORTH, "")}
    changed = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    if not changed:
        return pool
    pool.save()
    audit(actor=actor, action="pool.edit", target=pool, pool_id=pool.pk, changes=changed)
    if "time_zone" in changed:
        bump(pool.pk, *DOMAINS)
        pool_zone_changed.send(sender=Pool, pool=pool, before=before["time_zone"], actor=actor)
    return pool


def _refuse(code: str, name: str, sentence: str) -> Problem:
    return Problem(f"pool.{code}", sentence, {name: [sentence]})


def _set(pool: Pool, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        if name not in FACTS:
            raise _refuse("unknown", name, _("不认识的设置：%(name)s") % {"name": name})
        setattr(pool, name, value.strip())
    if not pool.name:
        raise _refuse("no_name", "name", _("请填写名称"))
    if not SLUG.match(pool.slug) or pool.slug in TAKEN:
        raise _refuse(
            "bad_slug", "slug", _("地址只能用小写字母、数字和连字符，最长 40 个字符，不能是 new、api、login、logout、static")
        )
    if Pool.objects.filter(slug=pool.slug).exclude(pk=pool.pk).exists():
        raise _refuse("slug_taken", "slug", _("地址「%(slug)s」已被另一个会员池使用") % {"slug": pool.slug})
    if pool.time_zone not in available_timezones():
        raise _refuse("no_zone", "time_zone", _("没有这个时区：%(zone)s") % {"zone": pool.time_zone})
    if pool.currency not in CURRENCIES:
        raise _refuse("no_currency", "currency", _("没有这种货币：%(currency)s") % {"currency": pool.currency})
    if pool.color not in dict(COLORS):
        raise _refuse("no_color", "color", _("没有这种颜色：%(color)s") % {"color": pool.color})


def _set_worth(pool: Pool, key: str) -> None:
    if key and not fields_of(pool).filter(key=key, kind=AttributeField.Kind.NUMBER).exists():
        raise _refuse("no_worth", "worth", _("会员价值口径要选一个在用的数值字段"))
    pool.settings = {name: value for name, value in pool.settings.items() if name != WORTH} | ({WORTH: key} if key else {})


@transaction.atomic
def set_targets(*, pool: Pool, targets: Mapping[date, Target], actor: User | None) -> None:
    """Set the targets of some months; a month without any number has no target."""
    for month, target in targets.items():
        for value in (target.members, target.active, target.revenue):
            if value is not None and not 0 <= value <= MOST:
                raise _refuse("bad_target", "targets", _("目标应该是不小于 0 的整数"))
        if month.day != 1:
            raise _refuse("bad_month", "targets", _("目标按月设定：请给出当月第一天"))
        if target == Target():
            PoolTarget.objects.filter(pool=pool, month=month).delete()
        else:
            said = {"members": target.members, "active": target.active, "revenue": target.revenue}
            PoolTarget.objects.update_or_create(pool=pool, month=month, defaults=said)
    audit(actor=actor, action="pool.targets", target=pool, pool_id=pool.pk, months=sorted(map(str, targets)))


@transaction.atomic
def archive_pool(*, pool: Pool, actor: User) -> None:
    """Nobody enters the pool any more and nothing is computed in it; its data stay. Refused while something goes on."""
    others = PoolAccess.objects.filter(user=actor, pool__is_archived=False).exclude(pool=pool)
    if not others.exists():
        raise Problem("pool.last", _("这是您唯一的会员池：请先新建或加入另一个，再归档这一个"))
    if going_on := blockers.of(pool):
        raise Problem("pool.busy", _("还不能归档：%(what)s") % {"what": clauses(going_on)})
    Pool.objects.filter(pk=pool.pk).update(is_archived=True)
    audit(actor=actor, action="pool.archive", target=pool, pool_id=pool.pk)


@transaction.atomic
def restore_pool(*, pool: Pool, actor: User) -> None:
    """Open an archived pool again; for its administrators."""
    if not PoolAccess.objects.filter(user=actor, pool=pool, role=Role.ADMIN).exists():
        raise Problem("pool.not_yours", _("只有那个会员池的管理员可以恢复它"))
    Pool.objects.filter(pk=pool.pk).update(is_archived=False)
    audit(actor=actor, action="pool.restore", target=pool, pool_id=pool.pk)
