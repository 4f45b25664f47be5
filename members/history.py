"""What members themselves contribute to their timeline."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import behaviour, changes
from members.models import ConsentEntry, Event, Member, Merge, Order, StateChange
from members.timeline import Moment, newest, source
from scrm.lib.formats import money

STATUS_TONES = {
    Order.Status.PAID: "green",
    Order.Status.REFUNDED: "red",
    Order.Status.CANCELLED: "slate",
    Order.Status.PENDING: "amber",
}


@source("orders", gettext_lazy("订单"), "shopping-bag")
def orders(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Orders, each with its lines to open."""
    found = newest(Order.objects.filter(member=member).select_related("channel"), "placed_at", before, limit, "id")
    return [
        Moment(
            row.placed_at,
            f"{row.get_status_display()} {money(row.amount)}",
            f"{row.channel} · {row.number}",
            tone=STATUS_TONES[row.status],
            more=reverse("members:order", args=[member.pk, row.id]),
        )
        for row in found
    ]


@source("events", gettext_lazy("行为"), "click")
def events(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """What the member did on our pages."""
    found = newest(Event.objects.filter(member=member).select_related("channel"), "occurred_at", before, limit, "id")
    return [
        Moment(
            row.occurred_at,
            behaviour.name_of(row.kind),
            " · ".join(filter(None, [str(row.channel or ""), behaviour.about(row.properties)])),
            behaviour.icon_of(row.kind),
            "violet",
        )
        for row in found
    ]


@source("state", gettext_lazy("状态变化"), "arrows-exchange")
def states(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Changes of stage, RFM group and of standings in schemes."""
    found = newest(StateChange.objects.filter(member=member), "at", before, limit, "kind")
    names = changes.named(member.pool_id, {row.kind for row in found})
    return [_change(row, names[row.kind]) for row in found]


def _change(row: StateChange, name: changes.Named) -> Moment:
    return Moment(row.at, str(name.label), f"{name.said(row.from_code)} → {name.said(row.to_code)}", tone="blue", href=name.url)


@source("consents", gettext_lazy("授权"), "shield-check")
def consents(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Grants and withdrawals."""
    found = newest(ConsentEntry.objects.filter(member=member), "at", before, limit, "carrier", "purpose")
    return [
        Moment(
            row.at,
            _("同意") if row.granted else _("撤回同意"),
            f"{row.get_carrier_display()} · {row.get_purpose_display()} · {row.source}",
            tone="green" if row.granted else "red",
        )
        for row in found
    ]


@source("merges", gettext_lazy("身份合并"), "arrow-merge")
def merges(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Members who turned out to be this one."""
    found = newest(Merge.objects.filter(winner_id=member.pk).select_related("actor"), "at", before, limit, "pk")
    return [
        Moment(
            row.at,
            (_("合并了会员 %(id)s（已撤销）") if row.undone_at else _("合并了会员 %(id)s")) % {"id": row.loser_id},
            str(row.actor or _("系统")),
            tone="slate" if row.undone_at else "violet",
            href=reverse("members:merge_detail", args=[row.pk]),
        )
        for row in found
    ]
