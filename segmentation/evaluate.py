"""What a rule selects: set algebra over cached leaves.

count(pool, rule, as_of).size        how many, how many after each condition, how long it took
members_of(segment_or_rule, …)       the bitmap itself
check(segment)                       whether it can be worked out, without asking the data
"""

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.attributes import queries as fields
from members.models import Pool
from scrm.lib import clock, formats
from scrm.lib.problems import Problem
from segmentation import bitmaps, own
from segmentation.leaves import UNIVERSE, Shelf
from segmentation.models import Segment, SegmentSnapshot, SegmentVersion
from segmentation.rules.ast import All, AnyOf, Condition, Node, Not, children, conditions, walk
from segmentation.rules.catalog import Text
from segmentation.rules.normalise import Leaf, leaves
from segmentation.rules.parse import Fault, RuleError, parse
from segmentation.rules.periods import closing
from segmentation.standings import rules as standings

CIRCULAR = Text("分群之间互相引用，无法计算", "Segments are defined by each other")
OUTSIDE_SQL = frozenset({"segment", "sample", "member"})


@dataclass(frozen=True)
class NodeCount:
    """A node of the rule by itself, and what is left of the audience once it is applied."""

    own: int
    after: int


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


class Unworkable(Problem):
    """A segment that cannot be worked out now, so that nobody can be told to be in it or not."""

    def __init__(self, segment: Segment, error: RuleError | CircularSegment) -> None:
        said = _("分群“%(name)s”无法计算：%(why)s") % {"name": segment.name, "why": why(error)}
        super().__init__("segment_failed", said, {"segment": [said]})


def why(error: RuleError | CircularSegment) -> str:
    """What keeps a rule from being worked out, for people."""
    language = get_language() or "zh-hans"
    if isinstance(error, CircularSegment):
        return CIRCULAR.said(language)
    return formats.clauses(fault.text.said(language) for fault in error.faults)


Kept = tuple[Segment, Node | None]  # a segment, and the rule of a live one


@dataclass
class Evaluation:
    """One look at a pool at an instant; nested segments share its leaves."""

    pool: Pool
    as_of: datetime
    shelf: Shelf = field(init=False)
    trail: tuple[int, ...] = ()
    _segments: dict[int, BitMap] = field(default_factory=dict)
    _rules: dict[int, Kept | None] = field(default_factory=dict)
    _asked: dict[Condition, Any] = field(default_factory=dict)  # as leaves
    _known: dict[Condition, BitMap] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.pool)

    @property
    def universe(self) -> BitMap:
        return self.shelf.universe()

    def prepare(self, node: Node) -> None:
        """Load every leaf of a rule at once, those of the segments it is made of too. Raises `RuleError` for its `faults`."""
        if found := self.faults(node):
            raise RuleError(found)
        self.shelf.load([UNIVERSE, *self._wanted(node)])

    def faults(self, node: Node) -> list[Fault]:
        """What keeps a rule that can be read from being worked out: fields, schemes, segments it is made of."""
        gone = [*own.faults(lambda: self.fields, node), *standings.faults(self.pool, node)]
        return [*gone, *self._broken(node)]

    def _broken(self, node: Node) -> Iterator[Fault]:
        for path, condition in conditions(node):
            for n, number in enumerate(condition.value if condition.fact == "segment" else ()):
                try:
                    self.kept(int(number))
                except RuleError as error:
                    yield Fault(f"{path}.value[{n}]", "segment_failed", _nested(int(number), error))
                except CircularSegment:
                    if self.trail:  # whoever began the circle says so
                        raise
                    yield Fault(f"{path}.value[{n}]", "circular", CIRCULAR)

    def _wanted(self, node: Node) -> Iterator[Leaf]:
        for _path, condition in conditions(node):
            for leaf in _leaves_of(self._algebra(condition)):
                if leaf.fact not in OUTSIDE_SQL:
                    yield leaf
                elif leaf.fact == "segment":
                    rules = [kept[1] for number in leaf.value if (kept := self.kept(int(number)))]
                    yield from (found for rule in rules if rule is not None for found in self._wanted(rule))

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
        kept = self.kept(number)
        if kept is None:
            return BitMap()
        segment, rule = kept
        if rule is None:
            return latest_snapshot(segment, closing(self.as_of, self.pool.zone)) & self.universe
        with self._inside(number):
            self.shelf.load([UNIVERSE, *self._wanted(rule)])
            return self.of(rule)

    def kept(self, number: int) -> Kept | None:
        """A segment of the pool whose rule, if it has one, can be worked out. Raises `RuleError`, `CircularSegment`."""
        if number in self.trail:
            raise CircularSegment(number)
        if number not in self._rules:
            segment = Segment.objects.filter(pool_id=self.pool.pk, pk=number).first()
            self._rules[number] = (segment, self._sound(segment)) if segment else None
        return self._rules[number]

    def _sound(self, segment: Segment) -> Node | None:
        if segment.kind != Segment.Kind.LIVE:
            return None
        rule = parse(rule_of(segment))
        with self._inside(segment.pk):
            if found := self.faults(rule):
                raise RuleError(found)
        return rule

    @contextmanager
    def _inside(self, number: int) -> Iterator[None]:
        self.trail = (*self.trail, number)
        try:
            yield
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


def _nested(number: int, error: RuleError) -> Text:
    name = Segment.objects.values_list("name", flat=True).get(pk=number)
    zh, en = ([fault.text.said(language) for fault in error.faults] for language in ("zh", "en"))
    return Text(f"分群“{name}”无法计算：{'；'.join(zh)}", f"Segment “{name}” cannot be worked out: {'; '.join(en)}")


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
    """The members of a segment (a live one by its rule, now) or of a rule in a pool.

    Raises `Unworkable` for a segment, `RuleError` or `CircularSegment` for a rule: never the members of half of it.
    """
    if isinstance(what, Segment):
        with _telling(what):
            return Evaluation(what.pool, as_of or clock.now()).segment(what.pk)
    if pool is None:
        raise TypeError("a rule needs its pool")
    look, tree = Evaluation(pool, as_of or clock.now()), tree_of(what)
    look.prepare(tree)
    return look.of(tree) & look.universe


def faults(pool: Pool, tree: Node) -> list[Fault]:
    """What keeps a rule that can be read from being worked out; the data is not asked."""
    return Evaluation(pool, clock.now()).faults(tree)


def check(segment: Segment, as_of: datetime | None = None) -> None:
    """Raises `Unworkable` where `members_of` would; the data is not asked."""
    with _telling(segment):
        Evaluation(segment.pool, as_of or clock.now()).kept(segment.pk)


@contextmanager
def _telling(segment: Segment) -> Iterator[None]:
    try:
        yield
    except (RuleError, CircularSegment) as error:
        raise Unworkable(segment, error) from error
