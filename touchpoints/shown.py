"""What reach shows on a member's page: the messages among everything that happened, and a tab of their own."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import panels
from members.models import Member
from members.timeline import Moment, source
from scrm.lib import clock
from scrm.staff.permissions import may
from touchpoints import queries, reachable
from touchpoints.forms import TRIES, TryForm
from touchpoints.models import Delivery

TONES = {40: "blue", 50: "blue", 60: "green", 70: "green", 80: "amber", 90: "red", 95: "slate"}


@source("deliveries", gettext_lazy("触达"), "send")
def deliveries(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Messages that left, and those that were kept back and why."""
    return [_moment(row) for row in queries.of_member(member, before=before, limit=limit)]


def _moment(row: Delivery) -> Moment:
    words = queries.reason_words(row.reason) if row.reason else ""
    name = row.content.name if row.content else row.step.source
    return Moment(
        at=queries.moment_of(row),
        title=_("%(status)s：%(content)s") % {"status": row.get_status_display(), "content": name},
        text=words or row.step.connector.name,
        tone=TONES.get(row.status, "slate"),
    )


def _panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    rows = queries.of_member(member, before=None, limit=100)
    blocks = queries.blocks_of(member)
    for block in blocks:
        block.reason_words = queries.reason_words(block.reason)  # type: ignore[attr-defined]
    told = [(row, TONES.get(row.status, "slate"), queries.reason_words(row.reason) if row.reason else "") for row in rows]
    role = request.role  # type: ignore[attr-defined]
    context = {"deliveries": told, "blocks": blocks, "may_lift": may(role, "members.edit"), **_ways(member)}
    if may(role, TRIES):
        context["trying"] = TryForm(member.pool, initial={"address": request.user.email})  # type: ignore[union-attr]
    return context


def _ways(member: Member) -> dict[str, Any]:
    found = reachable.ways(member, clock.now())
    return {"ways": [(way, queries.reason_words(way.reason) if way.reason else "") for way in found]}


panels.register(
    "reach",
    label=gettext_lazy("触达记录"),
    template="reach/panel.html",
    context=_panel,
    permission="members.view",
    icon="send",
    order=40,
)
