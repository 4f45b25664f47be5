"""Segments made of segments: union, intersection, difference, exactly one; as a rule that lives on, or as they are now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members.models import Pool
from scrm.lib.problems import Problem
from scrm.staff.models import User
from segmentation.models import Segment
from segmentation.segments import services
from segmentation.segments.overlap import MOST, Together

LEAST = 2


class Operation(TextChoices):
    """How segments are joined; of difference the first is the one the others are taken from."""

    UNION = "union", gettext_lazy("并集：属于任意一个")
    INTERSECTION = "intersection", gettext_lazy("交集：同时属于全部")
    DIFFERENCE = "difference", gettext_lazy("差集：属于第一个，不属于其余")
    ONE = "one", gettext_lazy("恰好属于其中一个（两个时即对称差）")


def inside(*numbers: int) -> dict[str, Any]:
    return {"fact": "segment", "op": "any", "value": list(numbers)}


def outside(*numbers: int) -> dict[str, Any]:
    return {"fact": "segment", "op": "none", "value": list(numbers)}


def rule(operation: str, numbers: Sequence[int]) -> dict[str, Any]:
    """The rule over segments that says the same."""
    first, *others = numbers
    match operation:
        case Operation.UNION:
            return {"all": [inside(*numbers)]}
        case Operation.INTERSECTION:
            return {"all": [inside(number) for number in numbers]}
        case Operation.DIFFERENCE:
            return {"all": [inside(first), outside(*others)]}
    return {"any": [only(number, numbers) for number in numbers]}


def only(number: int, numbers: Sequence[int]) -> dict[str, Any]:
    """Who is in one of them and in no other."""
    others = [other for other in numbers if other != number]
    return {"all": [inside(number), *([outside(*others)] if others else [])]}


def region_rule(members: Sequence[int], others: Sequence[int]) -> dict[str, Any]:
    """Who is in all of these and in none of those: one field of a Venn diagram."""
    return {"all": [*(inside(number) for number in members), *([outside(*others)] if others else [])]}


def worked_out(operation: str, sets: Sequence[BitMap]) -> BitMap:
    """The members an operation selects of these sets."""
    first, *others = sets
    match operation:
        case Operation.UNION:
            return BitMap.union(*sets)
        case Operation.INTERSECTION:
            return BitMap.intersection(*sets)
        case Operation.DIFFERENCE:
            return BitMap.difference(first, *others)
    return _in_one(sets)


def _in_one(sets: Sequence[BitMap]) -> BitMap:
    once, more = BitMap(), BitMap()
    for each in sets:
        more |= once & each
        once |= each
    return once - more


def combine(
    *,
    pool: Pool,
    segments: Sequence[Segment],
    operation: str,
    name: str,
    kind: str,
    actor: User | None,
    as_of: datetime,
    note: str = "",
) -> Segment:
    """A new segment of 2 to 5 others: live, by a rule over them, or a snapshot of them as they were last computed.

    Raises `Problem` "combine" when they are too few, too many or not of this pool.
    """
    _check(pool, segments, operation, kind)
    numbers = [segment.pk for segment in segments]
    made = rule(operation, numbers)
    if kind == Segment.Kind.LIVE:
        return services.save(pool=pool, name=name, note=note, rule=made, actor=actor)
    services.checked(pool, made)
    together = Together.of(pool, segments, as_of)
    found = worked_out(operation, together.sets)
    return services.fix(pool=pool, name=name, note=note, ids=found, actor=actor, as_of=together.as_of, rule=made)


def _check(pool: Pool, segments: Sequence[Segment], operation: str, kind: str) -> None:
    distinct = len({segment.pk for segment in segments}) == len(segments)
    asked = (
        (distinct and LEAST <= len(segments) <= MOST, "segments", _("请选择 2 到 5 个不同的分群")),
        (all(segment.pool_id == pool.pk for segment in segments), "segments", _("没有这个分群")),
        (operation in Operation.values, "operation", _("没有这种运算")),
        (kind in (Segment.Kind.LIVE, Segment.Kind.SNAPSHOT), "kind", _("只能另存为动态分群或快照")),
    )
    for fine, field, said in asked:
        if not fine:
            raise Problem("combine", said, {field: [said]})
