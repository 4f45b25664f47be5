"""Where stages begin: by the chance of not buying, the pool's or the category's rhythm, or fixed days; and before the
first order, by joining and late events. What `find_changes` joins: who is a lead of which stage, each buyer's pace, and per pace
the ages at which its stages begin."""

import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql as pg

from scrm.lib import sql
from segmentation.recalculation import chances
from segmentation.recalculation.chances import Chance, Histories
from segmentation.recalculation.edges import Edges, whole_days
from segmentation.recalculation.settings import LifecycleSettings
from segmentation.standings import columns

if TYPE_CHECKING:
    from segmentation.recalculation.steps import Chain

# On one line each: a slot may stand in a comment of the file, too.
NO_LEADS = pg.SQL("(SELECT NULL::bigint AS member_id, NULL::smallint AS lead, NULL::timestamptz AS due WHERE false)")
NO_PACES = pg.SQL("(SELECT NULL::bigint AS member_id, NULL::bigint AS pace WHERE false)")
NO_AGES = pg.SQL("(SELECT NULL::bigint AS pace, NULL::int AS silent, NULL::int AS sleeping, NULL::int AS lost WHERE false)")
AGES = "(pace bigint PRIMARY KEY, silent int NOT NULL, sleeping int NOT NULL, lost int NOT NULL)"
# Orders and lines meet by two columns, which the planner takes for a rare chance: it would look each up.
READ_ONCE: dict[str, Any] = {"enable_nestloop": "off", "work_mem": "256MB"}
BINARY = np.dtype(
    [("columns", ">i2")] + [(name, kind) for n in range(4) for name, kind in ((f"l{n}", ">i4"), (f"v{n}", ">i4" if n else ">i8"))]
)
HEADER, TRAILER = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"


# -- Measuring -----------------------------------------------------------------------------------


def measure(lifecycle: LifecycleSettings, chain: "Chain", kept: Edges | None) -> dict[str, Any]:
    """What the mode asks for beyond the pool's rhythm, as fields of Edges. A chance measured lately is kept, so that
    stages of two days are cut alike."""
    if lifecycle.mode == "model":
        found = histories(chain.tables["facts"], chain.as_of)
        return {"chance": _chance(lifecycle, found, chain.as_of, kept.chance if kept else None)}
    if lifecycle.mode == "category":
        return {"categories": categories(lifecycle, chain)}
    return {}


def _chance(
    lifecycle: LifecycleSettings, found: Histories, as_of: datetime, kept: dict[str, Any] | None
) -> dict[str, Any] | None:
    asked = [lifecycle.shares, lifecycle.horizon_days]
    if kept and Chance.load(kept).still_holds(found, asked, timedelta(days=lifecycle.keep_days), as_of):
        return kept
    measured = chances.measure(found, asked, as_of)
    return measured.dump() if measured else None


def histories(relation: pg.Composable, as_of: datetime) -> Histories:
    """The buyers of a relation of facts, collapsed."""
    return Histories.unpacked(sql.value("segmentation/pack_histories", {"as_of": as_of}, facts=relation))


def categories(lifecycle: LifecycleSettings, chain: "Chain") -> dict[str, list[int]]:
    """Per category with repeat buyers enough, the days at which its members' stages begin."""
    values = {"interval_quantiles": lifecycle.quantiles, "enough": chances.ENOUGH_REPEAT_BUYERS}
    found = sql.rows("segmentation/measure_categories", values, bought=bought(chain))
    return {row["category"]: whole_days(row["interval_seconds"]) for row in found}


def bought(chain: "Chain") -> pg.Composable:
    """What the members of the scope bought of each category; lines are read once, whoever measures and whoever paces by it."""
    if "bought" not in chain.tables:
        chain.keep("bought", "sum_categories", {"as_of": chain.as_of}, **({} if chain.of else READ_ONCE))
    return chain.tables["bought"]


# -- Laying the tables -----------------------------------------------------------------------------


def lay(chain: "Chain", found: Edges) -> None:
    """Leads, paces and ages for a pass of the chain, beside the facts it has gathered."""
    chain.tables |= {"leads": NO_LEADS, "paces": NO_PACES, "ages": NO_AGES}
    if found.lead:
        _leads(chain, found, lead_values(found.lead, chain.as_of))
    if found.stage_basis == "category":
        bought(chain)
        chain.keep("paces", "gather_categories", {"categories": list(found.categories)})
        hours = np.array(list(found.categories.values()), np.int64).reshape(-1, 3) * 24
        _keep_ages(chain, np.arange(1, len(hours) + 1), hours)
    if found.chance:
        x, tx = histories(chain.tables["facts"], chain.as_of).pairs
        _keep_ages(chain, x * chances.TX + tx, Chance.load(found.chance).ages(x, tx))


def engagement(found: Edges, as_of: datetime) -> columns.Column | None:
    """What tells of an engaged lead in a pass over all events; none where the newest one alone does not say it."""
    if not found.lead or found.lead["engaged_events"] > 1:
        return None
    return columns.latest("event", as_of - timedelta(days=found.lead["engaged_days"]), found.lead["event_kinds"])


def _leads(chain: "Chain", found: Edges, values: dict[str, Any]) -> None:
    column = engagement(found, chain.as_of)
    if chain.of or column is None or "events" not in chain.tables:
        chain.keep("leads", f"gather_leads{chain.of}", values)
    else:
        chain.keep("leads", "gather_leads_seen", values, slots={"engaged_at": pg.Identifier(column.name)})


def lead_values(lead: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    """The constants of gather_leads."""
    new, engaged = timedelta(days=lead["new_days"]), timedelta(days=lead["engaged_days"])
    return {
        "as_of": as_of,
        "new_for": new,
        "new_from": as_of - new,
        "engaged_for": engaged,
        "engaged_from": as_of - engaged,
        "engaged_events": lead["engaged_events"],
        "event_kinds": lead["event_kinds"],
    }


def _keep_ages(chain: "Chain", paces: Any, hours: Any) -> None:
    """A table of the run: per pace the hours without an order at which its stages begin."""
    table = chain.table("ages")
    with chain.step("measure_ages") as note:
        sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(table))
        sql.run(pg.SQL("CREATE {} TABLE {} " + AGES).format(chain.kind, table))
        note["rows"] = sql.copy_in(pg.SQL("COPY {} FROM STDIN (FORMAT binary)").format(table), io.BytesIO(binary(paces, hours)))
        sql.run(pg.SQL("ANALYZE {}").format(table))
    chain.tables["ages"] = table


def binary(paces: Any, hours: Any) -> bytes:
    """Rows as COPY reads them: lengths and numbers in network order."""
    rows = np.zeros(len(paces), BINARY)
    rows["columns"], rows["l0"], rows["v0"] = 4, 8, paces
    for n in (1, 2, 3):
        rows[f"l{n}"], rows[f"v{n}"] = 4, hours[:, n - 1]
    return HEADER + rows.tobytes() + TRAILER
