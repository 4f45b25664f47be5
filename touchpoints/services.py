"""Writes of reach. Campaigns call open_step, plan_deliveries and pause/resume/cancel; the rest serves pages and API."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from members.models import Member, Pool
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from touchpoints import bell, planning, policy
from touchpoints.accounts import disable_connector, save_connector, send_test, test_connector
from touchpoints.library import save_content
from touchpoints.models import Block, Connector, Step
from touchpoints.planning import Candidates, PlanReport

__all__ = [
    "Candidates",
    "PlanReport",
    "block_member",
    "cancel_step",
    "disable_connector",
    "lift_block",
    "open_step",
    "pause_step",
    "plan_deliveries",
    "resume_step",
    "save_connector",
    "save_content",
    "save_policy",
    "send_test",
    "test_connector",
]


@transaction.atomic
def open_step(
    *,
    pool: Pool,
    source: str,
    connector: Connector,
    purpose: str = "marketing",
    due_at: datetime,
    closes_at: datetime | None = None,
    variables: dict[str, str] | None = None,
) -> Step:
    """The step of this source; a second call gives the same one."""
    if connector.pool_id != pool.pk:
        raise Problem("connector", _("连接器不属于这个会员池"))
    step, is_new = Step.objects.get_or_create(
        source=source,
        defaults={
            "pool": pool,
            "connector": connector,
            "purpose": purpose,
            "due_at": due_at,
            "closes_at": closes_at,
            "variables": variables or {},
        },
    )
    if step.pool_id != pool.pk:
        raise Problem("source", _("同名的触达步骤属于另一个会员池"))
    if is_new:
        audit(actor=None, action="step.open", target=step, pool_id=pool.pk, source=source)
    return step


@transaction.atomic
def plan_deliveries(*, step: Step, candidates: Candidates, as_of: datetime, dry_run: bool = False) -> PlanReport:
    """Decide on every candidate by the contact policy and write planned and suppressed rows.

    Idempotent. A dry run writes nothing, gives the same figures, and takes a step that is not saved.
    """
    report = planning.plan(step=step, candidates=candidates, as_of=as_of, dry_run=dry_run)
    if not dry_run and report.written:
        audit(
            actor=None,
            action="step.plan",
            target=step,
            pool_id=step.pool_id,
            planned=report.planned,
            suppressed=report.suppressed,
        )
        bump(step.pool_id, "deliveries")
        bell.ring(step.pk)
    return report


@transaction.atomic
def pause_step(*, step: Step, actor: User | None = None) -> None:
    """Nothing more leaves; what is being sent right now finishes its micro-batch."""
    _steer(step, actor, "step.pause", is_paused=True)


@transaction.atomic
def resume_step(*, step: Step, actor: User | None = None) -> None:
    """Go on where it stopped."""
    _steer(step, actor, "step.resume", is_paused=False)
    bell.ring(step.pk)


@transaction.atomic
def cancel_step(*, step: Step, actor: User | None = None) -> int:
    """Never send the rest; how many deliveries were cancelled."""
    _steer(step, actor, "step.cancel", is_cancelled=True)
    return sql.execute("touchpoints/cancel_planned", {"step": step.pk, "reason": "cancelled"})


def _steer(step: Step, actor: User | None, action: str, **change: bool) -> None:
    Step.objects.filter(pk=step.pk).update(**change)
    for name, value in change.items():
        setattr(step, name, value)
    audit(actor=actor, action=action, target=step, pool_id=step.pool_id)


@transaction.atomic
def block_member(*, member: Member, carrier: str, at: datetime, actor: User | None, reason: str = "staff") -> Block:
    """From now on a person is not written to through a carrier, whichever address they have."""
    told = {"value_hash": None, "reason": reason, "source": f"user:{actor.pk}" if actor else "", "at": at}
    block, _is_new = Block.objects.update_or_create(member=member, carrier=carrier, defaults=told)
    audit(actor=actor, action="block.add", target=member, pool_id=member.pool_id, carrier=carrier, reason=reason)
    return block


@transaction.atomic
def lift_block(*, block: Block, actor: User | None) -> None:
    """A person may be written to again."""
    Block.objects.filter(member_id=block.member_id, carrier=block.carrier).delete()
    audit(
        actor=actor,
        action="block.lift",
        target=block.member,
        pool_id=block.member.pool_id,
        carrier=block.carrier,
        reason=block.reason,
    )


@transaction.atomic
def save_policy(*, pool: Pool, values: dict[str, Any], actor: User | None) -> policy.Policy:
    """Replace the contact policy of a pool; what is wrong is refused with a sentence."""
    rules = policy.Policy(**values)
    locked = Pool.objects.select_for_update().get(pk=pool.pk)
    before = locked.settings.get("policy", {})
    locked.settings["policy"] = policy.as_data(rules)
    locked.save(update_fields=["settings"])
    pool.settings = locked.settings
    audit(actor=actor, action="policy.save", target=pool, pool_id=pool.pk, before=before, after=policy.as_data(rules))
    return rules
