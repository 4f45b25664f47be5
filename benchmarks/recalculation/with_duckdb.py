"""The same outputs by DuckDB, from Parquet into memory; nothing is written back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.recalculation import standings_in_duckdb
from benchmarks.recalculation.outputs import DAY, EPOCH, WINDOW, micro

SOURCES = {
    "orders": (
        "members_order",
        {"member_id": "member_id", "placed_at": "placed_at", "net_amount": "net_amount", "status": "status"},
    ),
    "members": ("members_member", {"member_id": "id", "joined_at": "joined_at"}),
    "events": ("members_event", {"member_id": "member_id", "occurred_at": "occurred_at", "kind": "kind"}),
    "deliveries": (
        "touchpoints_delivery",
        {"member_id": "member_id", "delivered_at": "delivered_at", "opened_at": "opened_at", "clicked_at": "clicked_at"},
    ),
    "communities": (
        "members_communitymember JOIN members_community ON members_community.id = community_id",
        {"member_id": "member_id", "joined_at": "members_communitymember.joined_at", "left_at": "left_at"},
    ),
}
FACTS = """
    SELECT member_id, count(*) AS order_count, sum(net_amount)::BIGINT AS amount_total,
        min(placed_at) AS first_order_at, max(placed_at) AS last_order_at,
        count(*) FILTER (placed_at > $window_from) AS window_count,
        coalesce(sum(net_amount) FILTER (placed_at > $window_from), 0)::BIGINT AS window_amount,
        min(placed_at) FILTER (placed_at > $window_from) + $window AS window_due
    FROM orders WHERE status = 1 AND placed_at <= $as_of GROUP BY member_id"""
MEASURE = """
    SELECT count(*), quantile_disc(last_order_at, [0.2, 0.4, 0.6, 0.8]), quantile_disc(window_count, [0.2, 0.4, 0.6, 0.8]),
        quantile_disc(window_amount, [0.2, 0.4, 0.6, 0.8]), sum(last_order_at // 1000000)::HUGEINT // count(*),
        sum(window_count)::HUGEINT // count(*), sum(window_amount)::HUGEINT // count(*), count(*) FILTER (order_count > 1),
        quantile_disc((last_order_at - first_order_at) / 1e6 / greatest(order_count - 1, 1), $quantiles)
            FILTER (order_count > 1)
    FROM facts"""
STATES = """
    SELECT m.member_id, coalesce(order_count, 0) AS order_count, coalesce(amount_total, 0) AS amount_total,
        first_order_at, last_order_at, coalesce(window_count, 0) AS window_count,
        coalesce(window_amount, 0) AS window_amount, least(window_due, ahead) AS facts_due,
        CASE WHEN order_count > 1 THEN (last_order_at - first_order_at) / 86400e6 / (order_count - 1) END AS interval_days,
        1 + (last_order_at > $r1)::INT + (last_order_at > $r2)::INT
            + (last_order_at > $r3)::INT + (last_order_at > $r4)::INT AS r,
        1 + (window_count > $f1)::INT + (window_count > $f2)::INT
            + (window_count > $f3)::INT + (window_count > $f4)::INT AS f,
        1 + (window_amount > $m1)::INT + (window_amount > $m2)::INT
            + (window_amount > $m3)::INT + (window_amount > $m4)::INT AS m,
        (last_order_at > $r_split)::INT * 4 + (window_count > $f_split)::INT * 2 + (window_amount > $m_split)::INT AS rfm_group,
        CASE WHEN order_count IS NULL THEN 0 WHEN last_order_at + silent * 3600000000 > $as_of THEN 1
            WHEN last_order_at + sleeping * 3600000000 > $as_of THEN 2
            WHEN last_order_at + lost * 3600000000 > $as_of THEN 3 ELSE 4 END AS stage,
        CASE WHEN order_count IS NOT NULL THEN NULL WHEN engaged_at IS NOT NULL THEN 2
            WHEN joined_at > $new_from THEN 1 ELSE 3 END AS lead,
        CASE WHEN order_count IS NOT NULL THEN
                CASE WHEN last_order_at + silent * 3600000000 > $as_of THEN last_order_at + silent * 3600000000
                    WHEN last_order_at + sleeping * 3600000000 > $as_of THEN last_order_at + sleeping * 3600000000
                    WHEN last_order_at + lost * 3600000000 > $as_of THEN last_order_at + lost * 3600000000 END
            WHEN engaged_at IS NOT NULL THEN engaged_at + $engaged_for
            WHEN joined_at > $new_from THEN joined_at + $new_for END AS stage_due
    FROM members m LEFT JOIN facts USING (member_id)
    LEFT JOIN ages ON ages.pace = (order_count - 1) * 65536 + (last_order_at - first_order_at) // 86400000000
    LEFT JOIN (SELECT member_id, max(occurred_at) AS engaged_at FROM events
        WHERE occurred_at > $engaged_from AND occurred_at <= $as_of GROUP BY 1) USING (member_id)
    LEFT JOIN (SELECT member_id, min(placed_at) AS ahead FROM orders WHERE status = 1 AND placed_at > $as_of GROUP BY 1)
        USING (member_id)"""
PAIRS = "SELECT DISTINCT order_count - 1 AS x, (last_order_at - first_order_at) // 86400000000 AS tx FROM facts"


def parquet(folder: Path, pool: Any) -> dict[str, Path]:
    """What a run reads, as files: orders in the order of time, as a shop would hand them over."""
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    from scrm.lib import sql

    files = {}
    for name, (table, columns) in SOURCES.items():
        picked = ", ".join(f"{_plain(column)} AS {alias}" for alias, column in columns.items())
        only = " AND merged_into IS NULL" if name == "members" else " ORDER BY placed_at" if name == "orders" else ""
        path, files[name] = folder / f"{name}.csv", folder / f"{name}.parquet"
        with path.open("wb") as file:
            statement = f"SELECT {picked} FROM {table} WHERE pool_id = {pool.pk}{only}"
            sql.copy_out(f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)", file)
        types = {alias: pa.string() if alias == "kind" else pa.int64() for alias in columns}
        pq.write_table(csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types)), files[name])
        path.unlink()
    return files


def _plain(column: str) -> str:
    return f"(extract(epoch FROM {column}) * 1000000)::bigint" if column.endswith("_at") else column


def run(files: dict[str, Path], as_of: datetime, chance: dict[str, Any], asked: Sequence[Any]) -> Any:
    """A database in memory with `states`, and `standings` in the schemes asked for."""
    import duckdb

    db = duckdb.connect(":memory:", config={"threads": 2})
    for name, path in files.items():
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
    _states(db, as_of, chance)
    standings_in_duckdb.compute(db, as_of, asked)
    return db


def _states(db: Any, as_of: datetime, chance: dict[str, Any]) -> None:
    """Everything a full run computes by the chance that runs keep for a month; the ages of its edges are found each time."""
    import numpy as np
    import pandas as pd

    from segmentation.recalculation.chances import Chance
    from segmentation.recalculation.edges import edges, params
    from segmentation.recalculation.settings import Choices
    from segmentation.recalculation.stages import lead_values

    window = {"as_of": micro(as_of), "window_from": micro(as_of) - WINDOW * DAY, "window": WINDOW * DAY}
    db.execute(f"CREATE TABLE facts AS {FACTS}", window)
    choices = Choices()
    row = db.execute(MEASURE, {"quantiles": choices.lifecycle.quantiles}).fetchone()
    found = edges(choices, _named(row), as_of, {"chance": chance})
    x, tx = (np.asarray(column) for column in db.execute(PAIRS).fetchnumpy().values())
    silent, sleeping, lost = Chance.load(chance).ages(x, tx).T
    ages = pd.DataFrame({"pace": x * 65536 + tx, "silent": silent, "sleeping": sleeping, "lost": lost})
    db.register("ages", ages)
    constants = {**params(found, as_of), **lead_values(found.lead or {}, as_of)}
    asked = {key: micro(value) for key, value in constants.items() if f"${key}" in STATES}
    db.execute(f"CREATE TABLE states AS {STATES}", asked)


def _named(row: Any) -> dict[str, Any]:
    names = ["buyers", "last_order_at", "window_count", "window_amount", "mean_last_order_at", "mean_window_count",
             "mean_window_amount", "repeat_buyers", "interval_seconds"]  # fmt: skip
    found = dict(zip(names, row, strict=True))
    found["last_order_at"] = [EPOCH + timedelta(microseconds=n) for n in found["last_order_at"]]
    return found
