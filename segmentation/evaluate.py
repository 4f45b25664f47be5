"""What a rule selects: set algebra over cached leaves.

count(pool, rule, as_of).size        how many, how many after each condition, how long it took
members_of(segment_or_rule, …)       the bitmap itself
explain_member(…)                    why somebody is in or is not
"""

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from pyroaring import BitMap

from members.attributes import queries as fields
from members.models import Pool
from scrm.lib import clock
from segmentation import bitmaps, own
from segmentation.leaves import UNIVERSE, Shelf
from segmentation.models import Segment, SegmentSnapshot, SegmentVersion
from segmentation.rules.ast import All, AnyOf, Condition, Node, Not, children, conditions, walk
from segmentation.rules.normalise import Leaf, leaves
from segmentation.rules.parse import RuleError, parse
from segmentation.rules.periods import closing
from segmentation.standings import rules as standings

OUTSIDE_SQL = frozenset({"segment", "sample", "member"})


@dataclass(frozen=True)
class NodeCount:
    """A node of the rule by itself, and what is left of the audience once it is applied."""

    own: int
    after: int
    alone_ms: float | None = None


@dataclass(frozen=True)
class Result:
    """The answer to a rule at an instant."""

    size: int
    total: int
    bitmap: BitMap
    per_node: dict[str, NodeCount]
    ms: float
    from_cache: bool
    asked: int  # statements that had to run
    as_of: datetime

    @property
    def share(self) -> float:
        return self.size / self.total if self.total else 0.0


class CircularSegment(ValueError):
    """A segment that is defined by itself."""

    def __init__(self, segment_id: int) -> None:
        super().__init__(f"segment {segment_id} is defined by itself")
        self.segment_id = segment_id


@dataclass
class Evaluation:
    """One look at a pool at an instant; nested segments share its leaves."""

    pool: Pool
    as_of: datetime
    shelf: Shelf = field(init=False)
    trail: tuple[int, ...] = ()
    _segments: dict[int, BitMap] = field(default_factory=dict)
    _asked: dict[Condition, Any] = field(default_factory=dict)  # as leaves
    _known: dict[Condition, BitMap] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.pool)

    @property
    def universe(self) -> BitMap:
        return self.shelf.universe()

    def prepare(self, node: Node) -> None:
        """Load every leaf of a rule at once. Raises `RuleError` when it asks for a field that is gone."""
        if gone := [*own.faults(lambda: self.fields, node), *standings.faults(self.pool, node)]:
            raise RuleError(gone)
        found = [leaf for _, condition in conditions(node) for leaf in _leaves_of(self._algebra(condition))]
        self.shelf.load([UNIVERSE, *(leaf for leaf in found if leaf.fact not in OUTSIDE_SQL)])

    def _algebra(self, condition: Condition) -> Any:
        if condition not in self._asked:
            self._asked[condition] = self._leaves(own.settled(lambda: self.fields, condition))
        return self._asked[condition]

    def _leaves(self, node: Node) -> Any:
        if isinstance(node, All):
            return All(tuple(self._leaves(child) for child in node.children))
        assert isinstance(node, Condition)
        return leaves(node, self.as_of, self.pool.zone)

    @cached_property
    def fields(self) -> own.Fields:
        """The pool's own fields."""
        return fields.by_key(self.pool)

    def of(self, node: Any) -> BitMap:
        """The live members a node selects."""
        match node:
            case All(found):
                return _fold(BitMap.__and__, [self.of(child) for child in found]) if found else self.universe
            case AnyOf(found):
                return _fold(BitMap.__or__, [self.of(child) for child in found]) if found else BitMap()
            case Not(child):
                return self.universe - self.of(child)
            case Condition():
                if node not in self._known:
                    self._known[node] = self.of(self._algebra(node))
                return self._known[node]
            case Leaf():
                return self._leaf(node) & self.universe
        raise TypeError(node)

    def _leaf(self, leaf: Leaf) -> BitMap:
        if leaf.fact == "segment":
            return _fold(BitMap.__or__, [self.segment(int(number)) for number in leaf.value])
        if leaf.fact == "sample":
            return sample_of(self.universe, leaf.value)
        if leaf.fact == "member":
            return bitmaps.of_ids(leaf.value)
        return self.shelf.get(leaf)

    def segment(self, number: int) -> BitMap:
        """Who is in another segment of the pool: by its rule, or as it was frozen by that day."""
        if number in self.trail:
            raise CircularSegment(number)
        if number not in self._segments:
            self._segments[number] = self._segment(number)
        return self._segments[number]

    def _segment(self, number: int) -> BitMap:
        segment = Segment.objects.filter(pool_id=self.pool.pk, pk=number).first()
        if segment is None:
            return BitMap()
        if segment.kind != Segment.Kind.LIVE:
            return latest_snapshot(segment, closing(self.as_of, self.pool.zone)) & self.universe
        self.trail = (*self.trail, number)
        try:
            return self.of(parse(rule_of(segment)))
        finally:
            self.trail = self.trail[:-1]

    def counts(self, node: Node) -> dict[str, NodeCount]:
        """Per JSON path: the node alone, and the audience left when it is reached and applied."""
        found: dict[str, NodeCount] = {}
        self._count(node, "$", self.universe, found)
        return found

    def _count(self, node: Any, path: str, context: BitMap, found: dict[str, NodeCount]) -> BitMap:
        """Fills `found` below `path`; returns the members of `context` the node keeps."""
        mine = self.of(node)
        here = context
        gathered = BitMap()
        for where, child in children(node, path):
            if isinstance(node, AnyOf):
                gathered |= self._count(child, where, context, found)
                found[where] = NodeCount(found[where].own, len(gathered))
            else:
                here = self._count(child, where, here, found)
        kept = context & mine
        found[path] = NodeCount(len(mine), len(kept))
        return kept


def _fold(operation: Callable[[BitMap, BitMap], BitMap], found: list[BitMap]) -> BitMap:
    whole = found[0]
    for part in found[1:]:
        whole = operation(whole, part)
    return whole


def _leaves_of(node: Any) -> list[Leaf]:
    return [found for _, found in walk(node) if isinstance(found, Leaf)]


def sample_of(universe: BitMap, percent: float, salt: str = "sample") -> BitMap:
    """A stable share of the members: splitmix64 of the id, so neighbours are not alike."""
    ids = bitmaps.numbers(universe)
    with np.errstate(over="ignore"):
        mixed = ids.astype(np.uint64) + np.uint64(zlib.crc32(salt.encode())) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return bitmaps.of_array(ids[(mixed % np.uint64(1_000_000)) < np.uint64(round(percent * 10_000))])


def rule_of(segment: Segment, version: int | None = None) -> dict[str, Any]:
    """The JSON of a segment's rule, of its current version unless another is named."""
    wanted = segment.version if version is None else version
    return dict(SegmentVersion.objects.values_list("rule", flat=True).get(segment_id=segment.pk, n=wanted))


def latest_snapshot(segment: Segment, until: datetime | None = None) -> BitMap:
    """Who was in a segment when it was last computed (before `until`); nobody when it was not there yet."""
    rows = SegmentSnapshot.objects.filter(segment_id=segment.pk)
    rows = rows.filter(as_of__lt=until) if until else rows
    packed = rows.order_by("-as_of").values_list("bitmap", flat=True).first()
    return BitMap.deserialize(bytes(packed)) if packed is not None else BitMap()


def tree_of(rule: Any) -> Node:
    """A rule given as JSON or as a tree."""
    return rule if isinstance(rule, All | AnyOf | Not | Condition) else parse(rule)


def count(pool: Pool, rule: Any, as_of: datetime | None = None) -> Result:
    """How many members a rule selects, after each condition too, and what it cost."""
    started = time.perf_counter()
    as_of = as_of or clock.now()
    look, tree = Evaluation(pool, as_of), tree_of(rule)
    look.prepare(tree)
    found = look.of(tree) & look.universe
    per_node = look.counts(tree)
    ms = (time.perf_counter() - started) * 1000
    asked = len(look.shelf.asked)
    return Result(len(found), len(look.universe), found, per_node, ms, not asked, asked, as_of)


def members_of(what: Any, pool: Pool | None = None, as_of: datetime | None = None) -> BitMap:
    """The members of a segment (a live one by its rule, now) or of a rule in a pool."""
    if isinstance(what, Segment):
        return Evaluation(what.pool, as_of or clock.now()).segment(what.pk)
    if pool is None:
        raise TypeError("a rule needs its pool")
    look, tree = Evaluation(pool, as_of or clock.now()), tree_of(what)
    look.prepare(tree)
    return look.of(tree) & look.universe


def explain_member(pool: Pool, rule: Any, member_id: int, as_of: datetime | None = None) -> dict[str, bool]:
    """Per JSON path: whether the member satisfies that node."""
    look, tree = Evaluation(pool, as_of or clock.now()), tree_of(rule)
    look.prepare(tree)
    return {path: member_id in look.of(node) for path, node in walk(tree)}
