"""What the settings page and others read: classes, edges in words, runs."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise

from members.models import Pool, TouchedMember
from members.models.state import LeadStage, RfmGroup, Stage
from scrm.jobs.models import JobRun
from scrm.lib import sql
from segmentation.models import RecalculationRun
from segmentation.recalculation.edges import Edges
from segmentation.recalculation.services import KIND


@dataclass(frozen=True)
class Class:
    """One RFM group or stage and how many are in it."""

    code: int
    label: str
    now: int
    then: int | None = None  # with other settings

    @property
    def change(self) -> int | None:
        return None if self.then is None else self.then - self.now


@dataclass(frozen=True)
class Status:
    """How far a pool's state is: edges in force, the instant it is right up to, who waits."""

    edges: Edges | None
    full: RecalculationRun | None
    until: datetime | None
    waiting: int
    job: JobRun | None


def status(pool: Pool) -> Status:
    """What holds now."""
    finished = RecalculationRun.objects.filter(pool=pool, finished_at__isnull=False)
    full, last = finished.filter(mode="full").order_by("-id").first(), finished.exclude(mode="part").order_by("-id").first()
    job = JobRun.objects.filter(pool_id=pool.pk, kind=KIND, status__in=JobRun.OPEN).order_by("-id").first()
    waiting = TouchedMember.objects.filter(pool=pool).count()
    return Status(Edges.load(full.edges) if full else None, full, last.until if last else None, waiting, job)


def runs(pool: Pool, limit: int = 12) -> QuerySet[RecalculationRun]:
    """The latest runs, newest first."""
    return RecalculationRun.objects.filter(pool=pool).order_by("-id")[:limit]


def classes(pool: Pool, moves: list[dict[str, Any]] | None = None) -> tuple[list[Class], list[Class]]:
    """RFM groups and stages with their sizes; with `moves`, also what they would be."""
    groups: Counter[int | None] = Counter()
    stages: Counter[int | None] = Counter()
    for row in sql.rows("segmentation/count_classes", {"pool_id": pool.pk}):
        groups[row["rfm_group"]] += row["members"]
        stages[row["stage"]] += row["members"]
    return (
        _classes([(g.value, g.label) for g in RfmGroup], groups, moves, "old_group", "rfm_group"),
        _classes([(s.value, s.label) for s in Stage], stages, moves, "old_stage", "stage"),
    )


def _classes(
    codes: list[tuple[int, str | Promise]], now: Counter[int | None], moves: list[dict[str, Any]] | None, old: str, new: str
) -> list[Class]:
    if moves is None:
        return [Class(code, str(label), now[code]) for code, label in codes]
    then = Counter(now)
    for move in moves:
        then[move[old]] -= move["members"]
        then[move[new]] += move["members"]
    return [Class(code, str(label), now[code], then[code]) for code, label in codes]


# -- Groups, leads, rates ------------------------------------------------------------------------
FEW = 30  # members: figures of a smaller group say little


@dataclass(frozen=True)
class Group:
    """An RFM group and what its members spend."""

    code: int
    label: str
    members: int
    share: float
    amount: int
    amount_share: float
    per_head: float
    orders: float  # per head, within the window

    @property
    def is_small(self) -> bool:
        return 0 < self.members < FEW


def groups(pool: Pool) -> list[Group]:
    """The eight groups as the glossary lists them."""
    found = {row["code"]: row for row in sql.rows("segmentation/count_groups", {"pool_id": pool.pk})}
    everybody, whole = (sum(row[name] for row in found.values()) for name in ("members", "amount"))
    return [_group(group, found.get(group.value), everybody, whole) for group in RfmGroup]


def _group(group: RfmGroup, row: dict[str, Any] | None, everybody: int, whole: int) -> Group:
    members, amount = (row["members"], int(row["amount"])) if row else (0, 0)
    return Group(
        group.value,
        str(group.label),
        members,
        members / everybody if everybody else 0.0,
        amount,
        amount / whole if whole else 0.0,
        amount / members if members else 0.0,
        int(row["window_count"]) / members if row and members else 0.0,
    )


def leads(pool: Pool) -> list[Class]:
    """Stages before the first order with their sizes."""
    found = {row["code"]: row["members"] for row in sql.rows("segmentation/count_lead_stages", {"pool_id": pool.pk})}
    return [Class(lead.value, str(lead.label), found.get(lead.value, 0)) for lead in LeadStage]


def judged(pool: Pool) -> dict[str, Any] | None:
    """The latest finding of what the stages are worth."""
    full = RecalculationRun.objects.filter(pool=pool, mode="full", finished_at__isnull=False)
    return full.exclude(backtest=None).order_by("-id").values_list("backtest", flat=True).first()
