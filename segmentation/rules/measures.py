"""What conditions compare, apart from any operator and threshold: one value per member with a row.

Fetched once per window and data version, a measure answers every condition on it: "at least 2
orders in 90 days" and "fewer than 5" look at the same numbers.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from segmentation.rules.catalog import fact
from segmentation.rules.facts_member import MEMBER
from segmentation.rules.normalise import Asked, Leaf
from segmentation.rules.statements import bound, filled, pair, unasked, value

FINEST = 10_000
ONE = "1"
NUMBERS = ("count", "amount", "money", "number")


@dataclass(frozen=True)
class Measure(Asked):
    """A leaf without what is asked of its values."""

    def canonical(self) -> str:
        return json.dumps(["measure", *self.parts()], ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Pass:
    """Measures of the same rows, which one statement reads; choices are grouped, so each takes its own."""

    measures: tuple[Measure, ...]
    rows: str

    @property
    def grouped(self) -> bool:
        """Whether few different values are expected."""
        return fact(self.measures[0].fact).kind == "choice"

    @property
    def texts(self) -> bool:
        return self.grouped and not fact(self.measures[0].fact).numeric

    @property
    def everybody(self) -> bool:
        """Whether every live member has a row."""
        return fact(self.measures[0].fact).sql == MEMBER

    @property
    def each(self) -> list[str]:
        """What of each row is summed, if the rows may be sent instead; "1" where they are counted."""
        found = [filled(measure, fact(measure.fact).each) for measure in self.measures]
        return found if all(found) else []

    @property
    def summed(self) -> list[bool]:
        """Which of them add something up; the others only count."""
        return [each != ONE for each in self.each]

    @property
    def width(self) -> int:
        """Bytes of a row that is sent: the member, and eight of what is summed."""
        return 4 + 8 * sum(self.summed)

    def pair(self, *, pool: int, zone: ZoneInfo) -> list[tuple[str, dict[str, Any]]]:
        """What comes first and what may follow, if it is a sequence: `id` and the instants as `v0`."""
        return [(text, bound(self.measures[0], pool, zone)) for text in pair(self.measures[0])]

    def statement(self, *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
        """Yields `id` and the values as `v0`, `v1` …"""
        values = ", ".join(f"({value(each)}) AS v{n}" for n, each in enumerate(self.measures))
        return self.rows.replace("id FROM ", f"id, {values} FROM ", 1), bound(self.measures[0], pool, zone)

    def ungrouped(self, *, pool: int, zone: ZoneInfo) -> tuple[str, dict[str, Any]]:
        """Yields the `id` of every row, and what is summed as `v0`, `v1` …"""
        values = "".join(f", ({each}) AS v{n}" for n, each in enumerate(self.each) if each != ONE)
        rows = self.rows.rsplit(" GROUP BY ", 1)[0].replace("id FROM ", f"id{values} FROM ", 1)
        return rows, bound(self.measures[0], pool, zone)


def precise(value: Any) -> bool:
    """Whether a mean can be compared with a number as whole numbers: it has few decimals."""
    return all(Fraction(str(each)).denominator <= FINEST for each in (value if isinstance(value, tuple) else (value or 0,)))


def measures_of(leaf: Leaf) -> tuple[Measure, ...]:
    """What a leaf compares: nothing if only the database can tell, dividend and divisor of a mean."""
    about = fact(leaf.fact)
    whole = about.kind in NUMBERS and (about.integral or (about.ratio and precise(leaf.value)))
    if not about.sql or not (whole or about.kind == "choice"):
        return ()
    return tuple(Measure(**(vars(leaf.rows()) | {"fact": key})) for key in about.ratio or (about.key,))


def passes(wanted: Iterable[Measure]) -> list[Pass]:
    """The fewest statements that read these measures, and those that come for nothing beside them."""
    batches: dict[object, list[Measure]] = {}
    for measure in dict.fromkeys(each for one in wanted for each in (one, *_beside(one))):
        about = fact(measure.fact)
        batch = (unasked(measure), replace(measure, fact=measure.fact if about.kind == "choice" else ""))
        batches.setdefault(batch, []).append(measure)
    return [Pass(tuple(found), unasked(found[0])) for found in batches.values()]


def _beside(measure: Measure) -> list[Measure]:
    return [replace(measure, fact=key) for key in fact(measure.fact).beside]
