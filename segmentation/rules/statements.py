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
UTC = ZoneInfo("UTC")
SUBJECTS = {**facts_member.SUBJECT_SQL, **facts_orders.SUBJECT_SQL, **facts_reach.SUBJECT_SQL}


def statement(leaf: Leaf, *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
    """The statement of a leaf and its parameters."""
    about = fact(leaf.fact)
    slots = {"{test}": _test(about, leaf), "{of}": _of(leaf), "{window}": _window(about, leaf)}
    found = about.sql
    for slot, filling in slots.items():
        found = found.replace(slot, filling)
    return found, _params(leaf, pool, zone)


def together(found: list[Leaf]) -> list[list[Leaf]]:
    """Leaves that look at the same groups of rows ("2 orders in 90 days", "500 in 90 days") share one pass."""
    batches: dict[object, list[Leaf]] = {}
    for leaf in found:
        text, _ = statement(leaf, pool=0, zone=UTC)
        rows, _, test = text.partition(" HAVING ")
        batches.setdefault((rows, leaf.of, leaf.span, leaf.day) if test else leaf, []).append(leaf)
    return list(batches.values())


def shared(batch: list[Leaf], *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
    """One statement for leaves that belong together: `id` and, per leaf, whether it holds as `t0`, `t1` …"""
    tests, params, rows = [], dict[str, Any](), ""
    for n, leaf in enumerate(batch):
        text, mine = statement(leaf, pool=pool, zone=zone)
        rows, _, test = text.partition(" HAVING ")
        for name in ("value", "low", "high"):
            test = test.replace(f"%({name})s", f"%({name}{n})s")
            params[f"{name}{n}"] = mine.get(name)
        tests.append(f"({test}) AS t{n}")
        params |= mine
    return rows.replace(" AS id FROM", f" AS id, {', '.join(tests)} FROM", 1), params


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
