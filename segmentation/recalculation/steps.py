"""The chain, declared: each step is one SQL file; its rows and milliseconds are kept with the run."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from psycopg2 import sql as pg

from members import versions
from scrm.lib import sql
from segmentation.recalculation import stages
from segmentation.recalculation.edges import Edges, edges, params
from segmentation.recalculation.settings import Choices

TITLES: dict[str, str | Promise] = {
    "take_touched": _("取待算会员"),
    "gather_facts": _("汇总订单"),
    "find_future_facts": _("查未来数据"),
    "measure_thresholds": _("测定分界"),
    "gather_leads": _("汇总潜客互动"),
    "gather_leads_seen": _("汇总潜客互动"),
    "sum_categories": _("汇总各品类购买"),
    "gather_categories": _("找出主购品类"),
    "measure_ages": _("推算阶段天数"),
    "find_changes": _("打分并比对"),
    "update_states": _("更新状态"),
    "insert_states": _("新增状态"),
    "insert_state_changes": _("记录变化"),
    "drop_merged_states": _("清理已合并"),
}
# Statements of `segmentation/sql/standings/`, and the measuring and gathering of families, each for one scheme.
SCHEME_TITLES: dict[str, str | Promise] = {
    "gather": _("汇总行为"),
    "measure": _("测定分界"),
    "find_changes": _("归类并比对"),
    "update_standings": _("更新层级"),
    "insert_standings": _("新增层级"),
    "delete_standings": _("移出层级"),
    "insert_standing_changes": _("记录变化"),
    "drop_merged_standings": _("清理已合并"),
    "drop_archived_standings": _("清理已归档方案"),
}
# The planner expects a tenth of the real number of groups and would hash; the covering index is in order already.
# A worker takes a whole part, so nothing inside a part is split: partial sums of big integers, and hash tables
# of a million rows, cost twice the processor time of reading both sides in key order. The leader only writes.
IN_ORDER: dict[str, Any] = {
    "enable_hashagg": "off",
    "enable_hashjoin": "off",
    "enable_bitmapscan": "off",
    "parallel_setup_cost": 0,
    "parallel_tuple_cost": 0.001,
    "min_parallel_index_scan_size": "1TB",
    "min_parallel_table_scan_size": "1TB",
    "parallel_leader_participation": "off",
    "work_mem": "256MB",
}
# One process sorts for every quantile; handing it the rows from others costs more than reading them itself.
ALONE: dict[str, str | float] = {"max_parallel_workers_per_gather": 0, "work_mem": "256MB"}
EVERYBODY = ((0, 2**32 - 1),)  # one part: all member ids
# Nobody knows how many wait; they are few, so members are looked up by key rather than all read.
ONE_BY_ONE = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
UNLOGGED, TEMPORARY = pg.SQL("UNLOGGED"), pg.SQL("TEMPORARY")
FIRST, EACH = 8, 6  # steps of a full run, and for each scheme: how far a job has come
Report = Callable[[str, int], None]
Bounds = Mapping[str, pg.Composable]
Slot: TypeAlias = "pg.Composable | Callable[[Bounds], pg.Composable]"  # what depends on the part is a function of it
Slots = Mapping[str, Slot]


def title(step: str) -> str | Promise:
    """What people read for a step; statements of schemes come as "standings/find_changes"."""
    if step in TITLES:
        return TITLES[step]
    name = step.rpartition("/")[2]
    return SCHEME_TITLES.get(name) or SCHEME_TITLES.get(name.partition("_")[0]) or step


def bounds(part: tuple[int, int]) -> Bounds:
    """The slots that say whose ids a part has."""
    return {"low": pg.Literal(part[0]), "high": pg.Literal(part[1])}


def body(name: str) -> str:
    """A statement of segmentation without its header: a slot there would spill its lines out of the comment."""
    lines = sql.text(f"segmentation/{name}").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("--"))


def quiet(step: str, number: int) -> None:
    """Tell nobody."""


@dataclass
class Chain:
    """One pass: whose (a relation of member ids), as of when, and what was done so far."""

    pool_id: int
    as_of: datetime
    scope: pg.Composable
    kind: pg.SQL  # what the run's tables are: UNLOGGED (parallel workers read them) or TEMPORARY
    of: str = ""  # "_of": the variants for a scope of few members
    window_days: int = 365  # of window_count and window_amount in the facts
    parts: tuple[tuple[int, int], ...] = EVERYBODY  # member ids from … to: what one worker does
    tables: dict[str, pg.Composable] = field(default_factory=dict)
    done: list[dict[str, Any]] = field(default_factory=list)
    report: Report = quiet

    def table(self, slot: str) -> pg.Identifier:
        """A table of this run. The schema is part of the name: where a session has no temporary table, the same name
        without it would be that of a run going on elsewhere."""
        return pg.Identifier(self._schema, f"recalculation_{slot}_{self.pool_id}")

    @cached_property
    def _schema(self) -> str:
        return "pg_temp" if self.kind == TEMPORARY else str(sql.fetch("SELECT current_schema()")[0][0])

    @contextmanager
    def step(self, name: str, scheme: int | None = None) -> Iterator[dict[str, int]]:
        """Time a step, maybe of one scheme, and note its rows."""
        self.report(name, len(self.done))
        note, started = {"rows": 0}, time.perf_counter()
        yield note
        mine = {"scheme": scheme} if scheme else {}
        self.done.append({"step": name, **mine, "rows": note["rows"], "ms": round((time.perf_counter() - started) * 1000)})

    def keep(
        self,
        slot: str,
        name: str,
        values: dict[str, Any],
        slots: Slots | None = None,
        scheme: int | None = None,
        told: bool = True,
        **planner: Any,
    ) -> None:
        """Run a SELECT of the chain into a table of this run: only such a statement runs in parallel."""
        table = self.table(slot)
        with self.step(name.removesuffix("_of"), scheme) as note, transaction.atomic(), sql.planner(**planner):
            sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(table))
            made = pg.SQL("CREATE {} TABLE {} AS ").format(self.kind, table)
            note["rows"] = sql.run(made + self._parted(name, slots or {}), values | {"pool_id": self.pool_id})
            if self.of and told:  # a few members: the planner must know, or it reads all states; the key is all it joins by
                sql.run(pg.SQL("ANALYZE {} (member_id)").format(table))
        self.tables[slot] = table

    def _parted(self, name: str, slots: Slots) -> pg.Composed:
        """The statement once per part; a file that knows no bounds is there once."""
        file = body(name)
        parts = self.parts if "{low}" in file or callable(slots.get("mine")) else EVERYBODY
        made = [pg.SQL("({})").format(pg.SQL(file).format(**self._filled(slots, bounds(part)))) for part in parts]
        return pg.SQL(" UNION ALL ").join(made)

    def _filled(self, slots: Slots, ends: Bounds) -> dict[str, pg.Composable]:
        given = {name: slot(ends) if callable(slot) else slot for name, slot in slots.items()}
        return {"scope": self.scope, **self.tables, **given, **ends}

    def write(self, name: str, values: dict[str, Any] | None = None, scheme: int | None = None, **slots: pg.Composable) -> None:
        """Run a writing statement of the chain."""
        with self.step(name, scheme) as note:
            note["rows"] = sql.execute(
                f"segmentation/{name}", {"pool_id": self.pool_id, "as_of": self.as_of, **(values or {})}, **slots
            )

    def drop(self) -> None:
        """Remove the tables of this run."""
        for table in self.tables.values():
            if isinstance(table, pg.Identifier):
                sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(table))


def clear(pool_id: int) -> None:
    """Remove what an earlier run of the pool left behind: it was killed, cancelled, or failed. Only while runs are locked out."""
    found = sql.fetch(
        "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
        " AND relkind = 'r' AND relpersistence = 'u' AND relname ~ %(mine)s",
        {"mine": f"^recalculation_.*_{pool_id}$"},
    )
    if found:
        sql.run(pg.SQL("DROP TABLE {}").format(pg.SQL(", ").join(pg.Identifier(name) for (name,) in found)))


def known(pool_id: int) -> pg.Composable:
    """The facts as the last run left them, as a relation. On one line: a slot may stand in a comment of the file, too."""
    columns = "member_id, order_count, amount_total, first_order_at, last_order_at, window_count, window_amount"
    found = "(SELECT {}, facts_due AS window_due FROM members_memberstate WHERE pool_id = {} AND order_count > 0)"
    return pg.SQL(found).format(pg.SQL(columns), pg.Literal(pool_id))


def facts(chain: Chain, window: dict[str, Any], columns: pg.Composable | None = None) -> None:
    """What the members of the scope did; beside it, in the same pass over their orders, what schemes want of them."""
    more = {"columns": pg.SQL(",\n    ") + columns if columns else pg.SQL("")}
    chain.keep("facts", f"gather_facts{chain.of}", window, slots=more, **({} if chain.of else IN_ORDER))
    if columns:
        chain.tables["orders"] = chain.tables["facts"]
    chain.keep("future", f"find_future_facts{chain.of}", {"as_of": chain.as_of})


def measure(choices: Choices, chain: Chain, kept: Edges | None = None) -> Edges:
    """Edges out of the distribution of the facts gathered; of what was `kept`, what still holds is not measured again."""
    relation, cycle = chain.tables["facts"], choices.lifecycle
    found = sql.row("segmentation/measure_thresholds", {"interval_quantiles": cycle.quantiles}, facts=relation)
    assert found is not None
    return edges(choices, found, chain.as_of, stages.measure(cycle, chain, kept))


def compare(chain: Chain, found: Edges) -> None:
    """Scores, group and stage by constant edges; what differs from the stored state."""
    stages.lay(chain, found)
    chain.keep("changes", "find_changes", params(found, chain.as_of), **({} if chain.of else IN_ORDER))


def save(chain: Chain) -> int:
    """Write what differs and its history, in the caller's transaction; how many members changed."""
    changes = chain.tables["changes"]
    for name in ("update_states", "insert_states", "insert_state_changes"):
        chain.write(name, changes=changes)
    chain.write("drop_merged_states")
    changed = sum(note["rows"] for note in chain.done if note["step"] in ("update_states", "insert_states", "drop_merged_states"))
    if changed:
        versions.bump(chain.pool_id, "state")
    return changed
