"""Every read of points."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from loyalty.models import Account, EarningRule, Entry
from members.models import Member, Merge
from scrm.lib import sql


def account_of(member: Member) -> Account:
    """The member's account; an unsaved empty one when nothing was ever booked."""
    return Account.objects.filter(member=member).first() or Account(member=member, pool_id=member.pool_id, balance=0, debt=0)


def balances(pool_id: int, members: Sequence[int]) -> dict[int, int]:
    """The balances of these members; who has no account is not in it."""
    found = Account.objects.filter(pool_id=pool_id, member_id__in=members)
    return dict(found.values_list("member_id", "balance"))


def entries_of(member: Member, before: datetime | None = None) -> QuerySet[Entry]:
    """The member's postings, newest first, with those of members merged into this one."""
    losers = Merge.objects.filter(winner_id=member.pk).values("loser_id")
    found = Entry.objects.filter(Q(member=member) | Q(member_id__in=losers)).select_related("actor")
    if before is not None:
        found = found.filter(at__lt=before)
    return found.order_by("-at", "-seq")


def rules_of(pool_id: int) -> QuerySet[EarningRule]:
    """All versions of the pool's earning rule, newest first."""
    return EarningRule.objects.filter(pool_id=pool_id).select_related("actor").order_by("-n")


def preview(pool_id: int, *, points: int, step: int, least: int, since: datetime, until: datetime) -> dict[str, Any]:
    """What a rule would have given over a window: orders, members, points."""
    found = sql.row(
        "loyalty/preview_rule",
        {"pool_id": pool_id, "points": points, "step": step, "least": least, "since": since, "until": until},
    )
    assert found is not None
    return found


def totals(pool_id: int, since: datetime, until: datetime) -> dict[str, Any]:
    """Outstanding and owed points, their holders, and what was booked over a window."""
    found = sql.row("loyalty/sum_points", {"pool_id": pool_id, "since": since, "until": until})
    assert found is not None
    return found
