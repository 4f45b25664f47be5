"""Merging 100,000 pairs in one act, and undoing them, against the bare moving of the same rows.

The yardstick is what any merge must do at least: for every table with rows of the losers one
`DELETE … RETURNING` whose rows are inserted for the winners, with nothing resolved, remembered or folded.
All three run inside a transaction that is rolled back, so that every run finds the same rows.

    MEMBERS=200000 ORDERS=1000000 RUNS=3 ONLY=merging make bench
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import generated

PAIRS = 100_000
GOALS = {"merge_pairs": 4.0, "undo_merges": 5.0}
YARDSTICK = "bare DELETE … RETURNING and INSERT of the same rows"


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios to the bare moving: merging, and undoing the same merges."""
    pool = generated.pool(members, orders)
    pairs = min(PAIRS, members // 2)
    took: dict[str, list[float]] = {"bare": [], "merge_pairs": [], "undo_merges": []}
    for _run in range(runs + 1):
        took["bare"].append(_rolled_back(pool, pairs, _bare)[0])
        merged, undone = _rolled_back(pool, pairs, _both)
        took["merge_pairs"].append(merged)
        took["undo_merges"].append(undone)
    took = {name: times[1:] for name, times in took.items()}  # the first pass warms up
    return {name: _entry(took[name], took["bare"], goal, pairs) for name, goal in GOALS.items()}


def _entry(ours: list[float], bare: list[float], goal: float, pairs: int) -> dict[str, Any]:
    return {
        "ratio": round(statistics.median(ours) / statistics.median(bare), 4),
        "yardstick": YARDSTICK,
        "goal": goal,
        "runs": len(ours),
        "pairs": pairs,
        "seconds": [round(each, 3) for each in ours],
    }


def _rolled_back(pool: Any, pairs: int, act: Callable[[Any], list[float]]) -> list[float]:
    from django.db import transaction

    from scrm.lib import sql

    with transaction.atomic():
        sql.run("DROP TABLE IF EXISTS bench_pairs")
        sql.run(
            "CREATE TEMP TABLE bench_pairs ON COMMIT DROP AS SELECT w AS winner_id, l AS loser_id FROM ("
            " SELECT id AS w, lead(id) OVER (ORDER BY id) AS l, row_number() OVER (ORDER BY id) AS n"
            " FROM members_member WHERE pool_id = %(pool)s AND merged_into IS NULL) AS x WHERE n %% 2 = 1 AND l IS NOT NULL"
            " ORDER BY w LIMIT %(pairs)s",
            {"pool": pool.pk, "pairs": pairs},
        )
        sql.run("ANALYZE bench_pairs")
        took = act(pool)
        transaction.set_rollback(True)
    return took


def _bare(pool: Any) -> list[float]:
    """Delete and insert, table by table; where a winner has the key the row is dropped."""
    from psycopg2 import sql as pg

    from members.merging import moves
    from scrm.lib import sql

    started = time.perf_counter()
    for held in moves.tables():
        if held.label in ("loyalty.Entry", "loyalty.Account"):
            continue  # the ledger refuses to be moved
        columns = pg.SQL(", ").join(map(pg.Identifier, held.columns))
        gone = pg.SQL(", ").join(pg.SQL("t.{}").format(pg.Identifier(column)) for column in held.columns)
        statement = (
            "WITH gone AS (DELETE FROM {table} AS t USING bench_pairs AS p"
            " WHERE t.{member} = p.loser_id RETURNING p.winner_id, {gone})"
            " INSERT INTO {table} ({member}, {columns}) SELECT winner_id, {columns} FROM gone ON CONFLICT DO NOTHING"
        )
        sql.run(pg.SQL(statement).format(columns=columns, gone=gone, **moves.place_of(held)))
    return [time.perf_counter() - started]


def _both(pool: Any) -> list[float]:
    from members import merging
    from members.models import Merge

    started = time.perf_counter()
    merging.merge_pairs(pool_id=pool.pk, pairs="bench_pairs", cause=merging.Cause("bench"), actor=None, as_of=generated.AS_OF)
    between = time.perf_counter()
    ids = Merge.objects.filter(pool=pool, cause_kind="bench", undone_at=None).values_list("pk", flat=True)
    merging.undo_many(pool_id=pool.pk, merges=ids, actor=None, as_of=generated.AS_OF)
    return [between - started, time.perf_counter() - between]
