"""From draft to launch and through its life: each a compare-and-set on the campaign's status."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from campaigns import journeys
from campaigns.checks import blocking, gaps
from campaigns.content import problems_of
from campaigns.models import Campaign, JourneyVersion, Run
from campaigns.services import Closed
from campaigns.sources import steps_of_campaign
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from touchpoints import services as touchpoints

Status, Phase = Campaign.Status, Run.Phase


def _move(campaign: Campaign, *, to: str, out_of: tuple[str, ...], **changes: datetime | None) -> bool:
    """Set the status if it still is one of `out_of`: of two clicks one moves it."""
    moved = Campaign.objects.filter(pk=campaign.pk, status__in=out_of).update(status=to, **changes)
    campaign.refresh_from_db()
    return bool(moved)


@transaction.atomic
def launch(*, campaign: Campaign, actor: User | None, as_of: datetime) -> bool:
    """Freeze the journey and give the run its slot; False when somebody else has just done so."""
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    campaign.refresh_from_db()
    if campaign.status in (Status.SCHEDULED, Status.RUNNING, Status.FINISHED) and campaign.launched_at:
        return False
    if not campaign.is_draft:
        raise Closed("campaign_closed", _("活动现在是“%(status)s”，不能发布") % {"status": campaign.get_status_display()})
    if missing := blocking(gaps(campaign, as_of, problems_of)):
        raise Problem(
            "campaign_incomplete",
            _("还不能发布：%(first)s") % {"first": missing[0].message},
            {gap.code: gap.message for gap in missing},
        )
    if not _move(campaign, to=Status.SCHEDULED, out_of=(Status.DRAFT,), launched_at=as_of):
        return False
    version = _freeze_journey(campaign)
    slot = max(campaign.scheduled_at or as_of, as_of)
    run, _new = Run.objects.update_or_create(
        campaign=campaign, slot=slot, defaults={"version": version, "phase": Phase.WAITING, "note": ""}
    )
    audit(actor=actor, action="campaign.launch", target=campaign, pool_id=campaign.pool_id, slot=slot.isoformat(), run=run.pk)
    return True


def _freeze_journey(campaign: Campaign) -> JourneyVersion:
    graph = journeys.one_off(campaign.goal_days)
    latest = campaign.versions.aggregate(n=Max("n"))["n"] or 0
    return JourneyVersion.objects.create(campaign=campaign, n=latest + 1, graph=graph.model_dump())


@transaction.atomic
def reopen(*, campaign: Campaign, actor: User | None) -> None:
    """Back to a draft, while nobody has entered: to change it, or to give it another time."""
    open_runs = list(Run.objects.select_for_update().filter(campaign=campaign).order_by("pk"))
    if any(run.entered_at for run in open_runs):
        raise Closed("campaign_entered", _("已有会员进入活动，不能退回草稿；可以取消后复制"))
    if not _move(
        campaign, to=Status.DRAFT, out_of=(Status.SCHEDULED, Status.MISSED, Status.PAUSED), launched_at=None, scheduled_at=None
    ):
        raise Closed("campaign_closed", _("活动现在是“%(status)s”，不能退回草稿") % {"status": campaign.get_status_display()})
    Run.objects.filter(campaign=campaign, phase__in=Run.OPEN).update(phase=Phase.CANCELLED, note=_("退回草稿"))
    audit(actor=actor, action="campaign.reopen", target=campaign, pool_id=campaign.pool_id)


@transaction.atomic
def pause(*, campaign: Campaign, actor: User | None) -> None:
    """Hold back what has not left yet; takes effect before the next message."""
    # A wave on its way may be opening a step that we would not see yet: it holds the run until it is through.
    list(Run.objects.select_for_update().filter(campaign=campaign, phase__in=Run.OPEN).order_by("pk"))
    if not _move(campaign, to=Status.PAUSED, out_of=(Status.SCHEDULED, Status.RUNNING)):
        raise Closed("not_running", _("活动现在是“%(status)s”，不能暂停") % {"status": campaign.get_status_display()})
    for step in steps_of_campaign(campaign):
        touchpoints.pause_step(step=step, actor=actor)
    audit(actor=actor, action="campaign.pause", target=campaign, pool_id=campaign.pool_id)


@transaction.atomic
def resume(*, campaign: Campaign, actor: User | None, as_of: datetime) -> None:
    """Go on where it was held; a start that passed meanwhile happens now."""
    waiting = campaign.runs.select_for_update().filter(phase=Phase.WAITING).first()
    if not _move(campaign, to=Status.SCHEDULED if waiting else Status.RUNNING, out_of=(Status.PAUSED,)):
        raise Closed("not_paused", _("活动现在是“%(status)s”，没有暂停") % {"status": campaign.get_status_display()})
    if waiting and waiting.slot < as_of:
        waiting.slot = as_of
        waiting.save(update_fields=["slot"])
    for step in steps_of_campaign(campaign):
        touchpoints.resume_step(step=step, actor=actor)
    audit(actor=actor, action="campaign.resume", target=campaign, pool_id=campaign.pool_id)


@transaction.atomic
def cancel(*, campaign: Campaign, actor: User | None, as_of: datetime) -> None:
    """Stop for good: what has not left never will; what has left is still measured."""
    runs = list(Run.objects.select_for_update().filter(campaign=campaign, phase__in=Run.OPEN))
    if not _move(campaign, to=Status.CANCELLED, out_of=(Status.SCHEDULED, Status.RUNNING, Status.PAUSED), finished_at=as_of):
        raise Closed("not_running", _("活动现在是“%(status)s”，不能取消") % {"status": campaign.get_status_display()})
    for step in steps_of_campaign(campaign):
        touchpoints.cancel_step(step=step, actor=actor)
    for run in runs:
        sql.execute("campaigns/stop_participants", {"run": run.pk})
        run.phase, run.finished_at, run.note = Phase.CANCELLED, as_of, _("人工取消")
        run.save(update_fields=["phase", "finished_at", "note"])
    audit(actor=actor, action="campaign.cancel", target=campaign, pool_id=campaign.pool_id)
