"""What ownership shows elsewhere: a tab and moments on a member's page, filters of the list."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import panels
from members.filters import Choice, Facet, offer, register
from members.models import Member, Pool, Store
from members.ownership import queries
from members.stores.queries import open_stores
from members.timeline import Moment, source

NONE = "none"


def panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    """The tab: who looks after the member now, since when, and who did before."""
    member = Member.objects.select_related("owner", "store").get(pk=member.pk)
    receivers = queries.may_receive(request.pool)  # type: ignore[attr-defined]
    return {
        "member": member,
        "receivers": receivers,
        "stores": open_stores(request.pool),  # type: ignore[attr-defined]
        "history": list(queries.history(member)[:50]),
        "gone": bool(member.owner_id and member.owner_id not in {each.pk for each, _n in receivers}),
        "groups": list(member.communities.select_related("community").order_by("-joined_at")),
    }


panels.register(
    "ownership", label=gettext_lazy("归属"), template="ownership/panel.html", context=panel, icon="user-heart", order=60
)


@source("owners", gettext_lazy("归属变更"), "transfer")
def moments(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Each change of hands."""
    rows = queries.history(member)
    if before is not None:
        rows = rows.filter(at__lte=before)
    return [
        Moment(
            row.at,
            _("归属：%(old)s → %(new)s") % {"old": row.from_user or _("无归属"), "new": row.to_user or _("无归属")},
            " · ".join(str(part) for part in (row.get_how_display(), row.reason, row.by or "") if part),
            tone="blue",
            href=reverse("ownership:handover", args=[row.handover_id]) if row.handover_id else "",
        )
        for row in rows[:limit]
    ]


def _moved(pool: Pool, text: str) -> BitMap:
    return queries.moved_by(pool, text)


register("handover", gettext_lazy("会员移交"), _moved, lambda _pool, text: f"#{text}", group="people")


def _stores(pool: Pool) -> list[tuple[Any, Any]]:
    known = Store.objects.filter(pool=pool, is_registered=True).order_by("name").values_list("pk", "name")
    return [*known, (NONE, _("没有归属门店"))]


def _at_store(values: list[str], *_pool: Pool) -> Q:
    found = Q(store_id__in=[int(value) for value in values if value != NONE])
    return found | Q(store_id=None) if NONE in values else found


@offer
def stores(pool: Pool) -> list[Facet]:
    """Home stores, where the pool has any."""
    if not Store.objects.filter(pool=pool, is_registered=True).exists():
        return []
    return [Choice("store", gettext_lazy("归属门店"), _stores, _at_store, sift=True, group="people")]
