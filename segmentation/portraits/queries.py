"""A portrait: every trait of a segment beside the pool's, and what distinguishes it most."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.models import Pool
from segmentation.evaluate import rule_of
from segmentation.models import Segment, SegmentSnapshot, TagRule
from segmentation.portraits import cuts, naming
from segmentation.portraits.comparing import Against, Between, against, between
from segmentation.portraits.dimensions import GROUPS, Catalogue, Dimension
from segmentation.rules.ast import conditions
from segmentation.rules.parse import read
from segmentation.segments.membership import ids_of, latest_of

MOST = 10  # what distinguishes a segment
SHOWN = 30  # traits of one dimension
LEAST_SHARE = 0.05  # of the segment or of the pool: rarer traits are oddities
SAME = {"orders": "order_count", "order_amount": "amount_total", "order_aov": "aov"}  # facts that say what a dimension says
Sizes = tuple[int, ...]  # in the pool, in the segment, in the other, in both


@dataclass(frozen=True)
class Counts:
    """How many of everybody, of one segment, of another and of both have which part of which cut."""

    sizes: Sizes
    parts: dict[str, list[tuple[Any, Sizes]]]


@dataclass(frozen=True)
class Trait:
    """One line of a portrait."""

    dimension: str
    value: Any  # None: whoever has none
    label: str
    figure: Against
    other: Against | None = None
    between: Between | None = None
    asked: bool = False  # the segment's own rule asks for it
    rule: dict[str, Any] | None = None  # the condition that selects it

    @property
    def effect(self) -> float:
        return self.between.effect if self.between else self.figure.effect

    @property
    def differs(self) -> bool:
        return self.between.differs if self.between else self.figure.differs

    @property
    def is_frequent(self) -> bool:
        beside = self.other.share if self.other else self.figure.pool_share
        return max(self.figure.share, beside) >= LEAST_SHARE


@dataclass(frozen=True)
class View:
    """One dimension with its traits, the most frequent or the first in order first."""

    about: Dimension
    label: str
    traits: list[Trait]
    hidden: int = 0  # further traits of choices a member may have several of

    @property
    def strongest(self) -> Trait | None:
        """The trait that differs most beyond chance, of those worth telling."""
        told = [each for each in self.traits if each.differs and each.is_frequent and not each.asked and each.value is not None]
        return max((each for each in told if not isinstance(each.value, dict)), key=lambda each: abs(each.effect), default=None)


@dataclass(frozen=True)
class Portrait:
    """A segment (and another) beside its pool, as of when the pool was cut."""

    segment: Segment
    other: Segment | None
    as_of: datetime
    counts: Counts
    views: list[View] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.counts.sizes[1]

    @property
    def total(self) -> int:
        return self.counts.sizes[0]

    @property
    def other_size(self) -> int:
        return self.counts.sizes[2]

    @cached_property
    def top(self) -> list[tuple[View, Trait]]:
        """Ten things, each of another dimension, by effect."""
        found = [(view, trait) for view in self.views if (trait := view.strongest) is not None]
        return sorted(found, key=lambda each: (-abs(each[1].effect), each[0].about.key))[:MOST]

    @property
    def groups(self) -> list[tuple[str, str, int]]:
        """The groups that have dimensions: key, name, how many."""
        said = get_language() or "zh"
        found = [(key, label.said(said), len([v for v in self.views if v.about.group == key])) for key, label in GROUPS.items()]
        return [each for each in found if each[2]]

    def of_group(self, group: str) -> list[View]:
        return [view for view in self.views if view.about.group == group]


def portrait(segment: Segment, as_of: datetime, other: Segment | None = None) -> Portrait | None:
    """What is kept says; None before anything is kept. `as_of` is for which dimensions there are, not for the figures."""
    when, mark = cuts.kept(segment.pool)
    if when is None:
        return None
    counts = _counts(segment.pool_id, _snapshot(segment), _snapshot(other), mark)
    if not counts.sizes[0]:
        return None
    catalogue = Catalogue(segment.pool, as_of)
    asked = _asked(segment)
    views = [_view(segment.pool, about, counts, asked, compared=other is not None) for about in catalogue.dimensions.values()]
    return Portrait(segment, other, when, counts, [view for view in views if view.traits])


def _snapshot(segment: Segment | None) -> tuple[int, int]:
    """Its latest snapshot, and its size: erasing somebody rewrites it."""
    found = latest_of(segment) if segment else None
    return (found.pk, found.size) if found else (0, 0)


@lru_cache(maxsize=32)
def _counts(pool_id: int, snapshot: tuple[int, int], other: tuple[int, int], mark: bytes) -> Counts:
    """Only counts are remembered: a snapshot never changes, and `mark` tells what was kept from what was before."""
    parts = cuts.recall(pool_id)
    everybody = BitMap.union(BitMap(), *(ids for _value, ids in parts.pop(cuts.EVERYBODY, [])))
    mine, theirs = _members(snapshot) & everybody, _members(other) & everybody
    sets = (everybody, mine, theirs, mine & theirs)
    found = {key: [(value, _sizes(ids, sets)) for value, ids in each] for key, each in parts.items()}
    unions = {key: _sizes(BitMap.union(BitMap(), *(ids for _value, ids in each)), sets) for key, each in parts.items()}
    for key, sizes in unions.items():
        found[key].append((None, tuple(len(ids) - size for ids, size in zip(sets, sizes, strict=True))))
    return Counts(tuple(map(len, sets)), found)


def _members(snapshot: tuple[int, int]) -> BitMap:
    return ids_of(SegmentSnapshot.objects.filter(pk=snapshot[0]).first())


def _sizes(ids: BitMap, sets: tuple[BitMap, ...]) -> Sizes:
    return tuple(ids.intersection_cardinality(each) if each else 0 for each in sets)


# -- Lines ---------------------------------------------------------------------------------------
def _asked(segment: Segment) -> set[tuple[str, str]]:
    """(fact, choice) the segment's own rule asks for; (fact, "") where it asks for numbers; and the tags it keeps."""
    tags = {("tag", str(tag)) for tag in TagRule.objects.filter(segment=segment).values_list("tag_id", flat=True)}
    if segment.kind == Segment.Kind.LIST:
        return tags
    node, _faults = read(rule_of(segment))
    found = [condition for _path, condition in conditions(node)] if node is not None else []
    asked = {(each.fact, str(value)) for each in found for value in _named(each)}
    return tags | asked | {(SAME.get(each.fact, each.fact), "") for each in found if not _named(each)}


def _named(condition: Any) -> tuple[Any, ...]:
    value = (
        condition.value if isinstance(condition.value, tuple) and condition.op in ("in", "not_in", "any", "all", "none") else ()
    )
    return (*value, *condition.of)


def _view(pool: Pool, about: Dimension, counts: Counts, asked: set[tuple[str, str]], *, compared: bool) -> View:
    found = [(value, sizes) for value, sizes in counts.parts.get(about.cut, []) if value is not None and about.has(value)]
    absent = _absent(about, counts)
    if about.default is not None:
        found, absent = _defaulted(about.default, found, absent), (0, 0, 0, 0)
    found = _ordered(about, found)
    shown, hidden = found[:SHOWN], found[SHOWN:]
    labels = naming.names(pool, about, [value for value, _sizes in shown], get_language() or "zh")
    lines = [(value, label, sizes) for (value, sizes), label in zip(shown, labels, strict=True)]
    if hidden and not about.many:
        sizes = tuple(map(sum, zip(*(each for _value, each in hidden), strict=True)))
        lines.append(({"rest": len(hidden)}, _("其他（%(n)s 项）") % {"n": len(hidden)}, sizes))
    if absent[0] and found:
        lines.append((None, about.absent.said(get_language() or "zh"), absent))
    traits = [_trait(about, value, label, sizes, counts.sizes, asked, compared=compared) for value, label, sizes in lines]
    label = about.label.said(get_language() or "zh")
    return View(about, label[:1].upper() + label[1:], traits, len(hidden) if about.many else 0)


def _defaulted(default: Any, found: list[tuple[Any, Sizes]], absent: Sizes) -> list[tuple[Any, Sizes]]:
    """Whoever is in no part is in one of them all the same: a member never computed is a lead."""
    there = dict(found)
    there[default] = tuple(map(sum, zip(there.get(default, (0, 0, 0, 0)), absent, strict=True)))
    return [(value, sizes) for value, sizes in there.items() if sizes[0]]


def _ordered(about: Dimension, found: list[tuple[Any, Sizes]]) -> list[tuple[Any, Sizes]]:
    """Bands as they rise, choices in the order of the catalogue, everything else as it was kept: the largest first."""
    if about.banded:
        return sorted(found, key=lambda part: (part[0][0] is not None, part[0][0] or 0))
    places = {choice.value: place for place, choice in enumerate(about.choices)}
    return sorted(found, key=lambda part: places.get(part[0], len(places))) if places and not _long(about) else found


def _long(about: Dimension) -> bool:
    return len(about.choices) > SHOWN


def _absent(about: Dimension, counts: Counts) -> Sizes:
    """Whoever is in no part of the cut."""
    return next((sizes for value, sizes in counts.parts.get(about.cut, []) if value is None), (0, 0, 0, 0))


def _trait(
    about: Dimension, value: Any, label: str, sizes: Sizes, whole: Sizes, asked: set[tuple[str, str]], *, compared: bool
) -> Trait:
    figure = against(sizes[1], whole[1], sizes[0], whole[0])
    other = against(sizes[2], whole[2], sizes[0], whole[0]) if compared else None
    beside = between(*((sizes[n], whole[n]) for n in (1, 2, 3))) if compared else None
    of_it = {choice for fact, choice in asked if fact == about.fact}
    named = bool(of_it) if not about.many else str(value) in of_it  # to choose one is to rule out the others
    named = named or (about.key, "") in asked
    rule = about.ask(value) if about.ask and value is not None and not isinstance(value, dict) else None
    return Trait(about.key, value, label, figure, other, beside, named, rule)


def rows(found: Portrait, views: Iterable[View] | None = None) -> list[tuple[View, Trait]]:
    """Every line, dimension by dimension."""
    return [(view, trait) for view in (found.views if views is None else views) for trait in view.traits]
