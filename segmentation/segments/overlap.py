"""What up to five segments share: every field of their Venn diagram, pair by pair, as they were last computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import product

from pyroaring import BitMap

from members.models import Pool
from segmentation.evaluate import Evaluation
from segmentation.models import Segment, SegmentSnapshot
from segmentation.segments.membership import ids_of

MOST = 5


@dataclass(frozen=True)
class Pair:
    """Two segments: how many they share, as a part of the row's one, and how alike they are (0…1)."""

    row: Segment
    column: Segment
    both: int
    share: float
    likeness: float  # shared of all who are in either
    lift: float | None  # how much more often than if the one had nothing to do with the other


@dataclass(frozen=True)
class Region:
    """Members who are in exactly these segments of those compared."""

    inside: tuple[Segment, ...]
    outside: tuple[Segment, ...]
    ids: BitMap
    share: float  # of everybody in any of them

    @property
    def size(self) -> int:
        return len(self.ids)

    @property
    def key(self) -> str:
        """As an address writes it: "1.2-3" is in 1 and 2, not in 3."""
        return "-".join(".".join(str(segment.pk) for segment in part) for part in (self.inside, self.outside) if part)


@dataclass(frozen=True)
class Together:
    """Several segments side by side."""

    segments: tuple[Segment, ...]
    sets: tuple[BitMap, ...]
    total: int  # live members of the pool
    as_of: datetime  # of the one that was computed longest ago

    @classmethod
    def of(cls, pool: Pool, segments: Sequence[Segment], now: datetime) -> "Together":
        """As they were last computed, without members merged away since."""
        universe = Evaluation(pool, now).universe
        found = SegmentSnapshot.objects.filter(segment__in=segments).order_by("segment_id", "-as_of").distinct("segment_id")
        latest = {row.segment_id: row for row in found}
        sets = tuple(ids_of(latest.get(segment.pk)) & universe for segment in segments)
        times = [segment.as_of for segment in segments if segment.as_of]
        return cls(tuple(segments), sets, len(universe), min(times, default=now))

    @cached_property
    def union(self) -> BitMap:
        return BitMap.union(*self.sets) if self.sets else BitMap()

    @cached_property
    def matrix(self) -> list[tuple[Segment, int, list[Pair]]]:
        """Per segment its size and how it meets each of them, itself included."""
        return [
            (row, len(mine), [self._pair(row, mine, column, theirs) for column, theirs in self._all()])
            for row, mine in self._all()
        ]

    def _all(self) -> list[tuple[Segment, BitMap]]:
        return list(zip(self.segments, self.sets, strict=True))

    def _pair(self, row: Segment, mine: BitMap, column: Segment, theirs: BitMap) -> Pair:
        both, either = mine.intersection_cardinality(theirs), mine.union_cardinality(theirs)
        expected = len(mine) * len(theirs) / self.total if self.total else 0
        return Pair(
            row,
            column,
            both,
            both / len(mine) if mine else 0.0,
            both / either if either else 0.0,
            both / expected if expected else None,
        )

    @cached_property
    def regions(self) -> list[Region]:
        """Every field of the diagram: in all of some and in none of the others, the largest first; empty ones too."""
        choices = [bits for bits in product((True, False), repeat=len(self.sets)) if any(bits)]
        return sorted((self._region(bits) for bits in choices), key=lambda region: (-region.size, len(region.inside)))

    def _region(self, bits: Sequence[bool]) -> Region:
        inside = [n for n, bit in enumerate(bits) if bit]
        outside = [n for n, bit in enumerate(bits) if not bit]
        ids = BitMap.intersection(*(self.sets[n] for n in inside))
        for n in outside:
            ids -= self.sets[n]
        named = tuple(self.segments[n] for n in inside), tuple(self.segments[n] for n in outside)
        return Region(*named, ids, len(ids) / len(self.union) if self.union else 0.0)
