"""Reading segments: lists, history, who came and went, samples, reach."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from pyroaring import BitMap

from members.models import Member, Pool
from segmentation import bitmaps
from segmentation.choices import namer
from segmentation.evaluate import Evaluation, latest_snapshot
from segmentation.models import Segment, SegmentSnapshot, SegmentVersion
from segmentation.rules.ast import Condition, Node, walk
from segmentation.rules.explain import explain
from segmentation.rules.facts_reach import CARRIERS
from segmentation.rules.parse import RuleError, parse

EXPORT_CHUNK = 2000
SPARK = 30


def segments(pool: Pool, *, q: str = "", archived: bool = False) -> QuerySet[Segment]:
    """Segments of a pool, those touched last first."""
    found = Segment.objects.filter(pool=pool, is_archived=archived).select_related("actor")
    return (found.filter(name__icontains=q.strip()) if q.strip() else found).order_by("-updated_at", "-pk")


@dataclass(frozen=True)
class Card:
    """A segment as the list shows it."""

    segment: Segment
    sentence: str
    sizes: list[int]
    share: float | None


def cards(pool: Pool, found: list[Segment], total: int) -> list[Card]:
    """Segments with their sentence and the sizes of their latest snapshots."""
    names, pks = namer(pool), [segment.pk for segment in found]
    rules = {
        (pk, n): rule for pk, n, rule in SegmentVersion.objects.filter(segment_id__in=pks).values_list("segment_id", "n", "rule")
    }
    sizes: dict[int, list[int]] = {}
    for pk, size in SegmentSnapshot.objects.filter(segment_id__in=pks).order_by("as_of").values_list("segment_id", "size"):
        sizes.setdefault(pk, []).append(size)
    return [
        Card(
            segment,
            sentence_of(pool, rules.get((segment.pk, segment.version)), names),
            sizes.get(segment.pk, [])[-SPARK:],
            segment.size / total if segment.size is not None and total else None,
        )
        for segment in found
    ]


def sentence_of(pool: Pool, rule: Any, names: Any = None, language: str | None = None) -> str:
    """The sentence of a kept rule; lists have none."""
    if not rule:
        return ""
    try:
        return sentence(pool, parse(rule), names, language)
    except RuleError as error:
        return str(error)


def sentence(pool: Pool, tree: Node, names: Any = None, language: str | None = None) -> str:
    """A rule in the language of the moment, with the pool's names."""
    from django.utils.translation import get_language

    said = language or get_language() or "zh-hans"
    return explain(tree, said, names or namer(pool, said))


def versions(segment: Segment) -> list[tuple[SegmentVersion, str]]:
    """All versions of a segment's rule, the latest first, in words."""
    names = namer(segment.pool)
    found = SegmentVersion.objects.filter(segment=segment).select_related("actor").order_by("-n")
    return [(version, sentence_of(segment.pool, version.rule, names)) for version in found]


def history(segment: Segment) -> list[tuple[datetime, int]]:
    """When a segment was computed and how many it had."""
    return list(SegmentSnapshot.objects.filter(segment=segment).order_by("as_of").values_list("as_of", "size"))


def members_now(segment: Segment, as_of: datetime) -> BitMap:
    """Who is in a segment as it was last computed, without members merged away since."""
    return latest_snapshot(segment) & Evaluation(segment.pool, as_of).universe


@dataclass(frozen=True)
class Moves:
    """Who came and went between two snapshots."""

    before: SegmentSnapshot
    after: SegmentSnapshot
    entered: BitMap
    left: BitMap
    stayed: int


def moves(segment: Segment, before: SegmentSnapshot, after: SegmentSnapshot) -> Moves:
    """Set differences of two snapshots."""
    was, now = BitMap.deserialize(bytes(before.bitmap)), BitMap.deserialize(bytes(after.bitmap))
    return Moves(before, after, now - was, was - now, len(now & was))


def compared(segment: Segment, before_pk: int | None = None, after_pk: int | None = None) -> Moves | None:
    """The moves between two chosen snapshots, or between the last two."""
    found = list(SegmentSnapshot.objects.filter(segment=segment).order_by("-as_of").values_list("pk", flat=True))
    if len(found) < 2:
        return None
    chosen = [after_pk if after_pk in found else found[0], before_pk if before_pk in found else found[1]]
    rows = SegmentSnapshot.objects.in_bulk(chosen)
    after, before = rows[chosen[0]], rows[chosen[1]]
    return moves(segment, *sorted((before, after), key=lambda row: row.as_of))


def snapshot_choices(segment: Segment) -> list[SegmentSnapshot]:
    """Snapshots without their bitmaps, the latest first."""
    return list(SegmentSnapshot.objects.filter(segment=segment).defer("bitmap").order_by("-as_of"))


def was_member(segment: Segment, member_id: int) -> list[tuple[datetime, bool]]:
    """In which snapshots somebody was."""
    rows = SegmentSnapshot.objects.filter(segment=segment).order_by("as_of").values_list("as_of", "bitmap")
    return [(as_of, member_id in BitMap.deserialize(bytes(packed))) for as_of, packed in rows.iterator(chunk_size=50)]


# -- People --------------------------------------------------------------------------------------
def sample(found: BitMap, count: int = 5) -> list[Member]:
    """A few members, evenly spread over the ids."""
    size = len(found)
    ids = [found[n * size // count] for n in range(count)] if size > count else list(found)
    return list(Member.objects.filter(pk__in=ids).select_related("state", "channel").order_by("pk"))


def page(found: BitMap, after: int, limit: int) -> list[int]:
    """The next member ids of a bitmap."""
    return bitmaps.slice_after(found, after, limit)


@dataclass(frozen=True)
class Bar:
    label: str
    size: int
    share: float


def reach(look: Evaluation, found: BitMap, language: str) -> list[Bar]:
    """Per carrier: how many of these members can be reached by it."""
    size = len(found)
    counted = [(carrier, found.intersection_cardinality(look.of(_reachable(carrier.value)))) for carrier in CARRIERS]
    return [Bar(carrier.label.said(language), n, n / size if size else 0.0) for carrier, n in counted]


def _reachable(carrier: str | int) -> Condition:
    return Condition("reachable", "any", (carrier,))


@dataclass(frozen=True)
class Reason:
    """One node of a rule and whether a member satisfies it."""

    path: str
    depth: int
    text: str
    holds: bool


def reasons(pool: Pool, rule: Any, member_id: int, as_of: datetime) -> list[Reason]:
    """Why a member is in or is not: every part of the rule with its answer."""
    tree = parse(rule)
    look, names = Evaluation(pool, as_of), namer(pool)
    look.prepare(tree)
    return [
        Reason(path, path.count(".") + 1, sentence(pool, node, names), member_id in look.of(node))
        for path, node in walk(tree)
        if path != "$" or isinstance(node, Condition)
    ]
