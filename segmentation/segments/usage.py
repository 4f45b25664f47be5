"""Who uses a segment. Upper apps announce themselves: `usage.register(function)`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from segmentation.models import Segment, SegmentVersion
from segmentation.rules.ast import conditions
from segmentation.rules.parse import read


@dataclass(frozen=True)
class Use:
    """One thing that would miss a segment: what it is, its name, where it is shown."""

    kind: Any  # lazy text: 活动, 分群 …
    name: str
    url: str = ""


_finders: list[Callable[[Segment], Iterable[Use]]] = []


def register(finder: Callable[[Segment], Iterable[Use]]) -> Callable[[Segment], Iterable[Use]]:
    """Declare a function that names what uses a segment; it must not change anything."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def uses(segment: Segment) -> list[Use]:
    """Everything that would miss this segment."""
    return [use for finder in _finders for use in finder(segment)]


def segments_in(rule: Any) -> set[int]:
    """The segments a rule refers to, as far as it can be read."""
    node, _ = read(rule)
    found = conditions(node) if node is not None else []
    return {int(number) for _, condition in found if condition.fact == "segment" for number in condition.value}


def referring(segment: Segment) -> list[Segment]:
    """Live segments of the pool whose current rule asks for this one."""
    others = Segment.objects.filter(pool_id=segment.pool_id, kind=Segment.Kind.LIVE, is_archived=False).exclude(pk=segment.pk)
    by_pk = {other.pk: other for other in others}
    rules = SegmentVersion.objects.filter(segment_id__in=by_pk).values_list("segment_id", "n", "rule")
    return [by_pk[pk] for pk, n, rule in rules if n == by_pk[pk].version and segment.pk in segments_in(rule)]
