"""A night of one pool as the worker runs it: every state and scheme anew, every model trained and scored, tags by rules.

    MEMBERS=200000 ORDERS=2000000 RUNS=1 ONLY=nightly make bench

Models learn once a week; this is the night on which all of them do. The yardstick is ten minutes. What is measured is what the
beat asks for at night (`segmentation.tasks`), each job through `scrm.jobs.running.run`, in as many processes at a time as the
product's worker has (TASK_WORKERS, two), seconds by the clock.
"""

import os
import resource
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

MOST, MINE = 600.0, "每晚"
WORKERS = int(os.environ.get("TASK_WORKERS", "2"))
HEAVIEST: list[float] = []  # gigabytes each job's process had at most
DEALS = "UPDATE members_orderline SET discount = amount / 5 WHERE pool_id = %(pool)s AND (product_id + (order_id & 1)) %% 5 = 0"
SCHEMES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("value", {}), ("aipl", {}), ("usage", {}), ("ladder", {}), ("score", {}), ("rfm", {"window_days": 90}),
)  # fmt: skip
RULE = {"all": [{"fact": "order_count", "op": "gte", "value": 3}, {"fact": "stage", "op": "in", "value": [2, 3]}]}


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Seconds of whole nights over ten minutes."""
    pool = _pool(members, orders)
    nights = []
    with _busy(pool):
        for _ in range(max(1, min(runs, 3))):
            seconds = _night(pool)
            nights.append(sum(seconds.values()))
    memory = max(HEAVIEST)
    print(f"    the night: {statistics.median(nights):.0f} s, at most {memory:.2f} GB in a process", flush=True)
    return {
        "nightly_all_models": {
            "ratio": statistics.median(nights) / MOST,
            "yardstick": "ten minutes",
            "goal": 1.0,
            "runs": len(nights),
            "seconds": [round(each, 1) for each in nights],
            "steps": {name: round(took, 1) for name, took in seconds.items()},
            "gigabytes": round(memory, 2),
        }
    }


def _pool(members: int, orders: int) -> Any:
    """The generated pool with lines, deals and coupons."""
    from benchmarks import generated
    from members import generating
    from scrm.lib import sql

    pool = generated.with_lines(members, orders)
    if not sql.fetch("SELECT 1 FROM members_orderline WHERE pool_id = %(pool)s AND discount > 0 LIMIT 1", {"pool": pool.pk}):
        sql.run(DEALS, {"pool": pool.pk})
        generating.tidy()
    _coupons(pool)
    return pool


@contextmanager
def _busy(pool: Any) -> Iterator[None]:
    """Schemes, a rule and every model are on for as long as nights are measured; other measurements find none."""
    from segmentation.models import Predictor, Scheme, TagRule

    _switched_on(pool)
    mine = Scheme.objects.filter(pool=pool, name__startswith=MINE)
    mine.update(is_active=True)
    Predictor.objects.filter(pool=pool).update(is_on=True)
    TagRule.objects.filter(pool=pool, tag__group__name=MINE).update(is_paused=False)
    try:
        yield
    finally:
        mine.update(is_active=False)
        Predictor.objects.filter(pool=pool).update(is_on=False)
        TagRule.objects.filter(pool=pool, tag__group__name=MINE).update(is_paused=True)


def _coupons(pool: Any) -> None:
    """Four campaigns to a tenth of the members each; one in eight of them used the coupon."""
    from benchmarks.generated import AS_OF
    from campaigns import historic
    from members.models import Member

    ids = list(Member.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True))
    for n, back in enumerate((300, 230, 150, 80)):
        at, some = AS_OF - timedelta(days=back), ids[n::10]
        used = dict.fromkeys(some[::8], at + timedelta(days=5))
        historic.bring_in(
            pool=pool, name=f"coupon {n}", note="", started_at=at, ended_at=at + timedelta(days=30), audience=some, redeemed=used,
            actor=None,
        )  # fmt: skip


def _switched_on(pool: Any) -> None:
    """Schemes, a tag by a rule, a segment to resemble, and all models there are."""
    from pyroaring import BitMap

    from benchmarks.generated import AS_OF
    from members.models import Member, TagGroup
    from segmentation.models import Scheme, Segment
    from segmentation.predicting import services
    from segmentation.predicting.declaring import models
    from segmentation.segments import services as segments
    from segmentation.standings import services as standings
    from segmentation.tagging.services import save_rule

    for family, settings in SCHEMES:
        name = f"{MINE} {family}"
        if not Scheme.objects.filter(pool=pool, name=name).exists():
            standings.save(pool=pool, family=family, name=name, settings=settings, actor=None)
    group, made = TagGroup.objects.get_or_create(pool=pool, name=MINE)
    if made:
        save_rule(pool=pool, group=group, name="久未复购", rule=RULE, cadence="nightly", actor=None)
    seeds = Segment.objects.filter(pool=pool, name="种子").first()
    if seeds is None:
        ids = BitMap(Member.objects.filter(pool=pool, pk__in=_spenders(pool)).values_list("pk", flat=True))
        seeds = segments.fix(pool=pool, name="种子", ids=ids, actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)
    for declared in models():
        key = f"{declared.key}:{seeds.pk}" if declared.keyed else declared.key
        services.predictor_of(pool=pool, key=key)


def _spenders(pool: Any) -> list[int]:
    from scrm.lib import sql

    found = sql.fetch(
        "SELECT member_id FROM members_order WHERE pool_id = %(pool)s GROUP BY 1 ORDER BY sum(amount) DESC LIMIT 2000",
        {"pool": pool.pk},
    )
    return [member for (member,) in found]


def _night(pool: Any) -> dict[str, float]:
    """What the beat asks for, in its order; models and tags as the worker does them, as many at a time as it has processes."""
    from scrm.lib import clock
    from segmentation.models import TagRule
    from segmentation.predicting import services as predicting
    from segmentation.recalculation import services as recalculation
    from segmentation.tagging import applying

    found = {}
    if job := recalculation.ask(pool=pool, as_of=clock.now()):
        found["states and schemes"] = _all({"states and schemes": job.pk})
    jobs = {_named(job): job.pk for job in predicting.ask_night(pool=pool, as_of=clock.now(), train=True)}
    found["models"] = _all(jobs)
    rules = TagRule.objects.filter(pool=pool, is_paused=False).order_by("pk")
    tags = {f"tag {rule.tag.name}": job.pk for rule in rules if (job := applying.ask_apply(rule=rule, actor=None))}
    found["tags"] = _all(tags)
    return found


def _named(job: Any) -> str:
    """The models of a job."""
    from segmentation.models import Predictor

    given = job.params.get("predictors") or [[job.params["predictor"], True]]
    keys = Predictor.objects.filter(pk__in=[pk for pk, _train in given]).order_by("pk").values_list("key", flat=True)
    return ", ".join(key.partition(":")[0] for key in keys)


def _all(jobs: dict[str, int]) -> float:
    """Seconds until all are done; processes begin afresh, as their start is no part of a night."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn"), _begin) as workers:
        list(workers.map(_ready, range(WORKERS)))
        began = time.perf_counter()
        for name, told in zip(jobs, workers.map(_run, jobs.values()), strict=True):
            took, busy, memory = told
            HEAVIEST.append(memory)
            print(f"    {name}: {took:.1f} s, {busy:.1f} s of them in Python, {memory:.2f} GB", flush=True)
        return time.perf_counter() - began


def _begin() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    django.setup()


def _ready(_n: int) -> None:
    """Both processes are up before the clock starts."""
    time.sleep(0.5)


def _run(job_id: int) -> tuple[float, float, float]:
    """A job as a worker runs it: seconds, processor seconds in Python, and gigabytes at most so far."""
    from scrm.jobs import running

    began, busy = time.perf_counter(), time.process_time()
    status = running.run(job_id)
    assert status == "done", f"{job_id}: {status}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return time.perf_counter() - began, time.process_time() - busy, memory
