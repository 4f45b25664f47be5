"""From candidates to deliveries: who is written to, who is not and why."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from scrm.lib import sql
from touchpoints import policy
from touchpoints.connectors.registry import CONNECTORS
from touchpoints.models import Step


@dataclass(frozen=True)
class Candidates:
    """Whom to consider and with which content: a generated SELECT of (member_id, content_id), or a list."""

    query: pg.Composable
    params: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, member_ids: Sequence[int], content_id: int | None) -> "Candidates":
        """The same content for a list of members."""
        query = pg.SQL("SELECT unnest(%(candidate_ids)s::bigint[]) AS member_id, %(candidate_content)s::bigint AS content_id")
        return cls(query, {"candidate_ids": list(member_ids), "candidate_content": content_id})


@dataclass(frozen=True)
class PlanReport:
    """What planning did, or would do."""

    planned: int  # candidates that may be written to
    suppressed: dict[str, int]  # reason -> candidates
    slot: datetime  # when the first message leaves
    is_delayed: bool  # the due time lies in quiet hours
    written: int = 0  # rows this call added

    @property
    def total(self) -> int:
        return self.planned + sum(self.suppressed.values())


def plan(*, step: Step, candidates: Candidates, as_of: datetime, dry_run: bool = False) -> PlanReport:
    """Decide on every candidate and write its delivery row. Repeats add nothing; a dry run writes nothing.

    For a dry run the step need not be saved.
    """
    params = _params(step, candidates, as_of)
    with transaction.atomic():
        if dry_run:
            rows = sql.rows("touchpoints/count_candidates", params, decided=_decided(candidates))
        else:
            sql.fetch("SELECT pg_advisory_xact_lock(hashtextextended('touchpoints.plan', %(pool)s))", {"pool": step.pool_id})
            with sql.planner(enable_hashagg="off"):
                rows = sql.rows("touchpoints/plan_deliveries", params, decided=_decided(candidates))
    counts = {row["reason"]: row["n"] for row in rows}
    planned = counts.pop("", 0)
    ordered = {reason: counts[reason] for reason in policy.REASONS if reason in counts}
    return PlanReport(
        planned, ordered, params["slot"], params["slot"] > max(as_of, step.due_at), rows[0]["written"] if rows else 0
    )


def listed(
    *, step: Step, candidates: Candidates, as_of: datetime, reason: str | None = None, after: int = 0, limit: int = 50
) -> list[dict[str, Any]]:
    """One page of a dry run: member_id, name, content_id and reason ("" when written to)."""
    params = _params(step, candidates, as_of) | {"after": after, "reason": reason, "limit": limit}
    return sql.rows("touchpoints/list_candidates", params, decided=_decided(candidates))


def _decided(candidates: Candidates) -> pg.Composed:
    return pg.SQL(sql.text("touchpoints/decide_candidates")).format(candidates=candidates.query)


def _params(step: Step, candidates: Candidates, as_of: datetime) -> dict[str, Any]:
    rules, zone = policy.of(step.pool), step.pool.zone
    caps = CONNECTORS[step.connector.key].caps
    slot = rules.next_slot(max(as_of, step.due_at), zone, step.purpose)
    marketing = step.purpose == "marketing"
    return {
        **candidates.params,
        "pool": step.pool_id,
        "step": step.pk or 0,
        "carrier": step.connector.carrier,
        "address": caps.address,
        "consent_purpose": step.purpose,
        "needs_consent": marketing and rules.consent == "required",
        "capped": marketing,
        "slot": slot,
        "closes_at": step.closes_at or "infinity",
        "day": policy.day_of(slot, zone),
        "cap_day": rules.cap_day,
        "cap_week": rules.cap_week,
        "stage_caps": json.dumps(rules.stage_caps),
    }
