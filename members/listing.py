"""The member list: what an address asks for, and its pages by key (never by number)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members import search, walking
from members.facets import OWN, PLAIN, facets
from members.filters import Chip, Wrong
from members.models import Member, Pool
from members.sets import ids_of
from members.walking import Key
from scrm.lib import formats
from scrm.lib.problems import Problem

PAGE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_SORT = "-joined"


@dataclass(frozen=True)
class Sort(walking.Order):
    """What the list is ordered by, and how a value stands in the address."""

    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return found


SORTS = {
    "joined": Sort("joined_at", read=_instant, write=lambda at: at.isoformat()),
    "last_order": Sort("last_order_at", EPOCH, may_be_null=True, read=_instant, write=lambda at: at.isoformat()),
    "amount": Sort("amount_total", 0, read=int),
    "orders": Sort("order_count", 0, read=int),
}


@dataclass
class Asked:
    """An address, understood: conditions, sets of ids, chips to show it with, and what nobody could understand."""

    pool: Pool
    sort: str = DEFAULT_SORT
    where: list[Q] = field(default_factory=list)
    sets: list[BitMap] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)

    @property
    def narrowed(self) -> bool:
        return bool(self.where or self.sets)

    @property
    def only(self) -> BitMap | None:
        """Whom the sets leave; None when there is no set."""
        return BitMap.intersection(*self.sets) if self.sets else None

    def matching(self) -> QuerySet[Member]:
        """Everybody the conditions leave; the sets are not applied."""
        found = search.searchable(Member.objects.filter(pool=self.pool, merged_into=None))
        for condition in self.where:
            found = found.filter(condition)
        return found

    def members(self) -> QuerySet[Member]:
        """Everybody asked for, in no order."""
        only = self.only
        return self.matching() if only is None else self.matching().filter(id__any_of=only)

    def ids(self) -> BitMap:
        """Everybody asked for, as a set."""
        only = self.only
        if only is None or len(only) <= walking.LARGE:
            return ids_of(self.members())
        return ids_of(self.matching()) & only

    def count(self) -> int:
        """How many exactly."""
        only = self.only
        if only is not None and len(only) > walking.LARGE:
            return len(self.ids())
        return self.members().order_by().count()

    @cached_property
    def about(self) -> int:
        """How many, as the planner believes: at once, however many there are."""
        only = self.only
        plan = self.matching().order_by().values("id").explain(format="json")
        believed = int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0  # no plan: nobody can match
        return believed if only is None else min(believed, len(only))

    @property
    def whole(self) -> int:
        """The pool's members, as the planner believes."""
        return Asked(self.pool).about

    def refuse_wrong(self) -> None:
        """Raise Problem when something was not understood: an act or a program must not go by half an address."""
        if self.wrong:
            fields: dict[str, list[str]] = {}
            for key, sentence in self.wrong:
                fields.setdefault(key, []).append(sentence)
            raise Problem("list.unknown_filter", formats.clauses(sentence for _key, sentence in self.wrong), fields)


def ask(params: QueryDict, pool: Pool) -> Asked:
    """Understand a query string. What cannot be understood narrows to nobody and is said in `wrong`."""
    sort = params.get("sort", "") or DEFAULT_SORT
    asked = Asked(pool, sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT)
    if asked.sort != sort:
        asked.wrong.append(("sort", _("不能按「%(sort)s」排序") % {"sort": sort[:40]}))
    text = " ".join(params.get("q", "").split())
    if (found := search.where(pool, text)) is not None:
        asked.where.append(found)
        asked.chips.append(("q", params.get("q", ""), _("搜索：%(text)s") % {"text": text}))
    for facet in facets(pool, params):
        reading = facet.read(params, pool)
        asked.chips += reading.chips
        asked.wrong += reading.wrong
        asked.where += [] if reading.where is None else [reading.where]
        asked.sets += [] if reading.ids is None else [reading.ids]
    return asked


def strangers(params: QueryDict, pool: Pool) -> list[str]:
    """Keys of an address that no facet reads; a page lets them pass, an act on everybody must not."""
    rest = {key for key, values in params.lists() if any(values)} - PLAIN - OWN
    return sorted(rest - {key for facet in facets(pool, rest) for key in facet.keys}) if rest else []


@dataclass(frozen=True)
class Page:
    """Some rows, and the keys of the pages around them."""

    rows: Sequence[Member]
    next: str
    previous: str


def page(asked: Asked, *, after: str = "", before: str = "", limit: int = PAGE) -> Page:
    """The rows after (or before) a key, in the order asked for."""
    name, down = asked.sort.removeprefix("-"), asked.sort.startswith("-")
    start = _key(before or after, SORTS[name])
    backwards = bool(before) and start is not None
    keys = walking.keys(asked, SORTS[name], start, limit + 1, falling=down != backwards)
    more, keys = len(keys) > limit, keys[:limit]
    if backwards:
        keys.reverse()
    first, last = (_cursor(keys[0], name), _cursor(keys[-1], name)) if keys else ("", "")
    return Page(_members(keys), last if (more or backwards) else "", first if (more if backwards else start) else "")


def _members(keys: Sequence[Key]) -> list[Member]:
    found = Member.objects.select_related("state", "channel").in_bulk([pk for _value, pk in keys])
    return [found[pk] for _value, pk in keys if pk in found]


def _key(text: str, sort: Sort) -> Key | None:
    value, _tilde, member_id = text.rpartition("~")
    try:
        return (sort.read(value), int(member_id)) if text else None
    except ValueError:
        return None


def _cursor(key: Key, name: str) -> str:
    return f"{SORTS[name].write(key[0])}~{key[1]}"
