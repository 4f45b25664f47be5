"""What groups show elsewhere: a filter of the member list, moments on a member's page."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.communities import queries
from members.filters import register
from members.models import Community, CommunityMember, Member, Pool
from members.timeline import Moment, source


def _name(pool: Pool, text: str) -> str:
    return str(Community.objects.filter(pool=pool, pk=int(text)).values_list("name", flat=True).first() or text)


def _options(pool: Pool) -> list[tuple[Any, Any]]:
    return list(Community.objects.filter(pool=pool, dissolved_at=None).order_by("name").values_list("pk", "name"))


register("community", gettext_lazy("所在社群"), queries.members_in, _name, options=_options, group="people")


@source("communities", gettext_lazy("社群"), "messages", "communities.view")
def moments(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Joining and leaving groups; what was said there is not a member's moment."""
    stays = CommunityMember.objects.filter(member=member).select_related("community")
    if before is not None:
        stays = stays.filter(Q(joined_at__lte=before) | Q(left_at__lte=before))
    found: list[Moment] = []
    for row in stays.order_by("-joined_at", "community_id")[: limit * 2]:
        href = reverse("communities:detail", args=[row.community_id])
        if row.is_join_known:
            said = _("加入社群「%(name)s」") % {"name": row.community}
            found.append(Moment(row.joined_at, said, row.how, tone="green", href=href))
        if row.left_at:
            found.append(Moment(row.left_at, _("退出社群「%(name)s」") % {"name": row.community}, tone="slate", href=href))
    shown = [moment for moment in found if before is None or moment.at <= before]
    return sorted(shown, key=lambda moment: (moment.at, str(moment.title)), reverse=True)[:limit]
