"""Who looked at whom: one insert per look, and the limit on looking in the clear."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _

from members.models import AccessEntry, Pool
from scrm.lib import callers
from scrm.lib.problems import Problem
from scrm.staff.models import User

What = AccessEntry.What
PER_HOUR = 60  # revealed identities of one person, unless the pool says otherwise


@dataclass(frozen=True)
class Via:
    """Where a look came from."""

    address: str | None = None
    agent: str = ""


NOWHERE = Via()


def via(request: HttpRequest | Any) -> Via:
    """The address and program of a request."""
    return Via(callers.address(request), getattr(request, "META", {}).get("HTTP_USER_AGENT", "")[:80])


def note(
    *,
    pool_id: int,
    actor: User | Any,
    what: str,
    as_of: datetime,
    members: Sequence[int] = (),
    count: int = 0,
    detail: str = "",
    reason: str = "",
    via: Via = NOWHERE,
) -> None:
    """Write looks down: a row per member named, or one row that says how many they were."""
    shared: dict[str, Any] = {
        "pool_id": pool_id,
        "actor_id": actor.pk if actor is not None else None,
        "at": as_of,
        "what": what,
        "detail": detail[:60],
        "reason": reason[:200],
        "address": via.address,
        "agent": via.agent,
    }
    rows = [AccessEntry(member_id=number, id=_number(), count=1, **shared) for number in members]
    if not members:
        rows = [AccessEntry(member_id=0, id=_number(), count=count, **shared)]
    AccessEntry.objects.bulk_create(rows)


def _number() -> int:
    return secrets.randbits(62)


def limit_of(pool: Pool) -> int:
    """How many identities one person may reveal per hour."""
    return int(pool.settings.get("reveals_per_hour", PER_HOUR))


def spend_reveal(*, pool: Pool, actor: User, as_of: datetime) -> None:
    """Raises Problem when this person has revealed as many identities in the last hour as the pool allows."""
    limit = limit_of(pool)
    recent = AccessEntry.objects.filter(pool=pool, actor=actor, at__gt=as_of - timedelta(hours=1), what=What.REVEAL)
    if (recent.aggregate(n=Sum("count"))["n"] or 0) >= limit:
        raise Problem(
            "reveal.too_many",
            _("一小时内最多查看 %(n)s 个完整号码；请稍后再试，或走「导出」审批") % {"n": limit},
        )
