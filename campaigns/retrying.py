"""Trying failed messages of one cause again, once a person has put the cause right."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.services import Closed
from campaigns.sources import steps_of_campaign
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from touchpoints import bell
from touchpoints.models import Step

# Causes that leave no doubt that nothing was delivered; a bounce or a complaint is never tried again.
CAUSES = frozenset({"bad_recipient", "bad_content", "retries", "closed"})
# A step that has closed meanwhile is open so much longer.
LONGER = timedelta(hours=24)


@transaction.atomic
def retry(*, campaign: Campaign, reason: str, actor: User | None, as_of: datetime) -> int:
    """Put the failed messages of a cause back into the queue; how many there were."""
    if campaign.status not in (Campaign.Status.RUNNING, Campaign.Status.PAUSED):
        raise Closed("not_running", _("活动现在是“%(status)s”，不能重试") % {"status": campaign.get_status_display()})
    if reason not in CAUSES:
        raise Problem("not_retryable", _("这类失败不能重试"))
    steps = steps_of_campaign(campaign)
    which = {"steps": [step.pk for step in steps], "reason": reason}
    count = sql.execute("campaigns/retry_failed", {**which, "as_of": as_of, "zone": campaign.pool.time_zone})
    if count:
        Step.objects.filter(pk__in=[step.pk for step in steps], closes_at__lt=as_of + LONGER).update(closes_at=as_of + LONGER)
        bump(campaign.pool_id, "deliveries")
        for step in steps:
            bell.ring(step.pk)
    audit(actor=actor, action="campaign.retry", target=campaign, pool_id=campaign.pool_id, reason=reason, deliveries=count)
    return count
