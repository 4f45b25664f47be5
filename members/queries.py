"""Every read of members used by pages, API and other apps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from members.models import Identity, Member, MemberState, MemberTag, Merge, Order, OrderLine, Pool
from scrm.lib import formats, sql

KIND_ORDER = {kind: place for place, kind in enumerate(Identity.Kind.values)}


def live(pool: Pool) -> QuerySet[Member]:
    """The members of a pool that were not merged into others."""
    return Member.objects.filter(pool=pool, merged_into=None)


def member_of(pool: Pool, member_id: int) -> Member:
    """One member of the pool, merged ones included, or 404."""
    found = get_object_or_404(Member.objects.select_related("state", "channel", "owner"), pool=pool, pk=member_id)
    found.pool = pool  # it is at hand: no need to read it again for its time zone
    return found


def identities_of(member: Member) -> list[Identity]:
    """The member's identities, phone first."""
    found = Identity.objects.filter(member=member).select_related("channel")
    return sorted(found, key=lambda row: (KIND_ORDER[row.kind], row.seen_at))


def contacts(members: Sequence[Member]) -> dict[int, str]:
    """For a page of the list: the masked identity that says best who each one is."""
    found = Identity.objects.filter(member__in=[row.pk for row in members]).values_list("member_id", "kind", "hint")
    return {pk: hint for pk, _kind, hint in sorted(found, key=lambda row: KIND_ORDER[row[1]], reverse=True)}


def tag_names(members: Sequence[Member]) -> dict[int, list[str]]:
    """For a page of the list: what the tags of each are called, the newest first."""
    found: dict[int, list[str]] = {}
    rows = MemberTag.objects.filter(member__in=[each.pk for each in members]).order_by("-at", "tag_id")
    for pk, name in rows.values_list("member_id", "tag__name"):
        found.setdefault(pk, []).append(name)
    return found


def tags_of(members: Sequence[Member]) -> dict[int, list[MemberTag]]:
    """For a page of the list: the tags of each."""
    found: dict[int, list[MemberTag]] = {}
    carried = MemberTag.objects.filter(member__in=[each.pk for each in members]).select_related("tag__group", "by")
    for row in carried.order_by("-at"):
        found.setdefault(row.member_id, []).append(row)
    return found


@dataclass(frozen=True)
class Score:
    """One of R, F, M: its score and what it was computed from."""

    letter: str
    label: Any
    score: int
    meaning: Any


def scores(state: MemberState | None, as_of: datetime) -> list[Score]:
    """The three scores in words; none for somebody without orders."""
    if state is None or state.r is None or state.last_order_at is None:
        return []
    days = (as_of - state.last_order_at).days
    return [
        Score("R", _("最近一次购买"), state.r, _("%(n)s 天前") % {"n": days}),
        Score("F", _("购买频次"), state.f or 0, _("窗口内 %(n)s 单") % {"n": state.window_count}),
        Score("M", _("消费金额"), state.m or 0, _("窗口内 %(amount)s") % {"amount": formats.money(state.window_amount, 0)}),
    ]


def spend_by_month(member: Member, as_of: datetime, months: int = 12) -> list[dict[str, Any]]:
    """Net amount and orders of the last months, months without orders included."""
    return sql.rows(
        "members/sum_monthly_spend", {"member_id": member.pk, "zone": member.pool.time_zone, "as_of": as_of, "months": months}
    )


def preferences(member: Member) -> list[tuple[str, float, str]]:
    """The member's categories by amount: name, share, share as text."""
    rows = sql.rows("members/list_preferred_categories", {"member_id": member.pk})
    return [(row["category"], row["share"], f"{row['share']:.0%}") for row in rows]


def orders_of(member: Member) -> QuerySet[Order]:
    """The member's orders, newest first."""
    return Order.objects.filter(member=member).select_related("channel").order_by("-placed_at", "-id")


def older(orders: QuerySet[Order], last: Order | None) -> QuerySet[Order]:
    """The orders after one, in the order of `orders_of`."""
    if last is None:
        return orders
    return orders.filter(Q(placed_at__lt=last.placed_at) | Q(placed_at=last.placed_at, id__lt=last.id))


def order_of(member: Member, order_id: int) -> Order:
    """One order of the member, or 404."""
    return get_object_or_404(Order.objects.select_related("channel"), member=member, id=order_id)


def lines_of(order: Order) -> list[OrderLine]:
    """The lines of an order with their products."""
    return list(OrderLine.objects.filter(member_id=order.member_id, order_id=order.id).select_related("product").order_by("n"))


def merges(pool: Pool) -> QuerySet[Merge]:
    """The pool's merges, newest first."""
    return Merge.objects.filter(pool=pool).select_related("actor").order_by("-at", "-pk")


def merges_before(merges: QuerySet[Merge], last: Merge) -> QuerySet[Merge]:
    """The merges after one, in the order of `merges`."""
    return merges.filter(Q(at__lt=last.at) | Q(at=last.at, pk__lt=last.pk))


def names(ids: list[int]) -> dict[int, str]:
    """Members' names by id."""
    return {row.pk: str(row) for row in Member.objects.filter(pk__in=ids).only("name")}
