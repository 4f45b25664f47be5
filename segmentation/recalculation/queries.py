"""What the settings page and others read: classes, edges in words, runs."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from members.models import Pool, TouchedMember
from members.models.state import RfmGroup, Stage
from scrm.jobs.models import JobRun
from scrm.lib import formats, sql
from segmentation.models import RecalculationRun
from segmentation.recalculation.edges import DAY, Edges
from segmentation.recalculation.services import KIND
from segmentation.recalculation.steps import title


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
    full, last = finished.filter(mode="full").order_by("-id").first(), finished.order_by("-id").first()
    job = JobRun.objects.filter(pool_id=pool.pk, kind=KIND, status__in=JobRun.OPEN).order_by("-id").first()
    waiting = TouchedMember.objects.filter(pool=pool).count()
    return Status(Edges.load(full.edges) if full else None, full, last.until if last else None, waiting, job)


def runs(pool: Pool, limit: int = 12) -> QuerySet[RecalculationRun]:
    """The latest runs, newest first."""
    return RecalculationRun.objects.filter(pool=pool).order_by("-id")[:limit]


def shown_steps(run: RecalculationRun) -> list[dict[str, Any]]:
    """The steps of a run with their titles."""
    return [{**step, "title": title(step["step"])} for step in run.steps]


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


# -- Edges in words ------------------------------------------------------------------------------


def score_rows(edges: Edges) -> list[tuple[int, str, str, str]]:
    """For each score from 5 down to 1: what R, F and M it takes."""
    rows = []
    for score in range(5, 1, -1):
        i = score - 2
        rows.append((score, _within(edges.r[i]), _orders(edges.f[i] + 1), _money(edges.m[i] + 1)))
    return [*rows, (1, _("更早"), _("更少"), _("更少"))]


def split_row(edges: Edges) -> tuple[str, str, str]:
    """What counts as high, for the eight groups."""
    return _within(edges.r_split), _orders(edges.f_split + 1), _money(edges.m_split + 1)


def _within(seconds: int) -> str:
    if seconds < 2 * DAY:
        return _("%(n)s 小时内") % {"n": formats.decimal(seconds / 3600, 1)}
    return _("%(n)s 天内") % {"n": formats.decimal(seconds / DAY, 1)}


def _orders(count: int) -> str:
    return _("≥ %(n)s 单") % {"n": formats.full(count)}


def _money(minor: int) -> str:
    return f"≥ {formats.money(minor)}"


def stage_rows(edges: Edges) -> list[tuple[int, str, str]]:
    """For each stage after the first order: days since the last one."""
    first, second, third = edges.stage_days
    spans = [(0, first), (first, second), (second, third)]
    rows = [(n, str(Stage(n).label), _("%(a)s–%(b)s 天") % {"a": a, "b": b}) for n, (a, b) in enumerate(spans, start=1)]
    return [*rows, (4, str(Stage.LOST.label), _("%(n)s 天及以上") % {"n": third})]


def basis(edges: Edges, quantiles: list[float]) -> str:
    """Why the stages are cut where they are."""
    if edges.stage_basis == "fixed":
        return _("按设定的固定天数划分。")
    if edges.stage_basis == "few":
        return _("复购会员只有 %(n)s 人，不足以看出购买节奏，暂按固定天数划分。") % {"n": formats.full(edges.repeat_buyers)}
    shares = [formats.percent(q, 0) for q in quantiles]
    return _("%(n)s 名复购会员中，%(a)s 的平均购买间隔不超过 %(x)s 天，%(b)s 不超过 %(y)s 天，%(c)s 不超过 %(z)s 天。") % {
        "n": formats.full(edges.repeat_buyers), "a": shares[0], "b": shares[1], "c": shares[2],
        "x": edges.stage_days[0], "y": edges.stage_days[1], "z": edges.stage_days[2],
    }  # fmt: skip
