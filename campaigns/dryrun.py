"""A dry run: who would get what, who would not and why, without a row being written."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from campaigns import journeys, statistics
from campaigns.assignment import TREATED
from campaigns.audience import Audience, freeze, starting_rate
from campaigns.content import Sample, sample
from campaigns.models import Campaign, Layer
from members.sets import array
from scrm.lib import sql
from touchpoints import planning, policy
from touchpoints.models import Step
from touchpoints.planning import Candidates, PlanReport

SAMPLES = 3
PAGE = 50


@dataclass(frozen=True)
class Suppressed:
    """How many members one reason keeps from being written to."""

    reason: str
    label: str | Promise
    members: int


@dataclass(frozen=True)
class DryRun:
    """What would happen if the campaign were launched now."""

    campaign: Campaign
    as_of: datetime
    audience: Audience
    report: PlanReport | None
    rate: float | None
    samples: tuple[Sample, ...]

    @property
    def suppressed(self) -> list[Suppressed]:
        found = self.report.suppressed if self.report else {}
        return [Suppressed(reason, policy.REASONS.get(reason, reason), count) for reason, count in found.items()]

    @property
    def suppressed_total(self) -> int:
        return sum(self.report.suppressed.values()) if self.report else 0

    @property
    def cost(self) -> int:
        return self.campaign.unit_cost * (self.report.planned if self.report else 0)

    @property
    def detectable(self) -> float | None:
        """The smallest true difference of conversion that would be found in four of five such campaigns."""
        if self.rate is None or not self.audience.holdout or not self.audience.treated:
            return None
        return statistics.detectable(self.rate, self.audience.treated, self.audience.holdout)

    @property
    def expected_conversions(self) -> int | None:
        """Conversions to expect in the control group if the campaign changes nothing."""
        return None if self.rate is None else round(self.rate * self.audience.holdout)

    @property
    def is_thin(self) -> bool:
        """Whether the control group is unlikely to reach the conversions that a conclusion needs."""
        return self.expected_conversions is not None and self.expected_conversions < statistics.ENOUGH


def _step(campaign: Campaign, as_of: datetime) -> Step | None:
    if campaign.connector is None:
        return None
    due = max(campaign.scheduled_at or as_of, as_of)
    close = next(node.close_hours for node in journeys.one_off(campaign.goal_days).path if node.kind == "send")
    closes = due + journeys.hours(close)
    return Step(
        pool=campaign.pool,
        source="",
        connector=campaign.connector,
        due_at=due,
        closes_at=closes,
        variables={"campaign.name": campaign.name},
    )


def _candidates(audience: Audience, layers: list[Layer]) -> Candidates:
    made = audience.made
    contents = {layer.pk: layer.content_id or 0 for layer in layers}
    treated = made.arms == TREATED
    keys, where = np.unique(made.layers[treated], return_inverse=True)
    chosen = np.array([contents[int(key)] for key in keys], dtype=np.int64)[where] if len(keys) else np.empty(0, np.int64)
    params = {"dry_members": array(made.members[treated].tolist()), "dry_contents": array(chosen.tolist())}
    return Candidates(pg.SQL(sql.text("campaigns/select_dry_candidates")), params)


def dry_run(campaign: Campaign, as_of: datetime) -> DryRun:
    """Everything a marketer wants to know before launching."""
    layers = list(campaign.layers.select_related("content"))
    audience, step = freeze(campaign, layers, as_of), _step(campaign, as_of)
    report = planning.plan(step=step, candidates=_candidates(audience, layers), as_of=as_of, dry_run=True) if step else None
    return DryRun(
        campaign,
        as_of,
        audience,
        report,
        starting_rate(campaign, audience.segment, as_of),
        _samples(campaign, audience, layers, as_of),
    )


def _samples(campaign: Campaign, audience: Audience, layers: list[Layer], as_of: datetime) -> tuple[Sample, ...]:
    """Rendered messages: members of every layer in turn until there are three."""
    chosen: list[tuple[Layer, int]] = []
    for turn in range(SAMPLES):
        for layer in layers:
            members = audience.made.where(TREATED, layer.pk)
            if layer.content and turn < len(members) and len(chosen) < SAMPLES:
                chosen.append((layer, int(members[turn])))
    return tuple(made for layer, member in chosen if (made := sample(campaign, layer, member, as_of)))


def listed(campaign: Campaign, as_of: datetime, *, reason: str, after: int = 0) -> tuple[list[dict[str, Any]], int | None]:
    """One page of the members with a reason ("" = written to), and where the next page begins."""
    step = _step(campaign, as_of)
    if step is None:
        return [], None
    layers = list(campaign.layers.select_related("content"))
    candidates = _candidates(freeze(campaign, layers, as_of), layers)
    rows = planning.listed(step=step, candidates=candidates, as_of=as_of, reason=reason, after=after, limit=PAGE + 1)
    names = {layer.content_id: layer.name for layer in layers}
    page = [
        {**row, "layer": names.get(row["content_id"], ""), "label": policy.REASONS.get(row["reason"], _("可发送"))}
        for row in rows[:PAGE]
    ]
    return page, page[-1]["member_id"] if len(rows) > PAGE else None


def as_json(found: DryRun) -> dict[str, Any]:
    """The dry run as the API gives it."""
    return {
        "as_of": found.as_of.isoformat(),
        "segment": len(found.audience.segment),
        "left_out": found.audience.left_out,
        "treated": found.audience.treated,
        "holdout": found.audience.holdout,
        "layers": [
            {"layer": part.layer.pk, "name": part.layer.name, "treated": part.treated, "holdout": part.holdout}
            for part in found.audience.parts
        ],
        "sendable": found.report.planned if found.report else None,
        "suppressed": [{"reason": each.reason, "message": str(each.label), "members": each.members} for each in found.suppressed],
        "first_message_at": found.report.slot.isoformat() if found.report else None,
        "cost": found.cost,
        "starting_rate": found.rate,
        "detectable_difference": found.detectable,
        "samples": [{"layer": s.layer, "member": s.member_id, "subject": s.subject, "text": s.text} for s in found.samples],
    }
