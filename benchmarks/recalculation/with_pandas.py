"""The states by pandas: every order through the driver, computed, written back by COPY. Schemes are left out."""

import io
from datetime import datetime, timedelta
from typing import Any

from benchmarks.recalculation.outputs import COLUMNS, DAY, EPOCH, INSTANTS, WINDOW


def run(pool: Any, as_of: datetime) -> None:
    """Read every paid order through the driver, compute with pandas, write all states back by COPY."""
    from scrm.lib import sql

    states = _states(pool, as_of)
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


def _states(pool: Any, as_of: datetime) -> Any:
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
    _leads(states, pool, known.lead or {}, as_of)
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
