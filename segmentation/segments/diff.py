"""What changed between two versions of a rule, condition by condition, in words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Literal

from segmentation.rules.ast import All, AnyOf, Condition, Not, children

What = Literal["same", "changed", "added", "removed"]
Said = Callable[[Any], str]


@dataclass(frozen=True)
class Line:
    """One node of either rule: what became of it, how deep it stands, and how it reads before and after."""

    what: What
    depth: int
    before: Any = None
    after: Any = None
    children: tuple["Line", ...] = field(default=())

    def flat(self) -> Iterator["Line"]:
        """The line and those below it, parents first."""
        yield self
        for child in self.children:
            yield from child.flat()


def compare(before: Any, after: Any, depth: int = 0) -> Line:
    """The lines of two trees beside each other."""
    if isinstance(before, Condition) or isinstance(after, Condition) or not _alike(before, after):
        return Line("same" if before == after else "changed", depth, before, after)
    found = tuple(_children(before, after, depth + 1))
    return Line("same" if type(before) is type(after) else "changed", depth, before, after, found)


def _alike(before: Any, after: Any) -> bool:
    """Whether two nodes are worth setting beside each other: a condition of the same fact, or two groups."""
    if isinstance(before, Condition) and isinstance(after, Condition):
        return before.fact == after.fact
    groups = (All, AnyOf)
    return (isinstance(before, groups) and isinstance(after, groups)) or (isinstance(before, Not) and isinstance(after, Not))


def _children(before: Any, after: Any, depth: int) -> Iterator[Line]:
    olds = [child for _path, child in children(before)]
    news = [child for _path, child in children(after)]
    for tag, i1, i2, j1, j2 in SequenceMatcher(
        None, [repr(n) for n in olds], [repr(n) for n in news], autojunk=False
    ).get_opcodes():
        if tag == "equal":
            yield from (whole("same", node, depth) for node in news[j1:j2])
        else:
            yield from _replaced(olds[i1:i2], news[j1:j2], depth)


def _replaced(olds: list[Any], news: list[Any], depth: int) -> Iterator[Line]:
    """Old nodes beside the first new one that is like them; the rest went or came."""
    waiting = list(news)
    for old in olds:
        partner = next((new for new in waiting if _alike(old, new)), None)
        if partner is None:
            yield whole("removed", old, depth)
            continue
        place = waiting.index(partner)
        yield from (whole("added", new, depth) for new in waiting[:place])
        waiting = waiting[place + 1 :]
        yield compare(old, partner, depth)
    yield from (whole("added", new, depth) for new in waiting)


def whole(what: What, node: Any, depth: int) -> Line:
    """A node with all below it, of one fate."""
    before, after = (node if what != "added" else None), (node if what != "removed" else None)
    return Line(what, depth, before, after, tuple(whole(what, child, depth + 1) for _path, child in children(node)))


@dataclass(frozen=True)
class Told:
    """A line as a page or a program shows it."""

    what: What
    depth: int
    before: str
    after: str
    is_group: bool


def told(line: Line, said: Said) -> list[Told]:
    """Lines in words; `said` names a condition, or the relation of a group."""
    return [
        Told(
            each.what,
            each.depth,
            said(each.before) if each.before is not None else "",
            said(each.after) if each.after is not None else "",
            not isinstance(each.after if each.after is not None else each.before, Condition),
        )
        for each in line.flat()
    ]
