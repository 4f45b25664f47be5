"""Leaves of rules as bitmaps, and measures as columns, kept in the database until their data changes.

A key is the canonical text of what is kept and the versions of the data it reads, so nothing is
ever invalidated: what is stale is simply never asked for again, and swept away after two days.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from struct import pack
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from pyroaring import BitMap

from members.models import Pool
from members.versions import versions
from scrm.lib import clock, sql
from segmentation import bitmaps, columns, following
from segmentation.columns import Column
from segmentation.models import Leaf as Kept
from segmentation.rules.catalog import fact
from segmentation.rules.measures import Measure, Pass, measures_of, passes
from segmentation.rules.normalise import HOURS, Leaf
from segmentation.rules.statements import choices, domains, grouped, statement

FORMAT = "5"  # raise it when the SQL of facts changes its meaning
UNCOUNTED = frozenset({"blocks", "participants"})
KEEP = timedelta(days=2)
KEEP_ROWS = 3000
KEEP_COLUMNS = 200  # of those, with values: they are the big ones
MOST_SENT = 48_000_000  # bytes of rows that are sent instead of grouped or joined
FEW = 8  # choices that one pass over the rows tells apart; more are grouped
KEEPING = "COPY segmentation_leaf (pool_id, key, size, bitmap, values, labels, ms, at) FROM STDIN (FORMAT binary)"
UNIVERSE = Leaf("universe", op="all")
INSTANT = 12  # bytes of a member and an instant
Row = tuple[bytes, int, bytes, bytes | None, str | None, float]  # key, size, bitmap, values, labels, ms
EVERY_LIVE_MEMBER = "SELECT id FROM members_member WHERE pool_id = %(pool)s AND merged_into IS NULL"


@dataclass
class Shelf:
    """The leaves of one pool during one evaluation; `asked` names what each statement that ran looked at."""

    pool: Pool
    versions: dict[str, int] = field(default_factory=dict)
    held: dict[bytes, BitMap] = field(default_factory=dict)
    columns: dict[bytes, Column] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ms: float = 0.0
    # Data nobody counts the changes of (UNCOUNTED) is read anew each time.
    once: str = field(default_factory=lambda: f"once-{time.time_ns()}")
    _fresh: list[Row] = field(default_factory=list)
    _keys: dict[Leaf | Measure, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.versions = versions(self.pool.pk)

    def key(self, wanted: Leaf | Measure) -> bytes:
        if wanted not in self._keys:
            read = {"members"} if wanted == UNIVERSE else domains(wanted)
            data = ",".join(f"{domain}={self.versions.get(domain, self.once)}" for domain in sorted(read))
            text = f"{FORMAT}|{self.pool.time_zone}|{wanted.canonical()}|{data}"
            self._keys[wanted] = hashlib.sha256(text.encode()).digest()
        return self._keys[wanted]

    def get(self, leaf: Leaf) -> BitMap:
        key = self.key(leaf)
        if key not in self.held:
            self.load([leaf])
        return self.held[key]

    def column(self, measure: Measure) -> Column:
        """The values of a measure, read if they are not at hand."""
        key = self.key(measure)
        if key not in self.columns:
            for one in passes([measure]):
                self._read(one)
            self._save()
        return self.columns[key]

    def universe(self) -> BitMap:
        """Every live member of the pool; whoever was merged into another is not there."""
        return self.get(UNIVERSE)

    def load(self, wanted: Iterable[Leaf]) -> None:
        """Have all these leaves at hand: what is kept, what follows from kept measures, then the data itself."""
        missing = [leaf for leaf in dict.fromkeys(wanted) if self.key(leaf) not in self.held]
        measured = {leaf: found for leaf in missing if leaf != UNIVERSE and (found := measures_of(leaf))}
        if missing:
            self._recall(missing, [(leaf, each) for leaf, found in measured.items() for each in found])
        unknown = [leaf for leaf in missing if self.key(leaf) not in self.held]
        measured = {leaf: measured[leaf] for leaf in unknown if leaf in measured}
        needed = dict.fromkeys(each for found in measured.values() for each in found)
        for one in passes(each for each in needed if self.key(each) not in self.columns):
            self._read(one)
        if UNIVERSE in unknown and self.key(UNIVERSE) not in self.held:
            self._ask([UNIVERSE])
        for batch in grouped([leaf for leaf in unknown if leaf != UNIVERSE and leaf not in measured]):
            self._ask(batch)
        for leaf, found in measured.items():
            self._put(leaf, columns.select([self.columns[self.key(each)] for each in found], leaf.op, leaf.value), 0.0)
        self._save()

    def _recall(self, leaves: list[Leaf], pairs: list[tuple[Leaf, Measure]]) -> None:
        """Take what is kept: leaves, and measures of those that are not."""
        follows = [self.key(leaf) for leaf, _ in pairs]
        asked = {
            "leaves": [self.key(leaf) for leaf in leaves],
            "follows": follows,
            "measures": [self.key(each) for _, each in pairs],
        }
        for key, packed, values, labels in sql.fetch(sql.text("segmentation/recall_leaves"), {"pool": self.pool.pk, **asked}):
            ids = BitMap.deserialize(bytes(packed))
            if values is None:
                self.held[bytes(key)] = ids
            else:
                self.columns[bytes(key)] = columns.unpacked(ids, bytes(values), labels and json.loads(labels))

    def _save(self) -> None:
        if not self._fresh:
            return
        alone, at = transaction.get_autocommit(), clock.now()
        try:
            with transaction.atomic():
                if alone:  # what is lost with the power is computed again: it need not wait for the disk
                    sql.fetch("SELECT set_config('synchronous_commit', 'off', true)")
                sql.values_in(KEEPING, [_binary(self.pool.pk, at, row) for row in self._fresh])
        except IntegrityError:  # somebody else has just kept some of them
            names = ("keys", "sizes", "bitmaps", "values", "labels", "ms")
            rows = dict(zip(names, map(list, zip(*self._fresh, strict=True)), strict=True))
            sql.execute("segmentation/keep_leaves", {"pool": self.pool.pk, "at": at, "alone": alone, **rows})
        self._fresh.clear()

    def _read(self, one: Pass) -> None:
        """Measures of the same rows, in one statement."""
        started = time.perf_counter()
        rows, found = _values(one, self.pool)
        took = self._took(started, one.measures[0].fact)
        if one.everybody and self.key(UNIVERSE) not in self.held:
            self._put(UNIVERSE, bitmaps.of_array(rows), took)
        for measure, column in zip(one.measures, found, strict=True):
            key = self.key(measure)
            self.columns[key] = column
            self._keep(key, column.ids, took, column)

    def _ask(self, batch: list[Leaf]) -> None:
        """Leaves only the database can tell."""
        started = time.perf_counter()
        pool, zone = self.pool.pk, self.pool.zone
        if 1 < len(batch) <= FEW:
            found = bitmaps.chosen_ids(*choices(batch, pool=pool, zone=zone), [leaf.value[0] for leaf in batch])
        elif len(batch) > 1:
            by_choice = dict(bitmaps.grouped_ids(*choices(batch, pool=pool, zone=zone)))
            nobody = np.zeros(0, np.uint32)
            found = [bitmaps.of_array(by_choice.get(leaf.value[0], nobody)) for leaf in batch]
        elif batch == [UNIVERSE]:
            found = bitmaps.fetch(EVERY_LIVE_MEMBER, {"pool": pool})
        else:
            found = bitmaps.fetch(*statement(batch[0], pool=pool, zone=zone))
        took = self._took(started, batch[0].fact)
        for leaf, ids in zip(batch, found, strict=True):
            self._put(leaf, ids, took / len(batch))

    def _took(self, started: float, what: str) -> float:
        took = (time.perf_counter() - started) * 1000
        self.asked.append(what)
        self.ms += took
        return took

    def _put(self, leaf: Leaf, ids: BitMap, ms: float) -> None:
        key = self.key(leaf)
        self.held[key] = ids
        self._keep(key, ids, ms)

    def _keep(self, key: bytes, ids: BitMap, ms: float, column: Column | None = None) -> None:
        ids.run_optimize()
        values = column.packed() if column else None
        labels = json.dumps(column.labels) if column and column.labels is not None else None
        self._fresh.append((key, len(ids), ids.serialize(), values, labels, ms))


def _binary(pool: int, at: datetime, row: Row) -> list[bytes | None]:
    """A row of KEEPING as PostgreSQL keeps it."""
    key, size, packed, values, labels, ms = row
    said = None if labels is None else b"\x01" + labels.encode()
    return [
        pool.to_bytes(8, "big"),
        key,
        size.to_bytes(8, "big"),
        packed,
        values,
        said,
        pack(">d", ms),
        bitmaps.micros(at).to_bytes(8, "big"),
    ]


def _values(one: Pass, pool: Pool) -> tuple[columns.Numbers, list[Column]]:
    """Whose rows there are, and a column of each measure."""
    place: Any = {"pool": pool.pk, "zone": pool.zone}
    if (found := _sequence(one, **place) or _sums(one, **place)) is not None:
        ids, each = found
        return ids, [columns.column(ids, values) for values in each]
    query = one.statement(**place)
    return _choices(*query, texts=one.texts) if one.grouped else _numbers(*query, len(one.measures))


def _sequence(one: Pass, **place: Any) -> tuple[columns.Numbers, list[columns.Numbers]] | None:
    """What happened one after the other, compared here unless that is too much to send."""
    asked, rows = one.measures[0], one.pair(**place)
    if not rows or not asked.then or sum(bitmaps.estimated(*each) for each in rows) * INSTANT > MOST_SENT:
        return None
    within = asked.then.within * HOURS[asked.then.unit] * 3_600_000_000
    first, second = (bitmaps.instants(*each) for each in rows)
    ids, counts = following.counted(first, second, within, missed=fact(asked.fact).missed)
    return ids, [counts]


def _sums(one: Pass, **place: Any) -> tuple[columns.Numbers, list[columns.Numbers]] | None:
    """Rows that are counted or added up, here unless that is too much to send."""
    if not one.each:
        return None
    rows = one.ungrouped(**place)
    return bitmaps.tallied(*rows, one.summed) if bitmaps.estimated(*rows) * one.width <= MOST_SENT else None


def _numbers(text: str, params: dict[str, object], count: int) -> tuple[columns.Numbers, list[Column]]:
    ids, *values = bitmaps.packed_values(text, params, count, columns.UNKNOWN)
    return ids, [columns.column(ids, each) for each in values]


def _choices(text: str, params: dict[str, object], *, texts: bool) -> tuple[columns.Numbers, list[Column]]:
    """Few values of many members: only ids need to travel."""
    groups = bitmaps.grouped_ids(text, params)
    groups.sort(key=lambda group: group[0] is None)  # who has no value comes last
    ids = np.concatenate([np.zeros(0, np.uint32), *(group for _, group in groups)])
    known = [(found, len(group)) for found, group in groups if found is not None]
    places = np.array([place if texts else found for place, (found, _) in enumerate(known)], np.int64)
    values = np.repeat(columns.narrow(places), [size for _, size in known])
    labels = tuple(str(label) for label, _ in known) if texts else None
    return ids, [columns.column(ids[: len(values)], values, labels)]


def sweep(*, as_of: datetime) -> int:
    """Drop what is past its time, and the oldest beyond what a pool may keep."""
    gone, _ = Kept.objects.filter(at__lt=as_of - KEEP).delete()
    for pool_id in Kept.objects.order_by().values_list("pool_id", flat=True).distinct():
        mine = Kept.objects.filter(pool_id=pool_id)
        for rows, most in ((mine.filter(values__isnull=False), KEEP_COLUMNS), (mine, KEEP_ROWS)):
            for pk in rows.order_by("-pk").values_list("pk", flat=True)[most : most + 1]:
                gone += rows.filter(pk__lte=pk).delete()[0]
    return gone
