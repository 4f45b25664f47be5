"""Portraits at full size: cutting up the whole pool cold, its goods alone, and the portrait of 200,000 from what is kept.

The yardstick is one parallel scan of every table that is read (of order lines alone for goods). The pool is that of the
other measurements, its orders split into lines.

    MEMBERS=200000 ORDERS=2000000 RUNS=3 ONLY=portraits make bench
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import generated

TABLES = ("member", "memberstate", "order", "orderline", "event", "membertag", "consent", "identity")
GOALS = {"cold": 5.0, "goods": 10.0, "shown": 0.5}
SEGMENT = 200_000


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios to one scan: of all sources, of order lines, of all sources."""
    pool = generated.with_lines(members, orders)
    segment = _segment(pool, min(SEGMENT, members // 2))
    took: dict[str, list[float]] = {name: [] for name in ("cold", "goods", "shown", *TABLES)}
    for _run in range(runs + 1):
        for table in TABLES:
            took[table].append(_timed(lambda table=table: _scan(table)) * _share(pool, table))
        for name, seconds in _drawn(pool, segment).items():
            took[name].append(seconds)
    middle = {name: statistics.median(times[1:]) for name, times in took.items()}  # the first pass warms up
    every = sum(middle[table] for table in TABLES)
    print("  ".join(f"{name} {seconds:.3f}" for name, seconds in middle.items()), flush=True)
    scans = {"cold": (every, "one parallel scan of every table it reads"), "goods": (middle["orderline"], "one of order lines")}
    scans["shown"] = scans["cold"]
    return {f"portrait_{name}": _entry(name, middle[name], *scans[name], runs) for name in GOALS}


def _entry(name: str, ours: float, scan: float, of: str, runs: int) -> dict[str, Any]:
    text = f"{of}: {scan:.3f} s; ours {ours:.3f} s"
    return {"ratio": round(ours / scan, 3), "yardstick": text, "goal": GOALS[name], "runs": runs}


def _segment(pool: Any, size: int) -> Any:
    """A static segment of so many, evenly spread."""
    from pyroaring import BitMap

    from members.models import Member
    from segmentation.models import Segment
    from segmentation.segments import services

    found = Segment.objects.select_related("pool").filter(pool=pool, name="benchmark").first()
    if found is None:
        ids = list(Member.objects.filter(pool=pool, merged_into=None).order_by("pk").values_list("pk", flat=True))
        some = BitMap(ids[:: max(1, len(ids) // size)])
        made = services.fix(pool=pool, name="benchmark", ids=some, actor=None, as_of=generated.AS_OF)
        found = Segment.objects.select_related("pool").get(pk=made.pk)
    return found


def _drawn(pool: Any, segment: Any) -> dict[str, float]:
    from segmentation.models import PortraitCut
    from segmentation.portraits import cuts, queries, services
    from segmentation.portraits.dimensions import Catalogue

    goods = [cut for cut in Catalogue(pool, generated.AS_OF).cuts.values() if "members_orderline" in cut.text]
    PortraitCut.objects.filter(pool=pool).delete()
    took = {"goods": _timed(lambda: cuts.refresh(pool, goods, generated.AS_OF))}
    PortraitCut.objects.filter(pool=pool).delete()
    took["cold"] = _timed(lambda: services.refresh(pool=pool, as_of=generated.AS_OF))
    queries._counts.cache_clear()
    found: list[Any] = []
    took["shown"] = _timed(lambda: found.append(queries.portrait(segment, generated.AS_OF)))
    assert found[0].size == segment.size
    return took


def _timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _scan(table: str) -> None:
    from scrm.lib import sql

    with sql.planner(enable_indexscan="off", enable_indexonlyscan="off", enable_bitmapscan="off", parallel_setup_cost=0):
        sql.fetch(f"SELECT count(*) FROM members_{table}")


def _share(pool: Any, table: str) -> float:
    """The scan reads other pools' rows too, where there are any; only this pool's share counts."""
    from scrm.lib import sql

    if table not in ("membertag", "consent"):
        of = f"SELECT (count(*) FILTER (WHERE pool_id = %(pool)s))::float8 / greatest(count(*), 1) FROM members_{table}"
    else:
        join = f"members_{table} AS t INNER JOIN members_member AS m ON m.id = t.member_id"
        of = f"SELECT (count(*) FILTER (WHERE m.pool_id = %(pool)s))::float8 / greatest(count(*), 1) FROM {join}"
    ((share,),) = sql.fetch(of, {"pool": pool.pk})
    return float(share)
