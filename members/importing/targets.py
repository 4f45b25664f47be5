"""The chunked writes: each chunk is one transaction with the block it reaches to.

The run's tables lie in the order of their targets, so a chunk is a range of their blocks: found
without an index, and its inserts meet neighbouring pages of the target's indexes.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members import versions
from members.importing import locks
from members.importing.people import some
from members.importing.progress import Progress
from members.importing.staging import Plan, table, table_name
from scrm.lib import clock, sql

BLOCKS_PER_CHUNK = 3000  # ~24 MB, some 150,000 orders
FOLDER = "members/importing/"


class Overtaken(Exception):
    """Somebody registered an identity of this file, or merged members, while it was being imported."""


@dataclass(frozen=True)
class Target:
    """One table to be written from one of the run's tables."""

    source: str
    insert: str
    update: str = ""
    touch: str = ""
    domains: tuple[str, ...] = ()


MEMBERS = Target("members", "insert_members", "update_members", "touch_new_members", ("members",))
ORDERS = Target("ready", "insert_orders", "update_orders", "touch_ready_members", ("orders",))
LINES = Target("ready", "insert_lines", "update_lines", "", ("orders",))
PRODUCTS = Target("ready", "insert_products", "update_products", "", ("products",))
EVENTS = Target("ready", "insert_events", "", "touch_ready_members", ("events",))


def blocks(plan: Plan, source: str) -> int:
    """How many blocks a table of the run has."""
    name = {"name": table_name(plan.run, source)}
    size = "SELECT pg_relation_size(to_regclass(%(name)s)) / current_setting('block_size')::int"
    return int(sql.fetch(size, name)[0][0] or 0)


def write(plan: Plan, target: Target, params: dict[str, Any], progress: Progress, key: str) -> None:
    """All chunks of a target that are not written yet."""
    total = blocks(plan, target.source)
    rows = int(sql.fetch(pg.SQL("SELECT count(*) FROM {}").format(table(plan.run, target.source)))[0][0])
    begun = progress.watermark | {"phase_at": clock.now().isoformat()}
    progress.checkpoint(total=rows, done=begun.get(f"{key}_rows", 0), phase=f"write_{key}", watermark=begun)
    while (first := progress.watermark.get(key, 0)) < total:
        _chunk(plan, target, params, progress, key, (first, min(total, first + BLOCKS_PER_CHUNK)), rows)
        progress.checkpoint()


def _chunk(
    plan: Plan, target: Target, params: dict[str, Any], progress: Progress, key: str, span: tuple[int, int], rows: int
) -> None:
    here = params | {"first": f"({span[0]},0)", "last": f"({span[1]},0)"}
    with transaction.atomic():
        locks.writing(plan.run.pool_id)
        if progress.watermark.get("merges") != locks.latest_merge(plan.run.pool_id):
            raise Overtaken  # some of these rows may be of a member who has become another since
        written = _statement(plan, target.insert, here)
        if target.update:
            written += _statement(plan, target.update, here)
        if target is MEMBERS:
            _register(plan, here)
        if target.touch and written:
            _statement(plan, target.touch, here)
        if written:
            versions.bump(plan.run.pool_id, *target.domains)
        seen = progress.watermark.get(f"{key}_rows", 0) + _rows(plan, target.source, here)
        progress.checkpoint(done=seen, total=rows, watermark=progress.watermark | {key: span[1], f"{key}_rows": seen})


def _statement(plan: Plan, name: str, params: dict[str, Any]) -> int:
    source = "members" if name in (MEMBERS.insert, MEMBERS.update, MEMBERS.touch) else "ready"
    return sql.execute(FOLDER + name, params, **some(plan, source))


def _rows(plan: Plan, source: str, here: dict[str, Any]) -> int:
    statement = pg.SQL("SELECT count(*) FROM {} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid")
    return int(sql.fetch(statement.format(table(plan.run, source)), here)[0][0])


def _register(plan: Plan, here: dict[str, Any]) -> None:
    """The identities of a chunk's people, all of them or the chunk is undone."""
    span = pg.SQL("SELECT min(member_id), max(member_id) FROM {} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid")
    low, high = sql.fetch(span.format(table(plan.run, "members")), here)[0]
    wanted = pg.SQL("SELECT count(*) FROM {} WHERE member_id >= %(low)s AND member_id <= %(high)s").format(
        table(plan.run, "fresh")
    )
    names = here | {"low": low, "high": high}
    made = sql.execute(FOLDER + "insert_identities", names, **some(plan, "fresh"))
    if made != sql.fetch(wanted, names)[0][0]:
        raise Overtaken
