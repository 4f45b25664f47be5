"""The member list: what an address asks for, and its pages by key (never by number)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members import search
from members.facets import FACETS, Chip
from members.filters import extras
from members.models import Member, Pool
from members.sets import ids_of

PAGE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_SORT = "-joined"


@dataclass(frozen=True)
class Sort:
    """What the list is ordered by, and how a value stands in the address."""

    expression: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return found


SORTS = {
    "joined": Sort(F("joined_at"), _instant, lambda at: at.isoformat()),
    "last_order": Sort(Coalesce("state__last_order_at", Value(EPOCH)), _instant, lambda at: at.isoformat()),
    "amount": Sort(Coalesce("state__amount_total", Value(0)), int),
    "orders": Sort(Coalesce("state__order_count", Value(0)), int),
}


@dataclass
class Asked:
    """An address, understood: conditions, sets that upper apps contribute, chips to show it with."""

    pool: Pool
    sort: str = DEFAULT_SORT
    where: list[Q] = field(default_factory=list)
    sets: list[BitMap] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)

    @property
    def narrowed(self) -> bool:
        return bool(self.where or self.sets)

    def members(self) -> QuerySet[Member]:
        """Everybody asked for, in no order."""
        found = search.searchable(Member.objects.filter(pool=self.pool, merged_into=None))
        for condition in self.where:
            found = found.filter(condition)
        if self.sets:
            found = found.filter(id__any_of=BitMap.intersection(*self.sets))
        return found

    def ids(self) -> BitMap:
        """Everybody asked for, as a set; one that only sets select needs no look at the members' facts."""
        return ids_of(self.members())

    def about(self) -> int:
        """How many, as the planner believes: at once, however many there are."""
        plan = self.members().order_by().values("id").explain(format="json")
        return int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0  # no plan: nobody can match


def ask(params: QueryDict, pool: Pool) -> Asked:
    """Understand a query string; what it says wrongly is left out."""
    sort = params.get("sort", DEFAULT_SORT)
    asked = Asked(pool, sort if sort.lstrip("-") in SORTS else DEFAULT_SORT)
    text = " ".join(params.get("q", "").split())
    if (found := search.where(pool, text)) is not None:
        asked.where.append(found)
        asked.chips.append(("q", params.get("q", ""), _("搜索：%(text)s") % {"text": text}))
    for facet in FACETS:
        condition, chips = facet.read(params, pool)
        asked.chips += chips
        if condition is not None:
            asked.where.append(condition)
    _ask_extras(asked, params)
    return asked


def _ask_extras(asked: Asked, params: QueryDict) -> None:
    """Several values of one filter mean any of them; several filters mean all."""
    for key, extra in extras.items():
        chosen = BitMap()
        for value in params.getlist(key):
            try:
                chosen |= extra.ids(asked.pool, value)
                asked.chips.append((key, value, f"{extra.label}: {extra.describe(asked.pool, value)}"))
            except ValueError:
                asked.chips.append((key, value, f"{extra.label}: {_('不存在')}"))
        if params.getlist(key):
            asked.sets.append(chosen)


@dataclass(frozen=True)
class Page:
    """Some rows, and the keys of the pages around them."""

    rows: Sequence[Member]
    next: str
    previous: str


def page(asked: Asked, *, after: str = "", before: str = "", limit: int = PAGE) -> Page:
    """The rows after (or before) a key, in the order asked for."""
    name, down = asked.sort.lstrip("-"), asked.sort.startswith("-")
    key = _key(before or after, SORTS[name])
    backwards = bool(before) and key is not None
    falling = down != backwards
    found = asked.members().annotate(sort_key=SORTS[name].expression)
    if key:
        found = found.filter(_beyond(key, falling))
    found = found.order_by("-sort_key", "-id") if falling else found.order_by("sort_key", "id")
    rows = list(found.select_related("state", "channel")[: limit + 1])
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    first, last = (_cursor(rows[0], name), _cursor(rows[-1], name)) if rows else ("", "")
    return Page(rows, last if (more or backwards) else "", first if (more if backwards else key) else "")


def _beyond(key: tuple[Any, int], falling: bool) -> Q:
    """Rows past a key. The first, wider bound is what an index is entered with."""
    value, member_id = key
    edge, past = ("lte", "lt") if falling else ("gte", "gt")
    return Q(**{f"sort_key__{edge}": value}) & (Q(**{f"sort_key__{past}": value}) | Q(**{f"id__{past}": member_id}))


def _key(text: str, sort: Sort) -> tuple[Any, int] | None:
    value, _tilde, member_id = text.rpartition("~")
    try:
        return (sort.read(value), int(member_id)) if text else None
    except ValueError:
        return None


def _cursor(row: Member, name: str) -> str:
    return f"{SORTS[name].write(row.sort_key)}~{row.pk}"  # type: ignore[attr-defined]
