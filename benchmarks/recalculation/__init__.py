"""Recalculation of a whole pool, writing included, against DuckDB, pandas and a scan of the orders.

States, and a scheme of each family: AIPL, use, value, ladder, score, RFM. DuckDB computes the same outputs and is held
against the live tables row by row. It reads Parquet in memory and writes nothing back. pandas keeps to the states, as full
runs without schemes do; it reads through the driver and writes back by COPY. Each full run moves the pool by three days,
there and back, so that about one state in twenty changes, and every score.

    MEMBERS=100000 ORDERS=1000000 RUNS=5 python -m benchmarks.recalculation
"""

import os
import statistics
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.recalculation import ours, outputs, with_duckdb, with_pandas

Times = dict[str, list[float]]


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios of medians, on a pool of this size."""
    from benchmarks import generated

    pool = generated.pool(members, orders, tags=10, events=30)
    with tempfile.TemporaryDirectory() as folder, ours.schemes(pool, generated.AS_OF) as schemes:
        files = with_duckdb.parquet(Path(folder), pool)
        times = _full_runs(pool, schemes, files, runs)
        ours.full(pool, generated.AS_OF)  # what pandas is compared with, whichever day the passes ended on
        times["pandas"] = [ours.timed(lambda: with_pandas.run(pool, generated.AS_OF)) for _ in range(max(1, runs // 2))]
        times["tick"] = ours.ticks(pool, generated.AS_OF, runs)
    times["states"] = ours.without_schemes(pool, generated.AS_OF, runs)
    ours.full(pool, generated.AS_OF)
    scan = [seconds * ours.share(pool) for seconds in times["scan"]]
    return {
        "recalculation_full_vs_duckdb": _entry(
            times["full"], times["duckdb"], 3.0, "DuckDB, the same with six schemes from Parquet in memory, nothing written"
        ),
        "recalculation_states_vs_pandas": _entry(
            times["states"], times["pandas"], 0.1, "pandas, the states through the driver, written back by COPY"
        ),
        "recalculation_tick_vs_scan": _entry(times["tick"], scan, 0.5, "one parallel scan of the pool's orders"),
    }


def _full_runs(pool: Any, schemes: list[Any], files: dict[str, Path], runs: int) -> Times:
    from benchmarks import generated

    times: Times = {"full": [], "duckdb": [], "scan": []}
    for n in range(runs + 1):
        as_of = generated.AS_OF + timedelta(days=3 * (n % 2))
        done: list[Any] = []
        mine = ours.timed(lambda: done.append(ours.full(pool, as_of)))  # noqa: B023
        for scheme in schemes:
            scheme.refresh_from_db()
        chance = done[0].edges["chance"]
        theirs = ours.timed(lambda: done.append(with_duckdb.run(files, as_of, chance, schemes)))  # noqa: B023
        if n < 2:  # both days once; the first pass warms up
            _compare(pool, schemes, done[1])
        if n:
            found = {"full": mine, "duckdb": theirs, "scan": ours.timed(ours.scan)}
            for name, seconds in found.items():
                times[name].append(seconds)
            _note(n, found, done[0])
        ours.tidy(pool)
    return times


def _compare(pool: Any, schemes: list[Any], db: Any) -> None:
    outputs.assert_same(db, outputs.live_states(pool), "states")
    known = [scheme.pk for scheme in schemes if scheme.family in ours.KNOW_SINCE]
    outputs.assert_same(db, outputs.live_standings(pool, [scheme.pk for scheme in schemes], known), "standings")


def _note(n: int, found: dict[str, float], run: Any) -> None:
    if os.environ.get("TRACE"):
        print(n, {name: round(seconds, 2) for name, seconds in found.items()}, flush=True)
        for step in run.steps:
            print("   ", step.get("scheme", ""), step["step"], step["rows"], step["ms"], flush=True)


def _entry(mine: list[float], theirs: list[float], goal: float, yardstick: str) -> dict[str, Any]:
    ratio = statistics.median(mine) / statistics.median(theirs)
    text = f"{yardstick}: {statistics.median(theirs):.3f} s; ours {statistics.median(mine):.3f} s"
    return {"ratio": round(ratio, 3), "yardstick": text, "goal": goal, "runs": len(mine)}
