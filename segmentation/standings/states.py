"""How far the recalculation of a pool has come: per model and scheme the watermark, rows and time, and the last runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from members.models import Pool
from scrm.jobs.models import JobRun
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import queries as recalculation
from segmentation.recalculation import steps
from segmentation.standings import queries, services
from segmentation.standings.families import family, is_known

RUNS = 30


@dataclass(frozen=True)
class Model:
    """One thing the chain keeps up: order facts with RFM and stage, or a scheme."""

    name: str
    kind: str
    icon: str
    until: datetime | None  # right up to here
    full_at: datetime | None  # everybody last computed as of
    rows: int  # written by the last full run
    ms: int
    steps: list[dict[str, Any]]
    stale: bool = False
    scheme: Scheme | None = None
    job: JobRun | None = None


@dataclass(frozen=True)
class State:
    """Everything the page about runs shows."""

    status: recalculation.Status
    models: list[Model]
    runs: list[tuple[RecalculationRun, list[dict[str, Any]], str, int, int]]  # steps, of which scheme, rows written, ms
    failed: list[JobRun]


def state(pool: Pool) -> State:
    """How far each model of a pool has come."""
    status = recalculation.status(pool)
    found = [scheme for scheme in queries.schemes(pool) if is_known(scheme.family)]
    names = {scheme.pk: scheme.name for scheme in Scheme.objects.filter(pool=pool)}
    runs = [
        (run, _shown(run.steps, names), names.get(run.scheme_id or 0, ""), _written(run.steps), _ms(run.steps))
        for run in recalculation.runs(pool, RUNS)
    ]
    models = [_core(status), *(_scheme(pool, scheme, status) for scheme in found)]
    return State(status, models, runs, _failed(pool))


def _core(status: recalculation.Status) -> Model:
    full = status.full
    mine = [step for step in (full.steps if full else []) if not step.get("scheme")]
    return Model(
        _("RFM 与生命周期"), _("订单事实、分数、分组、阶段"), "chart-treemap", status.until, full.as_of if full else None,
        _written(mine), _ms(mine), _shown(mine, {}), job=status.job,
    )  # fmt: skip


def _scheme(pool: Pool, scheme: Scheme, status: recalculation.Status) -> Model:
    run = _last(pool, scheme)
    mine = [step for step in (run.steps if run else []) if step.get("scheme") == scheme.pk]
    about = family(scheme.family)
    until = max(filter(None, [scheme.computed_at, status.until]), default=None) if scheme.computed_at else None
    return Model(
        scheme.name, str(about.title), about.icon, until, scheme.computed_at, _written(mine), _ms(mine), _shown(mine, {}),
        scheme.is_stale, scheme, queries.open_job(scheme),
    )  # fmt: skip


def _last(pool: Pool, scheme: Scheme) -> RecalculationRun | None:
    """The run that last computed everybody in it."""
    if scheme.computed_at is None:
        return None
    runs = RecalculationRun.objects.filter(pool=pool, as_of=scheme.computed_at, finished_at__isnull=False).exclude(mode="tick")
    return next((run for run in runs.order_by("-id") if run.scheme_id in (None, scheme.pk)), None)


def _written(found: Iterable[dict[str, Any]]) -> int:
    names = ("update", "insert_states", "insert_standings", "delete", "drop")
    return sum(step["rows"] for step in found if step["step"].rpartition("/")[2].startswith(names))


def _ms(found: Iterable[dict[str, Any]]) -> int:
    return sum(step["ms"] for step in found)


def _shown(found: Iterable[dict[str, Any]], names: dict[int, str]) -> list[dict[str, Any]]:
    return [{**step, "title": steps.title(step["step"]), "of": names.get(step.get("scheme", 0), "")} for step in found]


def _failed(pool: Pool) -> list[JobRun]:
    """Runs that failed since the last one of their kind succeeded."""
    kinds = (services.KIND, "segmentation.recalculate")
    failed = JobRun.objects.filter(pool_id=pool.pk, kind__in=kinds, status=JobRun.Status.FAILED).order_by("-id")[:5]
    later = RecalculationRun.objects.filter(pool=pool, finished_at__isnull=False).order_by("-id").first()
    return [job for job in failed if later is None or later.finished_at is None or job.created_at > later.finished_at]
