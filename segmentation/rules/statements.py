"""A leaf as one SQL statement that yields `id`. Text comes from constants only; values are bound."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from segmentation.rules import filters, happenings
from segmentation.rules.anchors import ANCHORS
from segmentation.rules.catalog import Fact, fact
from segmentation.rules.normalise import HOURS, Asked, Leaf
from segmentation.rules.periods import DAY, midnight, steady

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
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
# The first day at or after %(first)s that an anniversary of {x} falls on; 29 February is kept on the 28th.
YEARS = "greatest(date_part('year', age(%(first)s::date, {x}))::int, 0)"
COMES = (
    f"CASE WHEN {YEARS} >= 1 AND ({{x}} + make_interval(years => {YEARS}))::date = %(first)s::date THEN %(first)s::date"
    f" ELSE ({{x}} + make_interval(years => {YEARS} + 1))::date END <= %(final)s::date"
)
# In a short window: the day of the year first, which is told at once.
SOON = f"(date_part('month', {{x}}) * 100 + date_part('day', {{x}}))::int = ANY(%(month_days)s) AND {COMES}"
YEAR = 360


def statement(leaf: Leaf, *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
    """The statement of a leaf and its parameters."""
    return _filled(leaf, {"{test}": _test(fact(leaf.fact), leaf)}), _params(leaf, pool, zone)


def unasked(asked: Asked) -> str:
    """The statement of the rows alone, whatever their values."""
    return _filled(asked, {" HAVING {test}": "", "{test}": "true"})


def measured(asked: Asked) -> str:
    """The statement of the rows with the value of each as `v0`."""
    return unasked(asked).replace("id FROM ", f"id, ({value(asked)}) AS v0 FROM ", 1)


def value(asked: Asked) -> str:
    """What is compared, of each row or group of rows."""
    return filled(asked, fact(asked.fact).measure)


def filled(asked: Asked, text: str) -> str:
    """A part of a fact's statement with the filters in it."""
    return text.replace("{where}", filters.sql(fact(asked.fact), asked.where)) if "{where}" in text else text


def pair(asked: Asked) -> list[str]:
    """The statements of a sequence's rows and of what may follow: the ids, and the instants as `v0`."""
    return [_filled(asked, {}, text) for text in fact(asked.fact).pair or ()]


def _filled(asked: Asked, slots: dict[str, str], text: str = "") -> str:
    about = fact(asked.fact)
    slots = {**slots, "{of}": subject(asked), "{where}": filters.sql(about, asked.where), "{since}": _since(about, asked)}
    if about.then == "asked":
        assert asked.then is not None
        slots |= {"{first}": happenings.rows(asked.of, "of"), "{second}": happenings.rows(asked.then.of, "then_of")}
        # What follows something in the window is no older than the window: the fewer to look through, the better.
        slots["{after}"] = " AND b.at > %(start)s" if asked.span[0] else ""
    found = (text or about.sql).replace("{window}", window(about, asked))
    for slot, filling in slots.items():
        found = found.replace(slot, filling)
    return found


def _since(about: Fact, asked: Asked) -> str:
    if asked.since is None:
        return ""
    return f" JOIN ({ANCHORS[asked.since.anchor].sql}) begun ON begun.member_id = {about.row}.member_id"


def domains(asked: Asked) -> set[str]:
    """Whose versions make what was read stale."""
    found = set(fact(asked.fact).domains)
    if asked.since:
        found.add(ANCHORS[asked.since.anchor].domain)
    if fact(asked.fact).then == "asked" and asked.then:
        found |= happenings.domains((*asked.of, *asked.then.of))
    return found


def grouped(found: list[Leaf]) -> list[list[Leaf]]:
    """Leaves that each ask for one choice of the same set ("tagged A", "tagged B") share one statement."""
    batches: dict[object, list[Leaf]] = {}
    for leaf in found:
        single = leaf.op == "any" and fact(leaf.fact).kind == "set" and len(leaf.value) == 1
        batches.setdefault(leaf.rows() if single else leaf, []).append(leaf)
    return list(batches.values())


def choices(batch: list[Leaf], *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
    """One statement for leaves that share one: `id` and the choice as `v0`."""
    whole = replace(batch[0], value=tuple(choice for leaf in batch for choice in leaf.value))
    text, params = statement(whole, pool=pool, zone=zone)
    return text.replace("id FROM ", f"id, ({fact(whole.fact).measure}) AS v0 FROM ", 1), params


def _test(about: Fact, leaf: Leaf) -> str:
    if leaf.op == "within":
        return _coming(about, leaf) if about.yearly else window(about, leaf).removeprefix(" AND ")
    if leaf.op == "known" and about.kind == "text":
        return f"{about.measure} <> ''"
    return TESTS[leaf.op].replace("{x}", f"({about.measure})")


def _coming(about: Fact, leaf: Leaf) -> str:
    """Whether the day comes in the window; in one without a beginning or an end it always does."""
    start, end = leaf.span
    if start is None or end is None:
        return f"{about.measure} IS NOT NULL"
    return (SOON if _month_days(start, end) else COMES).replace("{x}", about.measure)


def _month_days(start: datetime, end: datetime) -> list[int]:
    """The days of a window that is shorter than a year, as 1101 for 1 November, with all that are kept on them."""
    length = (end - start).days + 2
    if length >= YEAR:
        return []
    found = {each.month * 100 + each.day for each in ((start + n * DAY).date() for n in range(-1, length))}
    return sorted(found | {229} if 228 in found else found)


def window(about: Fact, asked: Asked) -> str:
    """The bounds of the window, as far as there are any."""
    start, end = asked.span
    days = asked.since.days if asked.since else None
    ends = {
        f" AND {about.time} >= %(start)s": start,
        f" AND {about.time} < %(end)s": end,
        f" AND {about.time} > begun.at": asked.since,
        f" AND {about.time} <= begun.at + make_interval(hours => 24 * %(since_days)s)": days,
    }
    return "".join(text for text, bound in ends.items() if bound is not None)


def subject(asked: Asked) -> str:
    """Which event, which category …, if any were chosen."""
    text = fact(asked.fact).of_sql
    return f" AND {text}" if asked.of and text else ""


def bound(asked: Asked, pool: int, zone: ZoneInfo) -> dict[str, Any]:
    """The parameters that do not depend on what is compared."""
    start, end = asked.span
    about = fact(asked.fact)
    made: dict[str, Any] = {"pool": pool, "start": start, "end": end, "day": asked.day, "zone": zone.key}
    of: list[Any] = [*happenings.kinds(asked.of)] if about.then == "asked" else list(asked.of)
    made["of"] = of
    made["key"] = about.attribute or (asked.of[0] if asked.of else None)
    if about.attribute:
        made |= {"start": _day(start, zone), "end": _day(end, zone)}
    if asked.day:
        made["until"] = midnight(asked.day + DAY, zone)
    made |= _clock(max(filter(None, (end, made.get("until"))), default=None), zone)
    if about.yearly and start and end:
        made |= {"first": start.astimezone(zone).date(), "final": (end - timedelta(microseconds=1)).astimezone(zone).date()}
        made["month_days"] = _month_days(start.astimezone(zone), end.astimezone(zone))
    return made | _narrowed(asked)


def _clock(end: datetime | None, zone: ZoneInfo) -> dict[str, Any]:
    """From when to the end of the rows local times lie by one offset; without an end, never."""
    since, offset = (NEVER, timedelta(0)) if end is None else steady(zone, end.astimezone(zone).date())
    return {"steady": since, "offset": offset}


def _narrowed(asked: Asked) -> dict[str, Any]:
    made = filters.params(asked.where)
    if asked.since:
        made |= {"since_of": list(asked.since.of), "since_days": asked.since.days}
    if asked.then:
        made |= {"then_of": happenings.kinds(asked.then.of), "then_hours": asked.then.within * HOURS[asked.then.unit]}
    return made | ({"minute": asked.minute} if asked.minute else {})


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
