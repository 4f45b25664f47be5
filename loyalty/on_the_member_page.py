"""Points on the member's page: a tab, and postings in the timeline."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from loyalty import queries
from loyalty.views import panel_context
from members import panels
from members.models import Member
from members.timeline import Moment, source

panels.register(
    "points",
    label=_("积分"),
    template="loyalty/panel.html",
    context=panel_context,
    permission="points.view",
    icon="coin",
    order=40,
)


@source("points", _("积分"), "coin", permission="points.view")
def postings(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """The member's postings as moments."""
    found = queries.entries_of(member)
    if before is not None:
        found = found.filter(at__lte=before)
    return [Moment(entry.at, entry.get_kind_display(), f"{entry.amount:+,}", tone="amber") for entry in found[:limit]]
