"""Conditions to leaves: what has to be asked of the data, with every relative thing resolved.

A leaf only ever selects members *with* a row. Whatever also holds for members without one ("fewer
than 2 orders", "stage is lead", "not in") becomes Not of a leaf, so that nobody is lost.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from segmentation.rules.ast import EVERYBODY, All, AnyOf, Condition, Node, Not, Then, Where
from segmentation.rules.catalog import Fact, fact
from segmentation.rules.periods import Span, span, today

NEGATED = {"not_in": "in", "is_not": "is", "not_contains": "contains", "unknown": "known", "not_within": "within", "none": "any"}
OPPOSITE = {"gte": "lt", "lt": "gte", "gt": "lte", "lte": "gt", "eq": "ne", "between": "not_between"}
HOURS = {"hours": 1, "days": 24}
SPLIT = 20  # sets up to this size are asked one by one, so that each stays cached by itself


@dataclass(frozen=True)
class Since:
    """Only what comes after something else that happened to the member, at most so many days after it."""

    anchor: str
    of: tuple[str, ...] = ()
    days: int | None = None


@dataclass(frozen=True)
class Asked:
    """Which rows of a fact are looked at, with no relative parts left."""

    fact: str
    of: tuple[str | int, ...] = ()
    span: Span = (None, None)
    day: date | None = None
    where: tuple[Where, ...] = ()
    since: Since | None = None
    then: Then | None = None
    minute: datetime | None = None

    def rows(self) -> "Asked":
        """Only this part: what leaves and measures of the same rows share."""
        return Asked(self.fact, self.of, self.span, self.day, self.where, self.since, self.then, self.minute)

    def parts(self) -> list[Any]:
        """The same for the same rows, however they were asked for."""
        ends = [_stamp(end) for end in self.span]
        more = [[_said(each) for each in self.where], _said(self.since), _said(self.then), _stamp(self.minute)]
        return [self.fact, sorted(self.of, key=str), ends, str(self.day or ""), *(more if any(more) else ())]


@dataclass(frozen=True)
class Leaf(Asked):
    """One question to the data: an operator over the rows."""

    op: str = "known"
    value: Any = None

    def canonical(self) -> str:
        """The same text for the same question, however it was written."""
        parts = [self.op, _plain(self.value), *self.parts()]
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _stamp(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _said(part: Any) -> list[Any] | None:
    return None if part is None else [_plain(value) for value in vars(part).values()]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


Leaves = All | AnyOf | Not | Leaf


def asked(condition: Condition, as_of: datetime, zone: ZoneInfo) -> Asked:
    """The rows a condition looks at."""
    return _Maker(fact(condition.fact), condition, as_of, zone).asked(condition.op)


def leaves(condition: Condition, as_of: datetime, zone: ZoneInfo) -> Leaves:
    """A condition as set algebra over leaves."""
    about = fact(condition.fact)
    make = _Maker(about, condition, as_of, zone)
    op, value = condition.op, condition.value
    if about.kind in ("count", "amount"):
        return make.counted(op, value)
    if about.kind == "set" and op not in ("known", "unknown"):
        return make.chosen(op, value)
    if op in NEGATED:
        return Not(make.plain(NEGATED[op], value))
    return make.plain(op, value)


@dataclass(frozen=True)
class _Maker:
    about: Fact
    condition: Condition
    as_of: datetime
    zone: ZoneInfo

    def leaf(self, op: str, value: Any) -> Leaf:
        if isinstance(value, tuple) and op not in ("between", "not_between"):
            value = tuple(sorted(set(value), key=str))
        return Leaf(**vars(self.asked(op)), op=op, value=value)

    def asked(self, op: str) -> Asked:
        about, condition = self.about, self.condition
        windowed = about.takes_window(op) and (condition.window is not None or about.kind != "date")
        return Asked(
            about.key,
            tuple(sorted(set(condition.of), key=str)),
            self.bounds() if windowed else (None, None),
            today(self.as_of, self.zone) if about.dated else None,
            tuple(sorted(set(condition.where), key=lambda each: json.dumps(_said(each), ensure_ascii=False))),
            self.since() if windowed else None,
            condition.then,
            self.as_of.replace(second=0, microsecond=0) if about.timed else None,
        )

    def since(self) -> Since | None:
        window = self.condition.window
        return None if window is None or window.since is None else Since(window.since, tuple(sorted(set(window.of))), window.days)

    def plain(self, op: str, value: Any) -> Leaves:
        """A leaf; where members without a row count as a choice that is asked for, Not of the others."""
        about = self.about
        if about.kind != "choice" or value is None or about.absent not in value:
            return self.leaf(op, value)
        others = tuple(choice.value for choice in about.choices if choice.value not in value)
        return Not(self.leaf("in", others)) if others else EVERYBODY

    def bounds(self) -> Span:
        """Without a window everything up to the end of the day counts; how somebody is now is not cut off."""
        if self.condition.window is None and self.about.present:
            return None, None
        return span(self.condition.window, self.as_of, self.zone, ahead=self.about.ahead)

    def counted(self, op: str, value: Any) -> Leaves:
        """Members without a row count as 0: ask for the opposite where 0 would do."""
        if op in ("any", "none"):
            op, value = ("gte", 1) if op == "any" else ("lt", 1)
        if holds(op, 0, value):
            return Not(self.leaf(OPPOSITE[op], value))
        return self.leaf(op, value)

    def chosen(self, op: str, values: tuple[Any, ...]) -> Leaves:
        if op == "none":
            return Not(self.chosen("any", values))
        if op == "any" and len(values) > SPLIT:
            return self.leaf("any", values)
        each = tuple(self.one_of(value) for value in sorted(values, key=str))
        if len(each) == 1:
            return each[0]
        return All(each) if op == "all" else AnyOf(each)

    def one_of(self, value: Any) -> Leaves:
        parts = dict(self.about.parts).get(value)
        return self.leaf("any", (value,)) if parts is None else All(tuple(leaves(each, self.as_of, self.zone) for each in parts))


def holds(op: str, found: Any, value: Any) -> bool:
    """Whether a number satisfies an operator: the meaning that SQL and sentences must share."""
    match op:
        case "gte":
            return bool(found >= value)
        case "gt":
            return bool(found > value)
        case "lte":
            return bool(found <= value)
        case "lt":
            return bool(found < value)
        case "eq":
            return bool(found == value)
        case "ne":
            return bool(found != value)
        case "between":
            return bool(value[0] <= found <= value[1])
        case "not_between":
            return not value[0] <= found <= value[1]
    raise ValueError(op)


def normalise(node: Node, as_of: datetime, zone: ZoneInfo) -> Leaves:
    """The canonical form of a rule at an instant: flat groups, no double negation, sorted children."""
    match node:
        case All(found) | AnyOf(found):
            kind = type(node)
            parts = [part for child in found for part in _flat(normalise(child, as_of, zone), kind)]
            unique = sorted(dict.fromkeys(parts), key=text)
            return unique[0] if len(unique) == 1 else kind(tuple(unique))
        case Not(child):
            return _not(normalise(child, as_of, zone))
        case Condition():
            return _tidy(leaves(node, as_of, zone))


def _tidy(node: Any) -> Any:
    if isinstance(node, Not):
        return _not(_tidy(node.child))
    return node


def _not(child: Any) -> Any:
    return child.child if isinstance(child, Not) else Not(child)


def _flat(node: Any, kind: type[All] | type[AnyOf]) -> tuple[Any, ...]:
    return node.children if isinstance(node, kind) else (node,)


def text(node: Any) -> str:
    """A canonical text of normalised leaves."""
    match node:
        case Leaf():
            return node.canonical()
        case Not(child):
            return f"not({text(child)})"
        case All(found) | AnyOf(found):
            return f"{'all' if isinstance(node, All) else 'any'}({','.join(text(child) for child in found)})"
    raise TypeError(node)


def fingerprint(node: Node, as_of: datetime, zone: ZoneInfo) -> str:
    """Equal for rules that ask the same, whatever the order and the wording."""
    return hashlib.sha256(text(normalise(node, as_of, zone)).encode()).hexdigest()
