"""Who uses a segment, and what segments use. Upper apps announce themselves: `usage.register(function)`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy

from members import usage as things
from members.models import Store
from segmentation.models import Segment, SegmentVersion
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
    """What a rule refers to, as far as it can be read: ("facts", "city"), ("tags", 7), ("segments", 3), ("stores", "S01") …"""
    node, _faults = read(rule)
    return {each for _path, condition in (conditions(node) if node is not None else []) for each in _asked(condition)}


def _asked(condition: Condition) -> Iterator[tuple[str, Any]]:
    about = fact(condition.fact)
    yield "facts", condition.fact
    if about.scheme:
        yield "schemes", about.scheme
    if about.source:
        yield from ((about.source, value) for value in _several(condition.value))
    if about.subject:
        yield from ((about.subject.source, value) for value in condition.of)
    sources = {found.key: found.source for found in getattr(about, "filters", ())}
    for where in getattr(condition, "where", ()):
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


# -- What the member pool's things are needed for ------------------------------------------------
def _shown(found: Iterable[Segment]) -> list[things.Use]:
    return [things.Use(KIND, segment.name, url_of(segment)) for segment in found]


@things.register("tag")
def that_ask_for_a_tag(pool_id: int, pk: int) -> Iterable[things.Use]:
    """Segments whose rule asks for a tag."""
    return _shown(asking_for(pool_id, ("tags", pk)))


@things.register("scheme")
def that_ask_for_a_scheme(pool_id: int, pk: int) -> Iterable[things.Use]:
    """Segments whose rule asks how members stand in a scheme."""
    return _shown(asking_for(pool_id, ("schemes", pk)))


@things.register("community")
def that_ask_for_a_community(pool_id: int, pk: int) -> Iterable[things.Use]:
    """Segments whose rule asks for a community."""
    return _shown(asking_for(pool_id, ("communities", pk)))


@things.register("store")
def that_ask_for_a_store(pool_id: int, pk: int) -> Iterable[things.Use]:
    """Segments whose rule asks for a store: as a home store by its row, as a place of orders by its code."""
    code = Store.objects.filter(pool_id=pool_id, pk=pk).values_list("code", flat=True).first()
    return _shown(asking_for(pool_id, ("home_stores", pk), ("stores", code)))
