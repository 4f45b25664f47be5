"""A rule as a tree: All, AnyOf, Not around conditions. Plain frozen data."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Value = Any  # str, int, float, None, or a tuple of them: always hashable
Unit = Literal["hours", "days", "weeks", "months"]


@dataclass(frozen=True)
class Window:
    """When something happened, relative to `as_of`, between dates (both included) or after something else."""

    last: int | None = None
    unit: Unit = "days"
    ago: tuple[int, int] | None = None  # between so many and so many days ago
    start: date | None = None
    end: date | None = None
    period: str | None = None
    ahead: int | None = None  # the coming so many units, today included
    since: str | None = None  # an anchor: after the member's last order, joining …
    of: tuple[str, ...] = ()  # which events the anchor looks for
    days: int | None = None  # … and at most so many days after it


@dataclass(frozen=True)
class Where:
    """Only rows of which this holds: orders of a channel, events whose property `name` is …"""

    field: str
    op: str
    value: Value = None
    name: str = ""


@dataclass(frozen=True)
class Then:
    """What has to follow (or must not), and how soon after; without `of` the fact says what."""

    of: tuple[str, ...] = ()
    within: int = 1
    unit: Literal["hours", "days"] = "days"


@dataclass(frozen=True)
class Condition:
    """One test of one fact; `of` says of what (which event, which category, which attribute)."""

    fact: str
    op: str
    value: Value = None
    of: tuple[str | int, ...] = ()
    window: Window | None = None
    where: tuple[Where, ...] = ()
    then: Then | None = None


# Groups hold conditions in a rule and leaves once it is normalised, hence children of any type.
@dataclass(frozen=True)
class All:
    """Every child holds; without children, everybody."""

    children: tuple[Any, ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """At least one child holds; without children, nobody."""

    children: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Not:
    """The child does not hold."""

    child: Any = field(default_factory=AnyOf)


Node = All | AnyOf | Not | Condition
EVERYBODY, NOBODY = All(), AnyOf()


def children(node: Any, path: str = "$") -> list[tuple[str, Any]]:
    """The direct children of a node with their JSON paths."""
    if isinstance(node, All):
        return [(f"{path}.all[{n}]", child) for n, child in enumerate(node.children)]
    if isinstance(node, AnyOf):
        return [(f"{path}.any[{n}]", child) for n, child in enumerate(node.children)]
    if isinstance(node, Not):
        return [(f"{path}.not", node.child)]
    return []


def walk(node: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Every node with its JSON path, parents first."""
    yield path, node
    for where, child in children(node, path):
        yield from walk(child, where)


def conditions(node: Node) -> list[tuple[str, Condition]]:
    """The conditions of a rule with their JSON paths."""
    return [(path, found) for path, found in walk(node) if isinstance(found, Condition)]


def dump(node: Node) -> dict[str, Any]:
    """The JSON a rule is kept as; `parse` reads it back to an equal tree."""
    match node:
        case All(found):
            return {"all": [dump(child) for child in found]}
        case AnyOf(found):
            return {"any": [dump(child) for child in found]}
        case Not(child):
            return {"not": dump(child)}
        case Condition():
            return _condition(node)


def _condition(node: Condition) -> dict[str, Any]:
    made: dict[str, Any] = {"fact": node.fact, "op": node.op}
    if node.value is not None:
        made["value"] = list(node.value) if isinstance(node.value, tuple) else node.value
    if node.of:
        made["of"] = list(node.of)
    if node.where:
        made["where"] = [_where(each) for each in node.where]
    if node.then:
        made["then"] = _then(node.then)
    if node.window:
        made["window"] = dump_window(node.window)
    return made


def _where(found: Where) -> dict[str, Any]:
    made: dict[str, Any] = {"field": found.field, **({"name": found.name} if found.name else {}), "op": found.op}
    if found.value is not None:
        made["value"] = list(found.value) if isinstance(found.value, tuple) else found.value
    return made


def _then(then: Then) -> dict[str, Any]:
    return {**({"of": list(then.of)} if then.of else {}), "within": then.within, "unit": then.unit}


def dump_window(window: Window) -> dict[str, Any]:
    if window.since is not None:
        told = {"since": window.since, "of": list(window.of), "days": window.days}
        return {name: value for name, value in told.items() if value}
    if window.ahead is not None:
        return {"next": window.ahead, "unit": window.unit}
    if window.last is not None:
        return {"last": window.last, "unit": window.unit}
    if window.ago is not None:
        return {"ago": list(window.ago)}
    if window.period is not None:
        return {"period": window.period}
    ends = {"from": window.start, "to": window.end}
    return {name: day.isoformat() for name, day in ends.items() if day}
