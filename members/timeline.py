"""Everything that happened to a member, newest first, out of sources that do not know each other.

    @source("deliveries", _("触达"), "send")
    def deliveries(member: Member, before: datetime | None, limit: int) -> list[Moment]: ...

A source gives its newest `limit` moments at or before `before`, always in the same order.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from members.models import Member
from scrm.lib.registry import Registry


@dataclass(frozen=True)
class Moment:
    """One thing that happened. `href` leads to more, `more` is loaded below it when opened."""

    at: datetime
    title: Any
    text: Any = ""
    icon: str = ""
    tone: str = "slate"
    href: str = ""
    more: str = ""
    kind: str = ""
    data: dict[str, Any] = field(default_factory=dict)


Rows = Callable[[Member, datetime | None, int], list[Moment]]


@dataclass(frozen=True)
class Source:
    key: str
    label: Any  # lazy text
    icon: str
    rows: Rows
    permission: str


@dataclass(frozen=True)
class Cursor:
    """Where the next page begins: at this instant, after `seen` moments of it."""

    at: datetime
    seen: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.seen}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """From the address; None for nonsense."""
        at, _, seen = text.partition("~")
        try:
            cursor = cls(datetime.fromisoformat(at), int(seen))
        except ValueError:
            return None
        return cursor if cursor.at.tzinfo else None


sources: Registry[Source] = Registry("timeline source")


def source(key: str, label: Any, icon: str, permission: str = "members.view") -> Callable[[Rows], Rows]:
    """Declare a kind of moments; the function itself is returned."""

    def keep(rows: Rows) -> Rows:
        sources.register(key)(Source(key, label, icon, rows, permission))
        return rows

    return keep


def newest(rows: QuerySet[Any], at: str, before: datetime | None, limit: int, *ties: str) -> QuerySet[Any]:
    """The newest rows at or before an instant, those of one instant always in the same order."""
    if before is not None:
        rows = rows.filter(**{f"{at}__lte": before})
    return rows.order_by(f"-{at}", *ties)[:limit]


def _of(each: Source, member: Member, before: datetime | None, limit: int) -> list[Moment]:
    return [replace(row, kind=each.key, icon=row.icon or each.icon) for row in each.rows(member, before, limit)]


def page(
    member: Member, *, kinds: Iterable[str], cursor: Cursor | None = None, limit: int = 30
) -> tuple[list[Moment], Cursor | None]:
    """The next moments of these kinds, and where the page after begins (None: the beginning is reached).

    Moments of one instant may be cut by the end of a page: the cursor counts how many were shown, and
    sources are asked for that many more.
    """
    before, seen = (cursor.at, cursor.seen) if cursor else (None, 0)
    wanted = limit + seen + 1
    lists = [_of(sources[kind], member, before, wanted) for kind in sorted(kinds)]
    merged = list(heapq.merge(*lists, key=lambda moment: moment.at, reverse=True))[seen:]
    shown = merged[:limit]
    return shown, _after(shown, cursor) if len(merged) > limit else None


def _after(shown: list[Moment], cursor: Cursor | None) -> Cursor:
    last = shown[-1].at
    seen = sum(moment.at == last for moment in shown)
    return Cursor(last, seen + (cursor.seen if cursor and cursor.at == last else 0))
