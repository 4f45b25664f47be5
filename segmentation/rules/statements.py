"""A leaf as one SQL statement that yields `id`. Text comes from constants only; values are bound."""

from typing import Any
from zoneinfo import ZoneInfo

from segmentation.rules import facts_member, facts_orders, facts_reach
from segmentation.rules.catalog import Fact, fact
from segmentation.rules.normalise import Leaf

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


def statement(leaf: Leaf, *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
    """The statement of a leaf and its parameters."""
    about = fact(leaf.fact)
    slots = {"{test}": _test(about, leaf), "{of}": _of(leaf), "{window}": _window(about, leaf)}
    found = about.sql
    for slot, filling in slots.items():
        found = found.replace(slot, filling)
    return found, _params(leaf, pool, zone)


def _test(about: Fact, leaf: Leaf) -> str:
    if leaf.op == "within":
        return _window(about, leaf).removeprefix(" AND ")
    if leaf.op == "known" and about.kind == "text":
        return f"{about.measure} <> ''"
    return TESTS[leaf.op].replace("{x}", f"({about.measure})")


def _window(about: Fact, leaf: Leaf) -> str:
    start, end = leaf.span
    ends = {f" AND {about.time} >= %(start)s": start, f" AND {about.time} < %(end)s": end}
    return "".join(text for text, bound in ends.items() if bound is not None)


def _of(leaf: Leaf) -> str:
    return f" AND {SUBJECTS[leaf.fact]}" if leaf.of and leaf.fact in SUBJECTS else ""


def _params(leaf: Leaf, pool: int, zone: ZoneInfo) -> dict[str, Any]:
    start, end = leaf.span
    made: dict[str, Any] = {"pool": pool, "start": start, "end": end, "day": leaf.day, "zone": zone.key}
    made["of"] = list(leaf.of)
    made["key"] = leaf.of[0] if leaf.of else None
    if isinstance(leaf.value, tuple) and leaf.op in ("between", "not_between"):
        made["low"], made["high"] = leaf.value
    else:
        made["value"] = list(leaf.value) if isinstance(leaf.value, tuple) else leaf.value
    return made
