"""The chunked writes: each chunk is one transaction with the block it reaches to.

The run's tables lie in the order of their targets, so a chunk is a range of their blocks: found
without an index, and its inserts meet neighbouring pages of the target's indexes.
"""

from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members import versions
from members.importing import journal, locks, owners
from members.importing.people import some
from members.importing.progress import Progress
from members.importing.staging import Plan, table, table_name
from members.touching import GOODS, is_read
from scrm.lib import clock, sql

BLOCKS_PER_CHUNK = 3000  # ~24 MB, some 150,000 orders
FOLDER = "members/importing/"
NEW, CHANGED, WAITING = 0, 2, 8  # classes of rows that are written


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
    lock: str = ""  # holds the rows to be updated, when what they become depends on what they are
    known: str = ""  # marks rows that somebody else inserted meanwhile; without it that cannot happen
    settle: str = ""  # carries what was written on to other tables
    fact: str = ""  # members are touched only where somebody reads it; without it always


MEMBERS = Target("members", "insert_members", "update_members", "touch_written_members", ("members",))
ORDERS = Target("ready", "insert_orders", "update_orders", "touch_ready_members", ("orders",), "lock_orders")
LINES = Target("ready", "insert_lines", "update_lines", "touch_ready_members", ("orders",), fact=GOODS)
PRODUCTS = Target("ready", "insert_products", "update_products", "", ("products",), "", "mark_known_products")
REFUNDS = Target(
    "ready", "insert_refunds", "update_refunds", "touch_ready_members", ("orders",), "", "mark_known_refunds", "settle_refunds"
)
RETURNS = replace(REFUNDS, source="returns")
EVENTS = Target("ready", "insert_events", "", "touch_ready_members", ("events",), "", "mark_known_events")


def blocks(plan: Plan, source: str) -> int:
    """How many blocks a table of the run has."""
    return journal.blocks(table_name(plan.run, source))


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
        found = _classes(plan, target.source, here)
        if target is MEMBERS and plan.run.kind == plan.run.Kind.MEMBERS and plan.says("owner"):
            sql.execute(FOLDER + "note_owners", here | owners.noted(plan.run), **some(plan, "members"))
        written = _insert(plan, target, here, found.get(NEW, 0) + found.get(WAITING, 0))
        written += _update(plan, target, here, found.get(CHANGED, 0))
        if target.settle and written:
            _statement(plan, target, target.settle, here)
        if target is MEMBERS and (found.get(NEW) or found.get(CHANGED)):
            written += _register(plan, here)
        if target.touch and written and (not target.fact or is_read(plan.run.pool_id, target.fact)):
            _statement(plan, target, target.touch, here)
        if written:
            versions.bump(plan.run.pool_id, *target.domains)
        journal.note(plan.run, target.source, span[1], written)
        seen = progress.watermark.get(f"{key}_rows", 0) + sum(found.values())
        progress.checkpoint(done=seen, total=rows, watermark=progress.watermark | {key: span[1], f"{key}_rows": seen})


class _Known(Exception):
    """Some of a chunk's new rows are there already."""


def _insert(plan: Plan, target: Target, here: dict[str, Any], count: int) -> int:
    """Insert a chunk's new rows; those that came by another way meanwhile are no longer called new."""
    if not count:
        return 0
    try:
        with transaction.atomic():
            written = _statement(plan, target, target.insert, here)
            if written < count and target.known:
                raise _Known
    except _Known:
        _statement(plan, target, target.known, here)
        written = _statement(plan, target, target.insert, here)
    return written


def _update(plan: Plan, target: Target, here: dict[str, Any], count: int) -> int:
    if not count or not target.update:
        return 0
    if target.lock:
        _statement(plan, target, target.lock, here)
    return _statement(plan, target, target.update, here)


def _statement(plan: Plan, target: Target, name: str, params: dict[str, Any]) -> int:
    text = sql.text(FOLDER + name)
    slots = some(plan, *(part for part in ("members", "changed") if f"{{{part}}}" in text))
    if "{ready}" in text:
        slots["ready"] = table(plan.run, target.source)
    if "{combined}" in text:
        span = pg.SQL("SELECT * FROM {} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND class = 2")
        slots["combined"] = combined_orders(span.format(table(plan.run, "ready")))
    return sql.execute(FOLDER + name, params, **slots)


def combined_orders(said: pg.Composable) -> pg.Composed:
    """Rows about orders, and what becomes of the orders known."""
    return pg.SQL(sql.text(FOLDER + "combine_orders")).format(said=said)


def judged_orders(said: pg.Composable) -> pg.Composed:
    """Rows about orders with their class."""
    return pg.SQL(sql.text(FOLDER + "judge_orders")).format(combined=combined_orders(said))


def _classes(plan: Plan, source: str, here: dict[str, Any]) -> dict[int, int]:
    """The rows of a chunk by class."""
    statement = pg.SQL("SELECT class, count(*) FROM {} WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid GROUP BY class")
    return {int(code): int(number) for code, number in sql.fetch(statement.format(table(plan.run, source)), here)}


def _register(plan: Plan, here: dict[str, Any]) -> int:
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
    return made
