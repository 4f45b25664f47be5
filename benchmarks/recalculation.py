"""Recalculation of a whole pool, writing included, against DuckDB, pandas and a scan of the orders.

DuckDB and pandas compute the same numbers, and are held against the live table row by row. DuckDB
reads Parquet in memory and writes nothing back; pandas reads through the driver and writes back by COPY.
Each full run moves the pool by three days, there and back, so that about one row in twenty changes.

    MEMBERS=100000 ORDERS=1000000 RUNS=5 python -m benchmarks.recalculation
"""

import io
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

GOALS = {"recalculation_full_vs_duckdb": 3.0, "recalculation_full_vs_pandas": 0.1, "recalculation_tick_vs_scan": 0.5}
WINDOW, DAY = 365, 86_400_000_000
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
COLUMNS = ["member_id", "order_count", "amount_total", "first_order_at", "last_order_at", "window_count", "window_amount",
           "facts_due", "r", "f", "m", "rfm_group", "stage", "lead", "stage_due"]  # fmt: skip
INSTANTS = {"first_order_at", "last_order_at", "facts_due", "stage_due"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios of medians, on a pool of this size."""
    import tempfile

    from benchmarks import generated

    pool = generated.pool(members, orders)
    with tempfile.TemporaryDirectory() as folder, _state_kept(pool):
        files = _parquet(Path(folder), pool)
        full, duck, scan = [], [], []
        for n in range(runs + 1):
            as_of = generated.AS_OF + timedelta(days=3 * (n % 2))
            found: list[Any] = []
            ours = _timed(lambda: found.append(_full(pool, as_of)))  # noqa: B023
            chance = found[0].edges["chance"]
            theirs = _timed(lambda: _duckdb(files, as_of, chance))  # noqa: B023
            if n == 0:
                _assert_same(pool, _duckdb(files, as_of, chance))
            else:  # the first pass warms up
                full.append(ours), duck.append(theirs), scan.append(_timed(_scan))
                _note(n, ours, theirs, found[0])
            _tidy(pool)
        _full(pool, generated.AS_OF)  # what pandas is compared with, whichever day the passes ended on
        pandas = [_timed(lambda: _pandas(pool, generated.AS_OF)) for _ in range(max(1, runs // 2))]
        tick = _ticks(pool, generated.AS_OF, runs)
    share = _share(pool)
    return {
        "recalculation_full_vs_duckdb": _entry(full, duck, "DuckDB, the same from Parquet in memory, nothing written"),
        "recalculation_full_vs_pandas": _entry(full, pandas, "pandas through the driver, written back by COPY"),
        "recalculation_tick_vs_scan": _entry(tick, [s * share for s in scan], "one parallel scan of the pool's orders"),
    }


def _entry(ours: list[float], theirs: list[float], yardstick: str) -> dict[str, Any]:
    ratio = statistics.median(ours) / statistics.median(theirs)
    name = {"DuckDB": "recalculation_full_vs_duckdb", "pandas": "recalculation_full_vs_pandas"}.get(
        yardstick.split(",")[0].split()[0], "recalculation_tick_vs_scan"
    )
    text = f"{yardstick}: {statistics.median(theirs):.3f} s; ours {statistics.median(ours):.3f} s"
    return {"ratio": round(ratio, 3), "yardstick": text, "goal": GOALS[name], "runs": len(ours)}


def _timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _note(n: int, ours: float, theirs: float, run: Any) -> None:
    if os.environ.get("TRACE"):
        print(n, f"{ours:.2f} s, duckdb {theirs:.2f} s", {s["step"]: (s["rows"], s["ms"]) for s in run.steps}, flush=True)


# -- Ours ----------------------------------------------------------------------------------------


def _full(pool: Any, as_of: datetime) -> Any:
    from segmentation.recalculation import services

    return services.recalculate(pool=pool, as_of=as_of)


def _tidy(pool: Any) -> None:
    """What a day between two nightly runs does: autovacuum has been there, history is another day's."""
    from members.models import StateChange
    from scrm.lib import sql

    StateChange.objects.filter(pool=pool).delete()
    sql.run("VACUUM members_memberstate, members_statechange")
    sql.run("CHECKPOINT")


@contextmanager
def _state_kept(pool: Any) -> Iterator[None]:
    """Leave the pool as it was found, for the next measurement."""
    from benchmarks import generated

    try:
        yield
    finally:
        _full(pool, generated.AS_OF)
        _tidy(pool)


def _ticks(pool: Any, as_of: datetime, runs: int) -> list[float]:
    """One member in a hundred has a new order each time."""
    from scrm.lib import sql
    from segmentation.recalculation import services

    _full(pool, as_of)
    found = []
    for n in range(runs + 1):
        now = as_of + timedelta(minutes=n + 1)
        sql.run(NEW_ORDERS, {"pool_id": pool.pk, "n": n, "at": now})
        sql.run(TOUCH, {"pool_id": pool.pk, "n": n})
        found.append(_timed(lambda: services.tick(pool=pool, as_of=now)))  # noqa: B023
    sql.run("DELETE FROM members_order WHERE pool_id = %(pool_id)s AND number LIKE 'TICK-%%'", {"pool_id": pool.pk})
    sql.run("VACUUM members_order")
    return found[1:]


NEW_ORDERS = """
    INSERT INTO members_order (
        member_id, id, pool_id, channel_id, number, status, placed_at, amount, discount, shipping, refunded, store
    )
    SELECT id, order_key(%(pool_id)s, 1, 'TICK-' || id), %(pool_id)s, 1, 'TICK-' || id, 1, %(at)s, 9900, 0, 0, 0, ''
    FROM members_member WHERE pool_id = %(pool_id)s AND hashint8extended(id, 7) & 127 = %(n)s AND unit_hash(id, 8) < 1.28"""
TOUCH = """
    INSERT INTO members_touchedmember (member_id, pool_id)
    SELECT id, pool_id FROM members_member WHERE pool_id = %(pool_id)s AND hashint8extended(id, 7) & 127 = %(n)s
    ON CONFLICT DO NOTHING"""


def _scan() -> None:
    from scrm.lib import sql

    with sql.planner(enable_indexscan="off", enable_indexonlyscan="off", enable_bitmapscan="off", parallel_setup_cost=0):
        sql.fetch("SELECT count(*), sum(net_amount) FROM members_order")


def _share(pool: Any) -> float:
    """The scan reads other pools' orders too, where there are any; only this pool's share counts."""
    from scrm.lib import sql

    ((share,),) = sql.fetch(
        "SELECT (count(*) FILTER (WHERE pool_id = %(pool_id)s))::float8 / count(*) FROM members_order", {"pool_id": pool.pk}
    )
    return float(share)


# -- DuckDB --------------------------------------------------------------------------------------


def _parquet(folder: Path, pool: Any) -> dict[str, Path]:
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    from scrm.lib import sql

    statements = {
        "orders": "SELECT member_id, (extract(epoch FROM placed_at) * 1000000)::bigint AS placed_at, net_amount, status"
        f" FROM members_order WHERE pool_id = {pool.pk} ORDER BY placed_at",
        "members": "SELECT id AS member_id, (extract(epoch FROM joined_at) * 1000000)::bigint AS joined_at"
        f" FROM members_member WHERE pool_id = {pool.pk} AND merged_into IS NULL",
        "events": "SELECT member_id, (extract(epoch FROM occurred_at) * 1000000)::bigint AS occurred_at"
        f" FROM members_event WHERE pool_id = {pool.pk}",
    }
    files = {}
    for name, statement in statements.items():
        path = folder / f"{name}.csv"
        with path.open("wb") as file:
            sql.copy_out(f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)", file)
        files[name] = folder / f"{name}.parquet"
        pq.write_table(csv.read_csv(path), files[name])
        path.unlink()
    return files


def _micro(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    return value // timedelta(microseconds=1) if isinstance(value, timedelta) else value


def _duckdb(files: dict[str, Path], as_of: datetime, chance: dict[str, Any]) -> Any:
    """Everything a full run computes by the chance that runs keep for a month; the ages of its edges are found each time."""
    import duckdb
    import numpy as np
    import pandas as pd

    from segmentation.recalculation.chances import Chance
    from segmentation.recalculation.edges import edges, params
    from segmentation.recalculation.settings import Choices
    from segmentation.recalculation.stages import lead_values

    db = duckdb.connect(":memory:", config={"threads": 2})
    for name, path in files.items():
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
    window = {"as_of": _micro(as_of), "window_from": _micro(as_of) - WINDOW * DAY, "window": WINDOW * DAY}
    db.execute(f"CREATE TABLE facts AS {FACTS}", window)
    choices = Choices()
    row = db.execute(MEASURE, {"quantiles": choices.lifecycle.quantiles}).fetchone()
    found = edges(choices, _named(row), as_of, {"chance": chance})
    x, tx = (np.asarray(column) for column in db.execute(PAIRS).fetchnumpy().values())
    silent, sleeping, lost = Chance.load(chance).ages(x, tx).T
    ages = pd.DataFrame({"pace": x * 65536 + tx, "silent": silent, "sleeping": sleeping, "lost": lost})
    db.register("ages", ages)
    constants = {**params(found, as_of), **lead_values(found.lead, as_of)}
    asked = {key: _micro(value) for key, value in constants.items() if f"${key}" in STATES}
    db.execute(f"CREATE TABLE states AS {STATES}", asked)
    return db


def _named(row: Any) -> dict[str, Any]:
    names = ["buyers", "last_order_at", "window_count", "window_amount", "mean_last_order_at", "mean_window_count",
             "mean_window_amount", "repeat_buyers", "interval_seconds"]  # fmt: skip
    found = dict(zip(names, row, strict=True))
    found["last_order_at"] = [EPOCH + timedelta(microseconds=n) for n in found["last_order_at"]]
    return found


def _live(pool: Any) -> str:
    """The live table as CSV, instants as microseconds."""
    columns = [f"(extract(epoch FROM {name}) * 1000000)::bigint AS {name}" if name in INSTANTS else name for name in COLUMNS]
    return f"COPY (SELECT {', '.join(columns)} FROM members_memberstate WHERE pool_id = {pool.pk}) TO STDOUT (FORMAT csv, HEADER)"


def _assert_same(pool: Any, db: Any) -> None:
    import pyarrow.csv as csv

    from scrm.lib import sql

    file = io.BytesIO()
    sql.copy_out(_live(pool), file)
    file.seek(0)
    live = csv.read_csv(file)
    db.register("live", live)
    picked = ", ".join(COLUMNS)
    for one, other in (("live", "states"), ("states", "live")):
        query = f"SELECT count(*) FROM (SELECT {picked} FROM {one} EXCEPT SELECT {picked} FROM {other})"
        assert db.execute(query).fetchone() == (0,), f"{one} and {other} differ"
    assert live.num_rows == db.execute("SELECT count(*) FROM states").fetchone()[0] > 0


# -- pandas --------------------------------------------------------------------------------------


def _pandas(pool: Any, as_of: datetime) -> None:
    """Read every paid order through the driver, compute with pandas, write all states back by COPY."""
    from scrm.lib import sql

    states = _pandas_states(pool, as_of)
    file = io.BytesIO()
    states.to_csv(file, index=False, header=False)
    file.seek(0)
    types = ", ".join(f"{name} {'timestamptz' if name in INSTANTS else 'bigint'}" for name in COLUMNS)
    sql.run("DROP TABLE IF EXISTS bench_states")
    sql.run(f"CREATE UNLOGGED TABLE bench_states ({types})")
    sql.copy_in("COPY bench_states FROM STDIN (FORMAT csv)", file)
    sql.run("ALTER TABLE bench_states ADD PRIMARY KEY (member_id)")
    differ = " OR ".join(f"b.{name} IS DISTINCT FROM s.{name}" for name in COLUMNS)
    join = f"members_memberstate s JOIN bench_states b USING (member_id) WHERE s.pool_id = {pool.pk}"
    ((same, differing),) = sql.fetch(f"SELECT count(*), count(*) FILTER (WHERE {differ}) FROM {join}")
    assert (same, differing) == (len(states), 0), f"{differing} of {same} differ"
    sql.run("DROP TABLE bench_states")


def _pandas_states(pool: Any, as_of: datetime) -> Any:
    import numpy as np
    import pandas as pd

    from scrm.lib import sql
    from segmentation.recalculation.edges import edges, params
    from segmentation.recalculation.settings import Choices

    where = f"pool_id = {pool.pk}"
    orders = pd.DataFrame(
        sql.fetch(f"SELECT member_id, placed_at, net_amount FROM members_order WHERE {where} AND status = 1"),
        columns=["member_id", "placed_at", "net_amount"],
    )
    people = [pk for (pk,) in sql.fetch(f"SELECT id FROM members_member WHERE {where} AND merged_into IS NULL")]
    window = pd.Timedelta(days=WINDOW)
    orders["placed_at"] = pd.to_datetime(orders["placed_at"], utc=True).dt.as_unit("us")
    ahead = orders[orders["placed_at"] > as_of].groupby("member_id")["placed_at"].min()
    orders = orders[orders["placed_at"] <= as_of]
    by = orders.groupby("member_id")
    recent = orders[orders["placed_at"] > as_of - timedelta(days=WINDOW)].groupby("member_id")
    facts = by.agg(
        order_count=("net_amount", "size"),
        amount_total=("net_amount", "sum"),
        first_order_at=("placed_at", "min"),
        last_order_at=("placed_at", "max"),
    ).join(recent.agg(window_count=("net_amount", "size"), window_amount=("net_amount", "sum"), window_due=("placed_at", "min")))
    facts["window_due"] += window
    facts = facts.fillna({"window_count": 0, "window_amount": 0}).astype({"window_count": "int64", "window_amount": "int64"})

    def cut(values: Any, shares: list[float]) -> list[Any]:
        ranked = np.sort(np.asarray(values))
        return [ranked[max(0, int(np.ceil(round(q * len(ranked), 6))) - 1)].item() for q in shares]

    fifths, choices = [0.2, 0.4, 0.6, 0.8], Choices()
    last = facts["last_order_at"].astype("int64")
    repeat = facts[facts["order_count"] > 1]
    gaps = (repeat["last_order_at"] - repeat["first_order_at"]).astype("int64") / 1e6 / (repeat["order_count"] - 1)
    found = {
        "buyers": len(facts),
        "last_order_at": [EPOCH + timedelta(microseconds=n) for n in cut(last, fifths)],
        "window_count": cut(facts["window_count"], fifths),
        "window_amount": cut(facts["window_amount"], fifths),
        "mean_last_order_at": int((last // 1_000_000).sum()) // len(facts),
        "mean_window_count": int(facts["window_count"].sum()) // len(facts),
        "mean_window_amount": int(facts["window_amount"].sum()) // len(facts),
        "repeat_buyers": len(repeat),
        "interval_seconds": cut(gaps, choices.lifecycle.quantiles),
    }
    chance = _chance(pool)
    known = edges(choices, found, as_of, {"chance": chance.dump()})
    c = params(known, as_of)
    at = facts["last_order_at"]
    facts["r"] = 1 + sum((at > c[f"r{n}"]).astype(int) for n in range(1, 5))
    facts["f"] = 1 + sum((facts["window_count"] > c[f"f{n}"]).astype(int) for n in range(1, 5))
    facts["m"] = 1 + sum((facts["window_amount"] > c[f"m{n}"]).astype(int) for n in range(1, 5))
    high = [at > c["r_split"], facts["window_count"] > c["f_split"], facts["window_amount"] > c["m_split"]]
    facts["rfm_group"] = high[0] * 4 + high[1] * 2 + high[2] * 1
    pace = (facts["order_count"] - 1) * 65536 + (last - facts["first_order_at"].astype("int64")) // DAY
    pairs = pace.unique()
    ages = pd.DataFrame(chance.ages(pairs // 65536, pairs % 65536), index=pairs).loc[pace.to_numpy()]
    ends = [at + pd.to_timedelta(ages[n].to_numpy(), unit="h") for n in range(3)]
    stages = [end > as_of for end in ends]
    facts["stage"] = np.select(stages, [1, 2, 3], 4)
    facts["stage_due"] = ends[0].where(stages[0], ends[1].where(stages[1], ends[2].where(stages[2])))
    states = facts.join(ahead.rename("ahead"), how="outer").reindex(people)
    states["facts_due"] = states[["window_due", "ahead"]].min(axis=1)
    _leads(states, pool, known.lead, as_of)
    zero = ["order_count", "amount_total", "window_count", "window_amount", "stage"]
    states[zero] = states[zero].fillna(0)
    numbers = [*zero, "r", "f", "m", "rfm_group", "lead"]
    states[numbers] = states[numbers].astype("Int64")
    return states.rename_axis("member_id").reset_index()[COLUMNS]


def _chance(pool: Any) -> Any:
    """The chance that the last full run measured or kept."""
    from segmentation.models import RecalculationRun
    from segmentation.recalculation.chances import Chance

    full = RecalculationRun.objects.filter(pool=pool, mode="full", finished_at__isnull=False).order_by("-id")[0]
    return Chance.load(full.edges["chance"])


def _leads(states: Any, pool: Any, lead: dict[str, Any], as_of: datetime) -> None:
    """The stage before the first order, and when it ends, of those without one."""
    import numpy as np
    import pandas as pd

    from scrm.lib import sql
    from segmentation.recalculation.stages import lead_values

    c = lead_values(lead, as_of)
    of = {"pool": pool.pk, "since": c["engaged_from"], "as_of": as_of}
    heard = pd.DataFrame(
        sql.fetch(
            "SELECT member_id, occurred_at FROM members_event"
            " WHERE pool_id = %(pool)s AND occurred_at > %(since)s AND occurred_at <= %(as_of)s",
            of,
        ),
        columns=["member_id", "occurred_at"],
    )
    engaged = pd.to_datetime(heard["occurred_at"], utc=True).groupby(heard["member_id"]).max().reindex(states.index)
    joined = dict(sql.fetch("SELECT id, joined_at FROM members_member WHERE pool_id = %(pool)s", of))
    at = pd.to_datetime(pd.Series(joined), utc=True).reindex(states.index)
    is_lead, is_new = states["order_count"].isna(), at > c["new_from"]
    states["lead"] = np.where(is_lead, np.select([engaged.notna(), is_new], [2, 1], 3), np.nan)
    due = (engaged + c["engaged_for"]).where(engaged.notna(), (at + c["new_for"]).where(is_new))
    states["stage_due"] = states["stage_due"].where(~is_lead, due)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    django.setup()
    sizes = int(os.environ.get("MEMBERS", "100000")), int(os.environ.get("ORDERS", "1000000")), int(os.environ.get("RUNS", "5"))
    print(json.dumps(measure(*sizes), indent=2))
