"""Running the chain, and changing what it is told."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Min
from psycopg2 import sql as pg
from pydantic import ValidationError

from members.importing.locks import writing
from members.models import Member, Pool, TouchedMember
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import clock, sql
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import settings, stages, steps
from segmentation.recalculation.edges import Edges, crossings, params
from segmentation.standings import running

KIND = "segmentation.recalculate"
LOCK = 0x5EC5  # first half of the advisory lock; the second is the pool
MANY = 0.1  # share of the buyers from which on a full run is cheaper than a tick
KEEP_TICKS = timedelta(days=14)
FAILED_REST = timedelta(hours=1)  # a full run that failed for good is not asked for again at once


# -- The full run --------------------------------------------------------------------------------


def alone(pool: Pool) -> AbstractContextManager[None]:
    """One run of a pool at a time. Take `as_of` inside: history is sorted by it, and a run waited for is not later."""
    return sql.alone(LOCK, pool.pk)


def recalculate(
    *, pool: Pool, as_of: datetime, job_id: int | None = None, report: steps.Report = steps.quiet
) -> RecalculationRun:
    """Every member of the pool, with edges measured anew. Safe to kill: it starts over, and writes once."""
    with alone(pool):
        run = _begin(pool, as_of, job_id)
        choices, works = settings.Choices.model_validate(run.settings), running.wanted(pool)
        chain = _whole(pool, as_of, choices.rfm.window_days, report)
        works = running.prepare(chain, works)
        steps.facts(chain, window(choices.rfm.window_days, as_of), running.of_orders(chain, works))
        if choices.lifecycle.mode == "category":
            stages.bought(chain)  # progress is told of it, so it is not done in the transaction below
        with chain.step("measure_thresholds") as note, transaction.atomic(), sql.planner(**steps.ALONE):
            found = steps.measure(choices, chain, _kept(pool))
            note["rows"] = found.buyers
        _pass(chain, works, found)
        steps.compare(chain, found)
        works = running.find(chain, works, anew=True)
        report("update_states", len(chain.done))
        chain.report = steps.quiet  # progress written inside the transaction would lock the job's row, and shows to nobody
        with transaction.atomic():
            writing(pool.pk)  # from here on nobody is merged or deleted; who was so since they were compared is left out
            steps.save(chain)
            running.save(chain, works)
            running.keep(works, as_of)
            running.sweep(chain, pool)
            _finish(run, chain, found)
            chain.drop()
    return run


def _whole(pool: Pool, as_of: datetime, window_days: int, report: steps.Report = steps.quiet) -> steps.Chain:
    """A pass over everybody, in tables that parallel workers can read."""
    steps.clear(pool.pk)
    kind, halves = steps.UNLOGGED, _halves(pool.pk)
    return steps.Chain(pool.pk, as_of, live(pool.pk), kind, window_days=window_days, parts=halves, report=report)


def _pass(chain: steps.Chain, works: list[running.Work], found: Edges) -> None:
    """Events are read for all schemes at once; where they are, leads are told from the same pass."""
    if running.columns_of(chain, works, "event") and (column := stages.engagement(found, chain.as_of)):
        running.lay(chain, works, [column])


def recalculate_scheme(
    *, scheme: Scheme, as_of: datetime, job_id: int | None = None, report: steps.Report = steps.quiet
) -> RecalculationRun | None:
    """Every member in one scheme, with its edges measured anew; None when it is put away. Safe to kill, as a full run."""
    pool = scheme.pool
    with alone(pool):
        works = [work for work in running.wanted(pool) if work.scheme.pk == scheme.pk]
        if not works:
            return None
        run = RecalculationRun(
            pool=pool,
            mode="part",
            scheme_id=scheme.pk,
            as_of=as_of,
            settings=works[0].settings,
            job_id=job_id,
            started_at=clock.now(),
        )
        days = settings.of(pool).rfm.window_days
        chain = _whole(pool, as_of, days, report)
        running.ready(chain, works[0])
        steps.facts(chain, window(days, as_of), running.of_orders(chain, works))
        running.find(chain, works, anew=True)
        if works[0].failed:
            raise works[0].failed
        chain.report = steps.quiet
        with transaction.atomic():
            writing(pool.pk)
            running.save(chain, works)
            running.keep(works, as_of)
            run.edges, run.steps, run.finished_at = works[0].edges, chain.done, clock.now()
            run.save()
            chain.drop()
    return run


def _halves(pool_id: int) -> tuple[tuple[int, int], ...]:
    """All member ids in two parts, one for each worker, cut in the middle of the pool's own."""
    ends = Member.objects.filter(pool=pool_id, merged_into=None).aggregate(low=Min("id"), high=Max("id"))
    (first, last), middle = steps.EVERYBODY[0], ((ends["low"] or 0) + (ends["high"] or 0)) // 2
    return (first, middle), (middle + 1, last)


@transaction.atomic
def _begin(pool: Pool, as_of: datetime, job_id: int | None) -> RecalculationRun:
    """The run is owed from here on, so nobody needs to wait as touched any longer.

    They are taken before the orders are read: whoever is touched meanwhile waits for the next tick.
    """
    RecalculationRun.objects.filter(pool=pool, mode=RecalculationRun.Mode.FULL, finished_at=None).delete()
    sql.execute("segmentation/forget_touched", {"pool_id": pool.pk})
    pool.refresh_from_db(fields=["settings"])
    return RecalculationRun.objects.create(
        pool=pool, mode="full", as_of=as_of, settings=settings.of(pool).model_dump(), job_id=job_id, started_at=clock.now()
    )


def _finish(run: RecalculationRun, chain: steps.Chain, found: Edges) -> None:
    run.edges, run.steps, run.until, run.finished_at = found.dump(), chain.done, run.as_of, clock.now()
    run.save()
    RecalculationRun.objects.filter(pool=run.pool, mode="tick", as_of__lt=run.as_of - KEEP_TICKS).delete()


def live(pool_id: int) -> pg.Composable:
    """The members of a pool that are not merged into another, as a relation."""
    found = "(SELECT id AS member_id FROM members_member WHERE pool_id = {} AND merged_into IS NULL)"
    return pg.SQL(found).format(pg.Literal(pool_id))


def window(days: int, as_of: datetime) -> dict[str, Any]:
    """Which orders count for F and M."""
    return {"as_of": as_of, "window": timedelta(days=days), "window_from": as_of - timedelta(days=days)}


# -- The minute run ------------------------------------------------------------------------------


@transaction.atomic
def tick(*, pool: Pool, as_of: datetime) -> RecalculationRun | None:
    """Touched members and those whose time has come, by the edges of the last full run; None when nothing was done.

    Where there is no full run yet, or too many members wait, a full run is asked for instead.
    """
    if not sql.fetch("SELECT 1 WHERE pg_try_advisory_xact_lock(%(lock)s, %(pool_id)s)", {"lock": LOCK, "pool_id": pool.pk}):
        return None
    last, full = _last(pool), _full(pool)
    if last is None or full is None or _is_owed(pool) or _too_many(pool, full):
        ask(pool=pool, as_of=as_of)
        return None
    run = _keep_up(pool, as_of, last, Edges.load(full.edges))
    if is_outdated(full):  # the full run was asked for while another was ending
        ask(pool=pool, as_of=as_of)
    return run


def _keep_up(pool: Pool, as_of: datetime, last: RecalculationRun, found: Edges) -> RecalculationRun | None:
    since, works = last.until or last.as_of, running.known(pool)
    crossed: dict[str, Any] = {"schemes": [work.scheme.pk for work in works]}
    for each in (crossings(found, since, as_of), running.crossings(works, since, as_of)):
        crossed |= {name: crossed.get(name, []) + instants for name, instants in each.items()}
    if as_of < since or not sql.value("segmentation/is_recalculation_due", {"pool_id": pool.pk, "as_of": as_of, **crossed}):
        RecalculationRun.objects.filter(pk=last.pk, until__lt=as_of).update(until=as_of)
        return None
    return _tick(pool, as_of, found, crossed, works)


def _tick(pool: Pool, as_of: datetime, found: Edges, crossed: dict[str, Any], works: list[running.Work]) -> RecalculationRun:
    run = RecalculationRun(pool=pool, mode="tick", as_of=as_of, until=as_of, started_at=clock.now())
    writing(pool.pk)  # whoever is taken below is neither merged nor deleted before their state is written
    scope = pg.Identifier("pg_temp", f"recalculation_scope_{pool.pk}")
    sql.run(pg.SQL("CREATE TEMPORARY TABLE {} (member_id bigint PRIMARY KEY) ON COMMIT DROP").format(scope))
    chain = steps.Chain(pool.pk, as_of, scope, steps.TEMPORARY, of="_of", window_days=found.window_days)
    with sql.planner(**steps.ONE_BY_ONE):
        chain.write("take_touched", crossed, scope=scope)
    with sql.planner(enable_hashjoin="on", enable_mergejoin="on"):
        sql.run(pg.SQL("ANALYZE {}").format(scope))
    steps.facts(chain, params(found, as_of), running.of_orders(chain, works))
    steps.compare(chain, found)
    running.find(chain, works, anew=False)
    steps.save(chain)
    running.save(chain, works)
    chain.tables["scope"] = scope
    chain.drop()
    run.steps, run.finished_at = chain.done, clock.now()
    run.save()
    return run


def _last(pool: Pool) -> RecalculationRun | None:
    whole = RecalculationRun.objects.filter(pool=pool, finished_at__isnull=False).exclude(mode=RecalculationRun.Mode.PART)
    return whole.order_by("-id").first()


def _full(pool: Pool) -> RecalculationRun | None:
    return RecalculationRun.objects.filter(pool=pool, mode="full", finished_at__isnull=False).order_by("-id").first()


def _kept(pool: Pool) -> Edges | None:
    """The edges of the last full run."""
    full = _full(pool)
    return Edges.load(full.edges) if full else None


def _is_owed(pool: Pool) -> bool:
    return RecalculationRun.objects.filter(pool=pool, mode="full", finished_at=None).exists()


def _too_many(pool: Pool, full: RecalculationRun) -> bool:
    waiting = TouchedMember.objects.filter(pool=pool).count()
    return waiting > 1000 and waiting > MANY * Edges.load(full.edges).buyers


def is_outdated(full: RecalculationRun) -> bool:
    """Whether other choices were saved since a full run was told its own."""
    pool = Pool.objects.only("settings").get(pk=full.pool_id)
    try:
        return settings.of(pool) != settings.Choices.model_validate(full.settings)
    except ValidationError:  # of another version of the product: left to the nightly run, which reads the pool's only
        return False


def ask(*, pool: Pool, as_of: datetime, actor: User | None = None) -> JobRun | None:
    """Ask for a full run as a job; None when the last one failed within the hour and nobody asks in person."""
    failed = JobRun.objects.filter(pool_id=pool.pk, kind=KIND, status=JobRun.Status.FAILED, finished_at__gt=as_of - FAILED_REST)
    if actor is None and failed.exists():
        return None
    return jobs.enqueue(kind=KIND, pool_id=pool.pk, actor=actor, key=f"recalculate:{pool.pk}")


# -- What it is told -----------------------------------------------------------------------------


@transaction.atomic
def save_choices(*, pool: Pool, choices: settings.Choices, as_of: datetime, actor: User | None) -> JobRun | None:
    """Keep a pool's choices for RFM and lifecycle, and ask for the full run that applies them."""
    kept = Pool.objects.select_for_update().get(pk=pool.pk)
    before = settings.of(kept)
    kept.settings |= choices.model_dump()
    kept.save(update_fields=["settings"])
    pool.settings = kept.settings
    audit(actor=actor, action="models.save", target=pool, pool_id=pool.pk, before=before.model_dump(), after=choices.model_dump())
    return ask(pool=pool, as_of=as_of, actor=actor)
