"""Who uses a segment, and what segments use. Upper apps announce themselves: `usage.register(function)`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy

from members import usage as things
from members.attributes import usage as fields
from members.models import AttributeField
from segmentation.models import Predictor, Segment, SegmentVersion
from segmentation.rules.ast import Condition, conditions
from segmentation.rules.catalog import fact
from segmentation.rules.parse import read

KIND = gettext_lazy("分群")


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


# -- What rules ask for --------------------------------------------------------------------------
def asked_by(rule: Any) -> set[tuple[str, Any]]:
    """What a rule refers to, as far as it can be read: ("facts", "city"), ("tags", 7), ("segments", 3), ("schemes", 12) …"""
    node, _faults = read(rule)
    return {each for _path, condition in (conditions(node) if node is not None else []) for each in _asked(condition)}


def _asked(condition: Condition) -> Iterator[tuple[str, Any]]:
    about = fact(condition.fact)
    yield "facts", condition.fact
    if about.scheme:
        yield "schemes", about.scheme
    if about.attribute:
        yield "fields", about.attribute
    if about.model:
        keys = [f"{about.model}{seed}" for seed in condition.of] if about.model.endswith(":") else [about.model]
        yield from (("models", key) for key in keys)
    if about.source:
        yield from ((about.source, value) for value in _several(condition.value))
    if about.subject:
        yield from ((about.subject.source, value) for value in condition.of)
    sources = {found.key: found.source for found in about.filters}
    for where in condition.where:
        yield from ((sources[where.field], value) for value in _several(where.value) if sources.get(where.field))


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) if value is not None else ()


def segments_in(rule: Any) -> set[int]:
    """The segments a rule refers to, as far as it can be read."""
    return {int(number) for source, number in asked_by(rule) if source == "segments"}


def current_rules(pool_id: int) -> list[SegmentVersion]:
    """The rules of the live segments that are in use, each with its segment."""
    mine = SegmentVersion.objects.filter(segment__pool_id=pool_id, segment__kind=Segment.Kind.LIVE, segment__is_archived=False)
    return list(mine.filter(n=F("segment__version")).select_related("segment").order_by("segment__name"))


def asking_for(pool_id: int, *wanted: tuple[str, Any]) -> list[Segment]:
    """Live segments whose current rule asks for any of these: `asking_for(pool, ("tags", 7))`."""
    return [row.segment for row in current_rules(pool_id) if row.rule and asked_by(row.rule) & set(wanted)]


def facts_used(pool_id: int) -> dict[str, int]:
    """By how many live segments each fact is asked for, the most used first."""
    asked = [key for row in current_rules(pool_id) for source, key in asked_by(row.rule) if source == "facts"]
    return dict(Counter(asked).most_common())


def referring(segment: Segment) -> list[Segment]:
    """Live segments of the pool whose current rule asks for this one."""
    return [found for found in asking_for(segment.pool_id, ("segments", segment.pk)) if found.pk != segment.pk]


def url_of(segment: Segment) -> str:
    return reverse("segments:detail", args=[segment.pk])


@register
def segments_that_need(segment: Segment) -> Iterable[Use]:
    """Segments made of it."""
    return [Use(KIND, other.name, url_of(other)) for other in referring(segment)]


@register
def hooks_that_tell(segment: Segment) -> Iterable[Use]:
    """Other systems that are told who enters and leaves."""
    kind: Any = gettext_lazy("进出通知")
    active = segment.hooks.filter(is_active=True).order_by("pk")
    return [Use(kind, hook.url, reverse("segments:hooks", args=[segment.pk])) for hook in active]


# -- What schemes, models and own fields are needed for ------------------------------------------
Holder = Callable[[int, tuple[str, Any]], Iterable[Use]]


def holds_rules(holder: Holder) -> Holder:
    """Declare a function (pool_id, wanted) that names whatever has a rule that asks for this, as `asked_by` tells it.

    It is asked before a scheme is put away, a model is switched off, and a field of the pool's own is deleted.
    """

    def of_scheme(pool_id: int, pk: int) -> list[things.Use]:
        return [things.Use(use.kind, use.name, use.url) for use in holder(pool_id, ("schemes", pk))]

    def of_model(pool_id: int, pk: int) -> list[things.Use]:
        key = Predictor.objects.values_list("key", flat=True).get(pk=pk)
        return [things.Use(use.kind, use.name, use.url) for use in holder(pool_id, ("models", key))]

    def of_field(field: AttributeField) -> list[fields.Use]:
        return [fields.Use(use.kind, use.name, use.url) for use in holder(field.pool_id, ("fields", field.key))]

    things.register("scheme")(of_scheme)
    things.register("model")(of_model)
    fields.register(of_field)
    return holder


@holds_rules
def segments_that_ask(pool_id: int, wanted: tuple[str, Any]) -> Iterable[Use]:
    """Segments whose current rule asks for it."""
    return [Use(KIND, segment.name, url_of(segment)) for segment in asking_for(pool_id, wanted)]
