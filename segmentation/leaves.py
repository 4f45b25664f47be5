"""Leaves of rules as bitmaps, and measures as columns, kept in the database until their data changes.

A key is the canonical text of what is kept and the versions of the data it reads, so nothing is
ever invalidated: what is stale is simply never asked for again, and swept away after two days.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from pyroaring import BitMap

from members.models import Pool
from members.versions import versions
from segmentation import bitmaps, columns
from segmentation.columns import Column
from segmentation.models import Leaf as Kept
from segmentation.rules.catalog import fact
from segmentation.rules.measures import Measure, Pass, measures_of, passes
from segmentation.rules.normalise import Leaf
from segmentation.rules.statements import choices, grouped, statement

FORMAT = "3"  # raise it when the SQL of facts changes its meaning
KEEP = timedelta(days=2)
KEEP_ROWS = 3000
KEEP_COLUMNS = 200  # of those, with values: they are the big ones
UNIVERSE = Leaf("universe", "all")
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
    # Data nobody counts the changes of is read anew each time.
    once: str = field(default_factory=lambda: f"once-{time.time_ns()}")
    _fresh: list[Kept] = field(default_factory=list)
    _keys: dict[Leaf | Measure, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.versions = versions(self.pool.pk)

    def key(self, wanted: Leaf | Measure) -> bytes:
        if wanted not in self._keys:
            domains = ("members",) if wanted == UNIVERSE else fact(wanted.fact).domains
            data = ",".join(f"{domain}={self.versions.get(domain, self.once)}" for domain in sorted(domains))
            text = f"{FORMAT}|{self.pool.time_zone}|{wanted.canonical()}|{data}"
            self._keys[wanted] = hashlib.sha256(text.encode()).digest()
        return self._keys[wanted]

    def get(self, leaf: Leaf) -> BitMap:
        key = self.key(leaf)
        if key not in self.held:
            self.load([leaf])
        return self.held[key]

    def universe(self) -> BitMap:
        """Every live member of the pool; whoever was merged into another is not there."""
        return self.get(UNIVERSE)

    def load(self, wanted: Iterable[Leaf]) -> None:
        """Have all these leaves at hand: what is kept, what follows from kept measures, then the data itself."""
        leaves = {self.key(leaf): leaf for leaf in wanted}
        self._recall([key for key in leaves if key not in self.held])
        unknown = [leaf for key, leaf in leaves.items() if key not in self.held]
        if not unknown:
            return
        measured = {leaf: found for leaf in unknown if leaf != UNIVERSE and (found := measures_of(leaf))}
        measures = list(dict.fromkeys(each for found in measured.values() for each in found))
        self._recall([key for key in map(self.key, measures) if key not in self.columns])
        with bitmaps.reading():
            for one in passes(each for each in measures if self.key(each) not in self.columns):
                self._read(one)
            if UNIVERSE in unknown and self.key(UNIVERSE) not in self.held:
                self._ask([UNIVERSE])
            for batch in grouped([leaf for leaf in unknown if leaf != UNIVERSE and leaf not in measured]):
                self._ask(batch)
            for leaf, found in measured.items():
                self._put(leaf, columns.select([self.columns[self.key(each)] for each in found], leaf.op, leaf.value), 0.0)
            Kept.objects.bulk_create(self._fresh, ignore_conflicts=True)
        self._fresh.clear()

    def _recall(self, keys: list[bytes]) -> None:
        """Take what is kept under these keys."""
        if not keys:
            return
        kept = Kept.objects.filter(pool_id=self.pool.pk, key__in=keys).values_list("key", "bitmap", "values", "labels")
        for key, packed, values, labels in kept:
            ids = BitMap.deserialize(bytes(packed))
            if values is None:
                self.held[bytes(key)] = ids
            else:
                self.columns[bytes(key)] = columns.unpacked(ids, bytes(values), labels)

    def _read(self, one: Pass) -> None:
        """Measures of the same rows, in one statement."""
        started = time.perf_counter()
        query = one.statement(pool=self.pool.pk, zone=self.pool.zone)
        rows, found = _texts(*query) if one.texts else _numbers(*query, len(one.measures))
        took = self._took(started, one.measures[0].fact)
        if one.everybody and self.key(UNIVERSE) not in self.held:
            self._put(UNIVERSE, bitmaps.of_array(rows), took)
        for measure, column in zip(one.measures, found, strict=True):
            key = self.key(measure)
            self.columns[key] = column
            self._keep(
                key, column.ids, took, values=column.packed(), labels=None if column.labels is None else list(column.labels)
            )

    def _ask(self, batch: list[Leaf]) -> None:
        """Leaves only the database can tell."""
        started = time.perf_counter()
        pool, zone = self.pool.pk, self.pool.zone
        if len(batch) > 1:
            by_choice = dict(bitmaps.grouped_ids(*choices(batch, pool=pool, zone=zone)))
            nobody = np.zeros(0, np.uint32)
            found = [bitmaps.of_array(by_choice.get(leaf.value[0], nobody)) for leaf in batch]
        elif batch == [UNIVERSE]:
            found = [bitmaps.packed_ids(EVERY_LIVE_MEMBER, {"pool": pool})]
        else:
            found = [bitmaps.packed_ids(*statement(batch[0], pool=pool, zone=zone))]
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

    def _keep(self, key: bytes, ids: BitMap, ms: float, values: bytes | None = None, labels: list[str] | None = None) -> None:
        ids.run_optimize()
        row = Kept(pool_id=self.pool.pk, key=key, size=len(ids), bitmap=ids.serialize(), values=values, labels=labels, ms=ms)
        self._fresh.append(row)


def _numbers(text: str, params: dict[str, object], count: int) -> tuple[columns.Numbers, list[Column]]:
    ids, *values = bitmaps.packed_values(text, params, count, columns.UNKNOWN)
    return ids, [columns.column(ids, each) for each in values]


def _texts(text: str, params: dict[str, object]) -> tuple[columns.Numbers, list[Column]]:
    groups = bitmaps.grouped_ids(text, params)
    ids = np.concatenate([np.zeros(0, np.uint32), *(group for _, group in groups)])
    places = [columns.UNKNOWN if label is None else place for place, (label, _) in enumerate(groups)]
    values = np.repeat(np.array(places, np.int64), [len(group) for _, group in groups])
    return ids, [columns.column(ids, values, tuple(label or "" for label, _ in groups))]


def sweep(*, as_of: datetime) -> int:
    """Drop what is past its time, and the oldest beyond what a pool may keep."""
    gone, _ = Kept.objects.filter(at__lt=as_of - KEEP).delete()
    for pool_id in Kept.objects.order_by().values_list("pool_id", flat=True).distinct():
        mine = Kept.objects.filter(pool_id=pool_id)
        for rows, most in ((mine.filter(values__isnull=False), KEEP_COLUMNS), (mine, KEEP_ROWS)):
            for pk in rows.order_by("-pk").values_list("pk", flat=True)[most : most + 1]:
                gone += rows.filter(pk__lte=pk).delete()[0]
    return gone
