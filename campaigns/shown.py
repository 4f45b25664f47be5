"""What other apps' pages show of campaigns: a tab and moments of a member, who uses a segment, names of senders."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import queries
from campaigns.models import Campaign, Participant
from campaigns.sources import run_of
from members import panels
from members.models import Member, Pool
from members.pools import blockers
from members.timeline import Moment, source
from scrm.lib.ui import maybe_url
from segmentation import choices
from segmentation.models import Segment
from segmentation.segments import usage
from touchpoints.models import Delivery

GOING_ON = (Campaign.Status.SCHEDULED, Campaign.Status.RUNNING, Campaign.Status.PAUSED)


@usage.register
def campaigns_that_need(segment: Segment) -> Iterable[usage.Use]:
    """A segment of a campaign that is not over must not be archived."""
    for campaign in queries.open_campaigns_of_segment(segment):
        yield usage.Use(gettext_lazy("活动"), campaign.name, maybe_url("campaigns:detail", pk=campaign.pk))


@blockers.register
def open_campaigns(pool: Pool) -> Iterable[str]:
    """A pool whose campaigns are planned or under way is not archived."""
    for campaign in Campaign.objects.filter(pool=pool, status__in=GOING_ON).order_by("pk")[:5]:
        yield _("活动「%(name)s」%(status)s") % {"name": campaign.name, "status": campaign.get_status_display()}


@choices.register_senders
def sender_names(pool: Pool, sources: Iterable[str]) -> dict[str, str]:
    """ "campaign:42" is called by the campaign's name."""
    wanted = {
        int(text.split(":")[1]): text for text in sources if text.startswith("campaign:") and text.split(":")[1].isdecimal()
    }
    found = Campaign.objects.filter(pool=pool, pk__in=wanted).values_list("pk", "name")
    return {wanted[pk]: name for pk, name in found}


@source("campaigns", gettext_lazy("活动"), "target", "campaigns.view")
def participations(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Campaigns a member entered, and on which side."""
    return [_moment(row) for row in queries.participations(member, before=before, limit=limit)]


def _moment(row: Participant) -> Moment:
    held = row.arm == Participant.Arm.HOLDOUT
    where = _("对照组：不触达，用来对比") if held else _("触达组")
    return Moment(
        at=row.entered_at,
        title=_("进入活动“%(name)s”") % {"name": row.run.campaign.name},
        text=f"{where} · {row.layer.name}" if row.layer else where,
        tone="slate" if held else "violet",
        href=maybe_url("campaigns:detail", pk=row.run.campaign_id),
    )


def _panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    rows = queries.participations(member)
    sent = {
        run_of(found.step.source): found
        for found in Delivery.objects.filter(member=member).select_related("step", "content")
        if found.step.source
    }
    return {"participations": [{"row": row, "delivery": sent.get(row.run_id)} for row in rows]}


panels.register(
    "campaigns",
    label=gettext_lazy("活动"),
    template="campaigns/panel.html",
    context=_panel,
    permission="campaigns.view",
    icon="target",
    order=45,
)
