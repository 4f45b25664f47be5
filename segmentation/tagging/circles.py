"""Which tags a rule asks for, through however many tags and segments: it must not lead back to its own."""

from collections.abc import Iterable
from typing import Any

from members.models import Pool
from segmentation.models import Segment, SegmentVersion, TagRule
from segmentation.rules.ast import conditions
from segmentation.rules.parse import read
from segmentation.segments.usage import segments_in


def tags_in(rule: Any) -> set[int]:
    """The tags a rule refers to, as far as it can be read."""
    node, _faults = read(rule)
    found = conditions(node) if node is not None else []
    return {int(number) for _path, each in found if each.fact == "tag" for number in each.value}


def reached(pool: Pool, rule: Any) -> set[int]:
    """Every tag that decides whom a rule selects."""
    return _follow(pool, tags_in(rule), segments_in(rule))


def reached_of_segment(segment: Segment) -> set[int]:
    """Every tag that decides who is in a segment."""
    return _follow(segment.pool, set(), {segment.pk})


def _follow(pool: Pool, tags: Iterable[int], segments: Iterable[int]) -> set[int]:
    kept = {row.tag_id: row for row in TagRule.objects.filter(pool=pool, tag__retired_at=None)}
    rules = _segment_rules(pool)
    seen: set[tuple[str, int]] = set()
    waiting = [*(("tag", pk) for pk in tags), *(("segment", pk) for pk in segments)]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        kind, pk = place
        rule = rules.get(pk, {}) if kind == "segment" else kept[pk].rule if pk in kept else {}
        waiting += [("tag", each) for each in tags_in(rule)] if rule else []
        waiting += [("segment", each) for each in segments_in(rule)] if rule else []
        if kind == "tag" and pk in kept and kept[pk].segment_id:
            waiting.append(("segment", int(kept[pk].segment_id or 0)))
    return {pk for kind, pk in seen if kind == "tag"}


def _segment_rules(pool: Pool) -> dict[int, Any]:
    now = dict(Segment.objects.filter(pool=pool, kind=Segment.Kind.LIVE).values_list("pk", "version"))
    versions = SegmentVersion.objects.filter(segment_id__in=now).values_list("segment_id", "n", "rule")
    return {pk: rule for pk, n, rule in versions if n == now[pk]}
