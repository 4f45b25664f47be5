"""Every read of campaigns that a page or another app uses."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Participant, Run
from campaigns.sources import step_ids, steps_of
from members.models import Member, Pool
from scrm.lib import sql
from segmentation.models import Segment
from touchpoints import queries as reach
from touchpoints.queries import Counts

Status = Campaign.Status
# Tabs of the list: which statuses each shows.
TABS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "all": (_("全部"), tuple(Status.values)),
    "draft": (_("草稿"), (Status.DRAFT,)),
    "open": (_("待发送与进行中"), (Status.SCHEDULED, Status.RUNNING, Status.PAUSED)),
    "finished": (_("已结束"), (Status.FINISHED,)),
    "stopped": (_("已取消与已错过"), (Status.CANCELLED, Status.MISSED)),
}
PAGE = 30


def campaigns_of(pool: Pool) -> "QuerySet[Campaign]":
    """A pool's campaigns, newest first, with what the list shows of them."""
    runs = Prefetch("runs", queryset=Run.objects.order_by("-entered", "-slot"), to_attr="run_list")
    return (
        Campaign.objects.filter(pool=pool)
        .select_related("segment", "connector", "actor")
        .prefetch_related(runs)
        .order_by("-created_at", "-pk")
    )


def listed(pool: Pool, *, tab: str = "all", q: str = "", before: int | None = None) -> tuple[list[Campaign], int | None]:
    """One page of the list and where the next begins; historic campaigns by their own dates."""
    rows = campaigns_of(pool).filter(status__in=TABS.get(tab, TABS["all"])[1])
    if q:
        rows = rows.filter(name__icontains=q)
    found = list(rows.order_by("-pk")[: PAGE + 1] if before is None else rows.filter(pk__lt=before).order_by("-pk")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None


def tab_counts(pool: Pool) -> dict[str, int]:
    """How many campaigns each tab holds."""
    by_status = dict(Campaign.objects.filter(pool=pool).order_by().values_list("status").annotate(n=Count("pk")))
    return {tab: sum(by_status.get(status, 0) for status in statuses) for tab, (_label, statuses) in TABS.items()}


def open_campaigns_of_segment(segment: Segment) -> list[Campaign]:
    """Campaigns that still need a segment: as their audience, or in the rule of a layer."""
    rows = Campaign.objects.filter(pool_id=segment.pool_id, status__in=Campaign.OPEN).prefetch_related("layers")
    return [
        row for row in rows if row.segment_id == segment.pk or any(_names(layer.rule, segment.pk) for layer in row.layers.all())
    ]


def _names(rule: Any, segment_id: int) -> bool:
    """Whether a rule asks about a segment."""
    if isinstance(rule, list):
        return any(_names(part, segment_id) for part in rule)
    if not isinstance(rule, dict):
        return False
    if rule.get("fact") == "segment":
        return segment_id in rule.get("value", ())
    return any(_names(part, segment_id) for part in rule.values())


@dataclass(frozen=True)
class Reason:
    """Why some messages did not arrive."""

    code: str
    label: str
    members: int
    detail: str = ""


@dataclass(frozen=True)
class Live:
    """What the monitor shows of a run at this moment."""

    run: Run
    counts: Counts
    treated: int
    holdout: int
    suppressed: list[Reason]
    failed: list[Reason]
    per_minute: float | None

    @property
    def done(self) -> int:
        """Messages that are decided one way or the other."""
        return self.counts.total - self.counts.planned

    @property
    def share(self) -> float:
        return self.done / self.counts.total if self.counts.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        return self.counts.planned / self.per_minute * 60 if self.per_minute and self.counts.planned else None


def live(run: Run, as_of: datetime) -> Live:
    """The state of a run, cheap enough to be asked every two seconds."""
    steps = step_ids(run)
    counts = reach.total_counts(steps)
    arms = {0: 0, 1: 0}
    for row in sql.rows("campaigns/count_arms", {"run": run.pk}):
        arms[row["arm"]] += row["members"]
    found = sql.rows("campaigns/count_reasons", {"steps": steps})
    return Live(
        run, counts, arms[1], arms[0],
        _reasons(found, 95), _reasons(found, 90), _speed(steps, as_of),
    )  # fmt: skip


def _reasons(found: list[dict[str, Any]], status: int) -> list[Reason]:
    return [
        Reason(row["reason"], reach.reason_words(row["reason"]), row["members"], row["detail"] or "")
        for row in found
        if row["status"] == status
    ]


def _speed(steps: list[int], as_of: datetime) -> float | None:
    """Messages per minute since the first, while they leave."""
    span = sql.row("campaigns/span_sent", {"steps": steps}) or {}
    if not span.get("first"):
        return None
    seconds = max(1.0, (span["last"] - span["first"]).total_seconds())
    return span["sent"] / seconds * 60 if span["sent"] > 1 else None


def participations(member: Member, *, before: datetime | None = None, limit: int = 50) -> list[Participant]:
    """The campaigns a member took part in, newest first."""
    rows = Participant.objects.filter(member=member).select_related("run__campaign", "layer")
    rows = rows.filter(entered_at__lte=before) if before else rows
    return list(rows.order_by("-entered_at", "-run_id")[:limit])


def step_sent(run: Run) -> list[dict[str, Any]]:
    """Messages per interval since the first one left, in at most some sixty intervals."""
    steps = [step.pk for step in steps_of(run)]
    span = sql.row("campaigns/span_sent", {"steps": steps}) or {}
    if not span.get("first"):
        return []
    seconds = (span["last"] - span["first"]).total_seconds()
    width = next((size for size in (1, 5, 15, 60, 300, 900, 3600, 21600) if seconds / size <= 60), 86400)
    return sql.rows("campaigns/count_sent_by_interval", {"steps": steps, "width": width, "origin": span["first"]})
