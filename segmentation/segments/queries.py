"""Reading segments as they are now: cards of the list, sentences, people, reach, why somebody is in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils.translation import get_language
from pyroaring import BitMap

from members.models import Member, Pool
from scrm.lib import formats
from segmentation import bitmaps
from segmentation.choices import namer
from segmentation.evaluate import Evaluation, latest_snapshot
from segmentation.models import Segment, SegmentSnapshot, SegmentVersion, TagRule
from segmentation.reasons import explain_values
from segmentation.rules.ast import Condition, Node
from segmentation.rules.explain import explain
from segmentation.rules.facts_reach import CARRIERS
from segmentation.rules.parse import RuleError, parse
from segmentation.segments import cadence, usage

SPARK = 30


def segments(
    pool: Pool, *, q: str = "", archived: bool | None = False, kind: str = "", status: str = "", fact: str = ""
) -> QuerySet[Segment]:
    """Segments of a pool with their current `rule`, those touched last first.

    `archived=None` for both; `fact` for those whose rule asks for it.
    """
    current = SegmentVersion.objects.filter(segment=OuterRef("pk"), n=OuterRef("version")).values("rule")
    found = Segment.objects.filter(pool=pool).select_related("pool", "actor").annotate(rule=Subquery(current))
    if archived is not None:
        found = found.filter(is_archived=archived)
    found = found.filter(name__icontains=q.strip()) if q.strip() else found
    found = found.filter(kind=kind) if kind in Segment.Kind.values else found
    found = found.filter(status=status) if status in Segment.Status.values else found
    if fact:
        found = found.filter(pk__in=[segment.pk for segment in usage.asking_for(pool.pk, ("facts", fact))])
    return found.order_by("-updated_at", "-pk")


@dataclass(frozen=True)
class Card:
    """A segment as the list shows it."""

    segment: Any  # a Segment with its rule
    sentence: str
    sizes: list[int]
    share: float | None
    cadence: str


def cards(pool: Pool, found: list[Segment], total: int) -> list[Card]:
    """Segments of `segments` with their sentence and the sizes of their latest snapshots."""
    names, sizes = namer(pool), _sizes([segment.pk for segment in found])
    return [
        Card(
            segment,
            sentence_of(pool, segment.rule, names),  # type: ignore[attr-defined]
            sizes.get(segment.pk, []),
            segment.size / total if segment.size is not None and total else None,
            cadence.said(segment),
        )
        for segment in found
    ]


def _sizes(pks: list[int]) -> dict[int, list[int]]:
    """The latest sizes of each segment, the oldest of them first."""
    place = Window(RowNumber(), partition_by=F("segment_id"), order_by=F("as_of").desc())
    rows = SegmentSnapshot.objects.filter(segment_id__in=pks).annotate(place=place).filter(place__lte=SPARK)
    found: dict[int, list[int]] = {}
    for pk, size in rows.order_by("segment_id", "as_of").values_list("segment_id", "size"):
        found.setdefault(pk, []).append(size)
    return found


def sentence_of(pool: Pool, rule: Any, names: Any = None, language: str | None = None) -> str:
    """The sentence of a kept rule; lists have none."""
    if not rule:
        return ""
    try:
        return sentence(pool, parse(rule), names, language)
    except RuleError as error:
        return _wrong(error, language)


def _wrong(error: RuleError, language: str | None = None) -> str:
    said = language or get_language() or "zh-hans"
    return ("；" if said.startswith("zh") else "; ").join(fault.text.said(said) for fault in error.faults)


def sentence(pool: Pool, tree: Node, names: Any = None, language: str | None = None) -> str:
    """A rule in the language of the moment, with the pool's names."""
    said = language or get_language() or "zh-hans"
    return explain(tree, said, names or namer(pool, said), formats.sign_of(pool.currency))


def members_now(segment: Segment, as_of: datetime, look: Evaluation | None = None) -> BitMap:
    """Who is in a segment as it was last computed, without members merged away since."""
    return latest_snapshot(segment) & (look or Evaluation(segment.pool, as_of)).universe


def kept_tags(segment: Segment) -> list[TagRule]:
    """The tags that are in step with it."""
    rules = TagRule.objects.filter(segment=segment, tag__retired_at=None)
    return list(rules.select_related("tag").order_by("tag__name"))


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


def why(segment: Segment, rule: Any, member_id: int, as_of: datetime) -> dict[str, Any]:
    """Why a member is in or is not: every part of the rule with what was found, and whether the last computing took them.

    `holds` says what the rule says now; it differs from `inside` while the figures are older than the data.
    """
    inside = member_id in latest_snapshot(segment)
    if segment.kind == Segment.Kind.LIST or not rule:
        return {"inside": inside, "reasons": [], "holds": None}
    try:
        reasons = explain_values(segment.pool, rule, member_id, as_of)
    except RuleError as error:
        return {"inside": inside, "reasons": [], "holds": None, "error": _wrong(error)}
    return {"inside": inside, "reasons": reasons, "holds": reasons[0].holds}
