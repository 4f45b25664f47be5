"""A leaf as one SQL statement that yields `id`. Text comes from constants only; values are bound."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from segmentation.rules import facts_member, facts_orders, facts_reach
from segmentation.rules.catalog import Fact, fact
from segmentation.rules.normalise import Leaf
from segmentation.rules.periods import Span

TESTS = {
    "in": "{x} = ANY(%(value)s)",
    "any": "{x} = ANY(%(value)s)",
    "is": "lower({x}) = lower(%(value)s)",
    "contains": "position(lower(%(value)s) IN lower({x})) > 0",
    "starts_with": "starts_with(lower({x}), lower(%(value)s))",
    "gte": "{x} >= %(value)s",
    "gt": "{x} > %(value)s",
    "lte": "{x} <= %(value)s",
    "lt": "{x} < %(value)s",
    "eq": "{x} = %(value)s",
    "ne": "{x} <> %(value)s",
    "between": "{x} BETWEEN %(low)s AND %(high)s",
    "not_between": "{x} NOT BETWEEN %(low)s AND %(high)s",
    "known": "{x} IS NOT NULL",
}
SUBJECTS = {**facts_member.SUBJECT_SQL, **facts_orders.SUBJECT_SQL, **facts_reach.SUBJECT_SQL}


class Asked(Protocol):
    """Leaves and measures: what rows are looked at."""

    @property
    def fact(self) -> str: ...
    @property
    def of(self) -> tuple[str | int, ...]: ...
    @property
    def span(self) -> Span: ...
    @property
    def day(self) -> date | None: ...


def statement(leaf: Leaf, *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
    """The statement of a leaf and its parameters."""
    about = fact(leaf.fact)
    slots = {"{test}": _test(about, leaf), "{of}": subject(leaf), "{window}": window(about, leaf)}
    found = about.sql
    for slot, filling in slots.items():
        found = found.replace(slot, filling)
    return found, _params(leaf, pool, zone)


def grouped(found: list[Leaf]) -> list[list[Leaf]]:
    """Leaves that each ask for one choice of the same set ("tagged A", "tagged B") share one statement."""
    batches: dict[object, list[Leaf]] = {}
    for leaf in found:
        single = leaf.op == "any" and fact(leaf.fact).kind == "set" and len(leaf.value) == 1
        batches.setdefault((leaf.fact, leaf.of, leaf.span) if single else leaf, []).append(leaf)
    return list(batches.values())


def choices(batch: list[Leaf], *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
    """One statement for leaves that share one: `id` and the choice as `v0`."""
    whole = replace(batch[0], value=tuple(choice for leaf in batch for choice in leaf.value))
    text, params = statement(whole, pool=pool, zone=zone)
    return text.replace("id FROM ", f"id, ({fact(whole.fact).measure}) AS v0 FROM ", 1), params


def _test(about: Fact, leaf: Leaf) -> str:
    if leaf.op == "within":
        return window(about, leaf).removeprefix(" AND ")
    if leaf.op == "known" and about.kind == "text":
        return f"{about.measure} <> ''"
    return TESTS[leaf.op].replace("{x}", f"({about.measure})")


def window(about: Fact, asked: Asked) -> str:
    """The bounds of the window, as far as there are any."""
    start, end = asked.span
    ends = {f" AND {about.time} >= %(start)s": start, f" AND {about.time} < %(end)s": end}
    return "".join(text for text, bound in ends.items() if bound is not None)


def subject(asked: Asked) -> str:
    """Which event, which category …, if any were chosen."""
    return f" AND {SUBJECTS[asked.fact]}" if asked.of and asked.fact in SUBJECTS else ""


def bound(asked: Asked, pool: int, zone: ZoneInfo) -> dict[str, Any]:
    """The parameters that do not depend on what is compared."""
    start, end = asked.span
    made: dict[str, Any] = {"pool": pool, "start": start, "end": end, "day": asked.day, "zone": zone.key}
    made["of"] = list(asked.of)
    about = fact(asked.fact)
    made["key"] = about.attribute or (asked.of[0] if asked.of else None)
    if about.attribute:
        made |= {"start": _day(start, zone), "end": _day(end, zone)}
    return made


def _day(bound: datetime | None, zone: ZoneInfo) -> str | None:
    """The first day that begins at or after an instant: days are kept as ISO text, which sorts as they do."""
    if bound is None:
        return None
    local = bound.astimezone(zone)
    return (local.date() + timedelta(days=1 if local.time() != time() else 0)).isoformat()


def _params(leaf: Leaf, pool: int, zone: ZoneInfo) -> dict[str, Any]:
    made = bound(leaf, pool, zone)
    if isinstance(leaf.value, tuple) and leaf.op in ("between", "not_between"):
        made["low"], made["high"] = leaf.value
    else:
        made["value"] = list(leaf.value) if isinstance(leaf.value, tuple) else leaf.value
    return made
