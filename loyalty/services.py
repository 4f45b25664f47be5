"""Every write of points. Amounts are whole points; money is in minor units."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from loyalty.models import Account, EarningRule, Entry
from members.models import Member, Pool
from members.versions import bump
from scrm.jobs import services as jobs
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

CHUNK = 20_000  # members per transaction
MOST = 1_000_000_000_000  # points in one posting: accounts hold many of them


@transaction.atomic
def save_rule(*, pool: Pool, points: int, step: int, least: int, starts_at: datetime, actor: User | None) -> EarningRule:
    """A new version of the pool's earning rule, for orders placed from `starts_at` on.

    Raises Problem when a later version exists: rules do not change the past of each other.
    """
    if points < 0 or step <= 0 or least < 0:
        raise Problem("bad_rule", _("得分和最低金额不能小于 0，每档金额必须大于 0"))
    Pool.objects.select_for_update().get(pk=pool.pk)
    last = EarningRule.objects.filter(pool=pool).aggregate(n=Max("n"), starts_at=Max("starts_at"))
    if last["starts_at"] and starts_at < last["starts_at"]:
        raise Problem(
            "rule_starts_too_early", _("生效时间不能早于上一版规则的生效时间"), {"starts_at": last["starts_at"].isoformat()}
        )
    rule = EarningRule.objects.create(
        pool=pool, n=(last["n"] or 0) + 1, points=points, step=step, least=least, starts_at=starts_at, actor=actor
    )
    audit(actor=actor, action="points.rule", target=rule, pool_id=pool.pk, points=points, step=step, least=least)
    return rule


@transaction.atomic
def spend(*, member: Member, amount: int, key: str, at: datetime, reason: str, actor: User | None) -> Account:
    """Take points for something; raises Problem when the balance does not cover it."""
    if amount <= 0:
        raise Problem("bad_amount", _("兑换的积分必须大于 0"))
    _bounded(amount)
    _post(member, Entry.Kind.SPEND, -amount, f"spend:{key}", at, reason, actor)
    audit(actor=actor, action="points.spend", target=member, pool_id=member.pool_id, amount=amount, key=key)
    return Account.objects.get(member=member)


@transaction.atomic
def adjust(*, member: Member, amount: int, key: str, at: datetime, reason: str, actor: User) -> Account:
    """Give or take points by hand, with a reason; never below zero. The same key is booked once."""
    if not reason.strip():
        raise Problem("reason_missing", _("请填写调整原因"), {"reason": "required"})
    if not amount:
        raise Problem("bad_amount", _("调整的积分不能为 0"), {"amount": "zero"})
    _bounded(amount)
    _post(member, Entry.Kind.ADJUST, amount, f"adjust:{key}", at, reason, actor)
    audit(actor=actor, action="points.adjust", target=member, pool_id=member.pool_id, amount=amount, reason=reason)
    return Account.objects.get(member=member)


def _bounded(amount: int) -> None:
    if abs(amount) > MOST:
        raise Problem("bad_amount", _("一次最多 %(n)s 积分") % {"n": MOST}, {"amount": "too_large"})


def _post(member: Member, kind: str, amount: int, key: str, at: datetime, reason: str, actor: User | None) -> None:
    entry = {"member_id": member.pk, "pool_id": member.pool_id, "kind": kind, "amount": amount, "key": key}
    try:
        with transaction.atomic():
            sql.execute("loyalty/post_entry", {**entry, "at": at, "reason": reason, "actor_id": actor.pk if actor else None})
    except IntegrityError as error:
        if "only_returns_make_debt" in str(error):
            raise Problem("insufficient_points", _("积分余额不足")) from error
        if "another content" in str(error):
            raise Problem("key_reused", _("同一个键已用于内容不同的操作")) from error
        raise
    bump(member.pool_id, "points")


def request_earning(*, pool_id: int, actor: User | None = None) -> None:
    """Ask for the points of due members; one open job per pool."""
    if EarningRule.objects.filter(pool_id=pool_id).exists():
        jobs.enqueue(kind="loyalty.earn", pool_id=pool_id, actor=actor, key=f"loyalty.earn:{pool_id}")


@transaction.atomic
def earn_chunk(*, pool_id: int, as_of: datetime, limit: int = CHUNK) -> tuple[int, int]:
    """Book the points of up to `limit` due members: (members taken, entries written)."""
    done = sql.row("loyalty/earn_points", {"pool_id": pool_id, "as_of": as_of, "limit": limit})
    assert done is not None
    if done["entries"]:
        bump(pool_id, "points")
    return done["members"], done["entries"]
