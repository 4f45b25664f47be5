"""What models read, out of the database into columns: one SELECT, one COPY, no row is an object."""

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from django.db import transaction
from psycopg2 import sql as pg

from scrm.lib import sql
from segmentation.predicting import sharing
from segmentation.predicting.declaring import Ask, Frame, Model, Sample

PARTS = 1 << 20  # of the hash that samples are drawn by
# Orders and lines meet by two columns, which the planner takes for a rare chance: it would look up what is better read once.
ALL_AT_ONCE: dict[str, str | float] = {"enable_nestloop": "off", "work_mem": "128MB"}


@contextmanager
def table(name: str, select: str, params: dict[str, Any]) -> Iterator[pg.Identifier]:
    """What a SELECT finds, as a table of its own for as long as it is looked at."""
    with _table(name, sql.bound(pg.SQL(sql.text(f"segmentation/{select}")).format(), params)) as made:
        yield made


@contextmanager
def _table(name: str, select: pg.Composable, of: str = "") -> Iterator[pg.Identifier]:
    made = pg.SQL("CREATE TEMPORARY TABLE {} AS ").format(pg.Identifier(name)) + select

    def make() -> None:
        with transaction.atomic(), sql.planner(**ALL_AT_ONCE):
            sql.run(made, {})
        sql.run(pg.SQL("ANALYZE {}").format(pg.Identifier(name)))

    with sharing.standing(name, of + sql.bound(made, {}).string, make) as found:
        yield found


# What statements read of members, by the names of their slots.
TABLES = {"orders": "members_order", "lines": "members_orderline", "events": "members_event"}
WHOLE = {name: pg.Identifier(each) for name, each in TABLES.items()}


def between(low: int, high: int) -> dict[str, pg.Composable]:
    """The orders, lines and events of members between two numbers: a part of everybody reads no more than its own."""
    found = pg.SQL("(SELECT * FROM {} WHERE member_id BETWEEN {} AND {})")
    return {name: found.format(each, pg.Literal(low), pg.Literal(high)) for name, each in WHOLE.items()}


@contextmanager
def copied(model: Model, scope: pg.Composed) -> Iterator[tuple[pg.Identifier, dict[str, pg.Composable]]]:
    """Members, and what a model reads of them, as tables of their own: whoever looks at many instants reads the whole once."""
    read = sql.text(f"segmentation/{model.features}") + sql.text(f"segmentation/{model.outcome}")
    drawn = sql.bound(pg.SQL("SELECT member_id FROM {} AS s").format(scope), {})
    with ExitStack() as kept:
        members = kept.enter_context(_table("predicting_members", drawn))
        made: dict[str, pg.Composable] = {}
        for name, each in WHOLE.items():
            if f"{{{name}}}" in read:
                select = pg.SQL("SELECT t.* FROM {} AS t INNER JOIN {} AS s ON s.member_id = t.member_id").format(each, members)
                made[name] = kept.enter_context(_table(f"predicting_{name}", select, drawn.string))
        yield members, made


def everybody(pool_id: int, low: int = 0, high: int = 2**32 - 1) -> pg.Composed:
    """The members of a pool between two numbers, as a relation; who was merged or erased is left out."""
    found = "(SELECT id AS member_id FROM members_member WHERE pool_id = {} AND merged_into IS NULL AND id BETWEEN {} AND {})"
    return pg.SQL(found).format(pg.Literal(pool_id), pg.Literal(low), pg.Literal(high))


def some(pool_id: int, share: float, seed: int, always: Sequence[int] = ()) -> pg.Composed:
    """A share of them, the same ones for the same seed, and some in any case."""
    if share >= 1:
        return everybody(pool_id)
    found = (
        "(SELECT id AS member_id FROM members_member WHERE pool_id = {} AND merged_into IS NULL"
        " AND ((hashint8extended(id, {}) & {}) < {} OR id = ANY({}::bigint[])))"
    )
    return pg.SQL(found).format(*(pg.Literal(each) for each in (pool_id, seed, PARTS - 1, int(share * PARTS), [*always])))


def read(model: Model, ask: Ask, scope: pg.Composable) -> Frame:
    """Members the model speaks of, as they were at the cutoff."""
    frame = _columns(model.features, ask.params | model.params(ask), scope, {**WHOLE, **model.slots(ask), **ask.laid})
    return pick(frame, model.eligible(frame))


def sample(model: Model, ask: Ask, cutoff: datetime, scope: pg.Composable) -> Sample:
    """Members at an earlier cutoff and what they did afterwards; nothing there is 0, of `wait` unknown."""
    ask = replace(ask, cutoff=cutoff)
    frame = read(model, ask, scope)
    told = ask.params | model.params(ask) | model.later(ask)
    found = _columns(model.outcome, told, scope, {**WHOLE, **model.slots(ask), **ask.laid})
    return Sample(cutoff, frame, _beside(frame["member_id"], found))


def pick(frame: Frame, rows: Any) -> Frame:
    """Some rows of a frame."""
    return frame if len(rows) and np.asarray(rows).all() else {name: column[rows] for name, column in frame.items()}


def _columns(name: str, params: dict[str, Any], scope: pg.Composable, slots: dict[str, pg.Composable]) -> Frame:
    asked = sql.bound(pg.SQL(sql.text(f"segmentation/{name}")).format(scope=scope, **slots), params)
    return sharing.once("frames", asked.string, lambda: _fetched(name, params, scope=scope, **slots))


def _fetched(name: str, params: dict[str, Any], **slots: pg.Composable) -> Frame:
    into = io.BytesIO()
    with transaction.atomic(), sql.planner(**ALL_AT_ONCE):
        sql.copy_rows(f"segmentation/{name}", into, params, **slots)
    into.seek(0)
    kinds = {"member_id": pa.int64()}
    heads = into.readline().decode().strip().split(",")
    if not into.read(1):
        return {head: np.empty(0, np.int64 if head in kinds else float) for head in heads}
    into.seek(0)
    types = {head: kinds.get(head, pa.float64()) for head in heads}
    table = pyarrow.csv.read_csv(into, convert_options=pyarrow.csv.ConvertOptions(column_types=types))
    frame = {head: table[head].to_numpy() for head in heads}
    order = np.argsort(frame["member_id"], kind="stable")
    return {head: column[order] for head, column in frame.items()}


def _beside(members: Any, found: Frame) -> Frame:
    """Rows of `found` in step with `members`."""
    place = np.searchsorted(found["member_id"], members)
    place = np.minimum(place, max(len(found["member_id"]) - 1, 0))
    there = found["member_id"][place] == members if len(found["member_id"]) else np.zeros(len(members), bool)
    made: Frame = {"member_id": members}
    for name, column in found.items():
        if name != "member_id":
            nothing = np.nan if name == "wait" else 0.0
            made[name] = np.where(there, column[place], nothing) if len(column) else np.full(len(members), nothing)
    return made
