"""Leaves of rules as bitmaps, kept in the database until their data changes.

A leaf's key is its canonical text and the versions of the data it reads, so nothing is ever
invalidated: what is stale is simply never asked for again, and swept away after two days.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pyroaring import BitMap

from members.models import Pool
from members.versions import versions
from segmentation import bitmaps
from segmentation.models import Leaf as Kept
from segmentation.rules.catalog import fact
from segmentation.rules.normalise import Leaf
from segmentation.rules.statements import shared, statement, together

FORMAT = "2"  # raise it when the SQL of facts changes its meaning
KEEP = timedelta(days=2)
KEEP_ROWS = 3000
UNIVERSE = Leaf("universe", "all")
EVERY_LIVE_MEMBER = "SELECT id FROM members_member WHERE pool_id = %(pool)s AND merged_into IS NULL"


@dataclass
class Shelf:
    """The leaves of one pool during one evaluation; `asked` counts the statements that ran."""

    pool: Pool
    versions: dict[str, int] = field(default_factory=dict)
    held: dict[bytes, BitMap] = field(default_factory=dict)
    asked: list[Leaf] = field(default_factory=list)
    ms: float = 0.0
    # Data nobody counts the changes of is read anew each time.
    once: str = field(default_factory=lambda: f"once-{time.time_ns()}")

    def __post_init__(self) -> None:
        self.versions = versions(self.pool.pk)

    def key(self, leaf: Leaf) -> bytes:
        domains = ("members",) if leaf == UNIVERSE else fact(leaf.fact).domains
        data = ",".join(f"{domain}={self.versions.get(domain, self.once)}" for domain in sorted(domains))
        return hashlib.sha256(f"{FORMAT}|{self.pool.time_zone}|{leaf.canonical()}|{data}".encode()).digest()

    def load(self, wanted: Iterable[Leaf]) -> None:
        """Have all these leaves at hand: one query for those kept, one statement for each other."""
        keys = {self.key(leaf): leaf for leaf in wanted}
        missing = [key for key in keys if key not in self.held]
        if missing:
            kept = Kept.objects.filter(pool_id=self.pool.pk, key__in=missing).values_list("key", "bitmap")
            self.held |= {bytes(key): BitMap.deserialize(bytes(packed)) for key, packed in kept}
        unknown = [keys[key] for key in missing if key not in self.held]
        if UNIVERSE in unknown:
            self._ask([UNIVERSE])
        for batch in together([leaf for leaf in unknown if leaf != UNIVERSE]):
            self._ask(batch)

    def get(self, leaf: Leaf) -> BitMap:
        key = self.key(leaf)
        if key not in self.held:
            self.load([leaf])
        return self.held[key]

    def universe(self) -> BitMap:
        """Every live member of the pool; whoever was merged into another is not there."""
        return self.get(UNIVERSE)

    def _ask(self, batch: list[Leaf]) -> None:
        started = time.perf_counter()
        if batch == [UNIVERSE]:
            found = bitmaps.fetch(EVERY_LIVE_MEMBER, {"pool": self.pool.pk})
        elif len(batch) == 1:
            found = bitmaps.fetch(*statement(batch[0], pool=self.pool.pk, zone=self.pool.zone))
        else:
            found = bitmaps.fetch(*shared(batch, pool=self.pool.pk, zone=self.pool.zone), tests=len(batch))
        took = (time.perf_counter() - started) * 1000
        self.asked += batch
        self.ms += took
        self._keep(batch, found, took / len(batch))

    def _keep(self, batch: list[Leaf], found: list[BitMap], ms: float) -> None:
        rows = []
        for leaf, ids in zip(batch, found, strict=True):
            ids.run_optimize()
            key = self.key(leaf)
            self.held[key] = ids
            rows.append(Kept(pool_id=self.pool.pk, key=key, size=len(ids), bitmap=ids.serialize(), ms=ms))
        Kept.objects.bulk_create(rows, ignore_conflicts=True)


def sweep(*, as_of: datetime) -> int:
    """Drop leaves past their time, and the oldest beyond what a pool may keep."""
    gone, _ = Kept.objects.filter(at__lt=as_of - KEEP).delete()
    for pool_id in Kept.objects.order_by().values_list("pool_id", flat=True).distinct():
        oldest = Kept.objects.filter(pool_id=pool_id).order_by("-pk").values_list("pk", flat=True)[KEEP_ROWS : KEEP_ROWS + 1]
        for pk in oldest:
            gone += Kept.objects.filter(pool_id=pool_id, pk__lte=pk).delete()[0]
    return gone
