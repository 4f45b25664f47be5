"""Campaigns of the time before this product: brought in with whom they reached and who redeemed."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from campaigns import journeys
from campaigns.models import Campaign, JourneyVersion, Participant, Run
from members.models import Pool
from scrm.staff.audit import audit
from scrm.staff.models import User

BATCH = 5_000


@transaction.atomic
def bring_in(
    *,
    pool: Pool,
    name: str,
    note: str,
    started_at: datetime,
    ended_at: datetime,
    audience: Iterable[int],
    redeemed: Mapping[int, datetime],
    actor: User | None,
) -> Campaign:
    """A finished campaign and its audience; nothing is sent. Nobody was held out, so all are treated.

    `redeemed` says when a member first used a coupon of it. Again with the same name and start:
    the campaign that is there already.
    """
    known = Campaign.objects.filter(pool=pool, name=name, is_historic=True, launched_at=started_at).first()
    if known is not None:
        return known
    campaign = Campaign.objects.create(
        pool=pool,
        name=name,
        note=note,
        status=Campaign.Status.FINISHED,
        holdout_percent=0,
        goal_days=max(1, (ended_at - started_at).days),
        scheduled_at=started_at,
        launched_at=started_at,
        finished_at=ended_at,
        is_historic=True,
        actor=actor,
    )
    graph = journeys.one_off(goal_days=campaign.goal_days)
    version = JourneyVersion.objects.create(campaign=campaign, n=1, graph=graph.model_dump(mode="json"))
    run = Run.objects.create(
        campaign=campaign, slot=started_at, version=version, phase=Run.Phase.DONE, entered_at=started_at, finished_at=ended_at
    )
    people = [
        Participant(
            member_id=member,
            run=run,
            arm=Participant.Arm.TREATED,
            entered_at=started_at,
            node="exit",
            redeemed_at=redeemed.get(member),
        )
        for member in sorted(set(audience))
    ]
    Participant.objects.bulk_create(people, batch_size=BATCH)
    Run.objects.filter(pk=run.pk).update(entered=len(people))
    audit(actor=actor, action="campaign.bring_in", target=campaign, pool_id=pool.pk, members=len(people))
    return campaign
