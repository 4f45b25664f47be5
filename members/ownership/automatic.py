"""Giving members that nobody has to somebody, by the pool's rule: every few minutes, in batches."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.models import Handover, OwnerChange, OwnershipRule, Pool
from members.ownership import choosing, services
from members.ownership.splitting import Receiver, by_room
from members.team import queries as team
from scrm.lib import sql
from scrm.staff.audit import audit

BATCH = 5_000


def distribute_all(*, as_of: datetime) -> int:
    """Every pool that has a rule; how many members were given out."""
    rules = OwnershipRule.objects.exclude(mode=OwnershipRule.Mode.NONE)
    return sum(distribute(pool=rule.pool, as_of=as_of) for rule in rules.select_related("pool"))


@transaction.atomic
def distribute(*, pool: Pool, as_of: datetime) -> int:
    """The next batch of newcomers without an owner; nobody to give them to: they wait."""
    rule = OwnershipRule.objects.select_for_update().get(pool=pool)
    given = {"pool_id": pool.pk, "after": rule.watermark, "limit": BATCH}
    ids = BitMap(row["id"] for row in sql.rows("members/ownership/list_newcomers", given))
    receivers = _receivers(pool)
    if not ids or not receivers:
        return 0
    by_store = rule.mode == OwnershipRule.Mode.STORE
    shares = choosing.shares(pool, ids, receivers, Handover.Split.STORE) if by_store else _levelled(pool, ids, receivers)
    moved = 0
    for user_id, part in shares:
        moved += len(
            services.move(
                pool_id=pool.pk,
                members=part,
                to=user_id,
                how=OwnerChange.How.RULE,
                reason=str(_("自动分配")),
                by=None,
                as_of=as_of,
            )
        )
    audit(actor=None, action="ownership.distribute", target=rule, pool_id=pool.pk, members=moved, mode=rule.mode)
    return moved


def _receivers(pool: Pool) -> list[int | None]:
    """Whoever has a profile, is on duty and has room left."""
    staff = [each for each in team.receivers(pool) if each.profile is not None]
    busy = team.owned(pool, [each.pk for each in staff])
    return [each.pk for each in staff if each.capacity is None or busy.get(each.pk, 0) < each.capacity]


def _levelled(pool: Pool, ids: BitMap, receivers: list[int | None]) -> list[tuple[int | None, BitMap]]:
    """Whoever has fewest gets first, until all have the same."""
    busy = team.owned(pool, [each for each in receivers if each])
    goal = level([busy.get(each or 0, 0) for each in receivers], len(ids))
    rooms = [Receiver(each, None, want) for each, want in zip(receivers, goal, strict=True)]
    return [(each.user_id, part) for each, part in zip(rooms, by_room(ids, rooms), strict=True)]


def level(loads: list[int], total: int) -> list[int]:
    """How many each gets so that the fullest is as empty as can be: water poured into unequal glasses."""
    order = sorted(range(len(loads)), key=lambda n: (loads[n], n))
    given, left = [0] * len(loads), total
    for depth, place in enumerate(order, 1):
        following = loads[order[depth]] if depth < len(order) else None
        height = loads[place] + given[place]
        step = left if following is None else min(left, (following - height) * depth)
        for n, each in enumerate(order[:depth]):
            given[each] += step // depth + (n < step % depth)
        left -= step
        if not left:
            break
    return given
