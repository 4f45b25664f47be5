"""Keys of a list in some order, page by page, in bounded time however the planner is mistaken.

Three ways, the cheapest that settles a page is taken:

walk   read the order off its index and leave out who does not match: fast when many match, but never further than REACH rows,
       for a planner that believes in many matches walks a million rows to find none;
set    work out everybody who matches (no order, so nothing tempts the planner to walk) and sort them;
both   a large set of ids from elsewhere is not sent to the database: the order is walked and looked up in the set.

A condition on nothing but what the order's index holds (its own column; stage and RFM group beside it) is always walked: a
million entries of an index are passed over in less time than it takes to work out everybody.

What is computed stands in another table, and whoever was not computed yet has no row there: an outer join cannot be read
off an index. So rows with a value are read off the index of their table, those without are read in the order of their ids
no further than the page reaches, and both are laid together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from members.models import Member, MemberState, Pool

if TYPE_CHECKING:
    from members.listing import Asked

REACH = 20_000
MARGIN = 8  # how many times further than believed a walk goes on before it gives up
LARGE = 20_000
BESIDE = frozenset({"state__stage", "state__rfm_group", "state"})  # what the indexes of computed orders hold beside their keys
Key = tuple[Any, int]


@dataclass(frozen=True)
class Order:
    """A column the list is ordered by. With a floor it is computed: what those without a value count as."""

    field: str
    floor: Any = None
    may_be_null: bool = False

    @property
    def path(self) -> str:
        """From the member."""
        return self.field if self.floor is None else f"state__{self.field}"


def keys(asked: "Asked", order: Order, start: Key | None, count: int, *, falling: bool) -> list[Key]:
    """The next keys (value, member) beyond one."""
    way = _Way(asked.pool, order, falling)
    if not asked.sets and all(_on_index(leaf, order) for condition in asked.where for leaf in _leaves(condition)):
        return way.read(asked.matching(), _stateless(asked), start, count)
    found = _walked(asked, way, start, count)
    return _set(asked, way, start, count) if found is None else found


def _leaves(condition: Q) -> Iterator[str]:
    """The fields with their look-ups that a condition is made of; "" for an expression."""
    for child in condition.children:
        if isinstance(child, Q):
            yield from _leaves(child)
        else:
            yield child[0] if isinstance(child, tuple) else ""


def _on_index(leaf: str, order: Order) -> bool:
    field = leaf.removesuffix("__in").removesuffix("__gte").removesuffix("__lte").removesuffix("__lt")
    return field == order.path or (order.floor is not None and field in BESIDE)


def _stateless(asked: "Asked") -> QuerySet[Member]:
    """Those without a state whom a condition on nothing but states leaves: all of them or nobody.

    The state is looked up member by member on purpose. Few members lie between two keys, which the planner cannot know:
    left to itself it reads all states to find those that are missing.
    """
    if not all(_holds_for_nothing(condition) for condition in asked.where):
        return Member.objects.none()
    state = MemberState.objects.filter(member_id=OuterRef("pk")).values("member_id")
    return Member.objects.filter(pool=asked.pool, merged_into=None).alias(known=Subquery(state)).filter(known=None)


def _holds_for_nothing(condition: Q) -> bool:
    """Whether a condition on a state is true where there is none."""
    found = [_holds_for_nothing(each) if isinstance(each, Q) else _is_nothing(each) for each in condition.children]
    return (any(found) if condition.connector == Q.OR else all(found)) != condition.negated


def _is_nothing(leaf: Any) -> bool:
    return isinstance(leaf, tuple) and leaf[1] is None


def _walked(asked: "Asked", way: "_Way", start: Key | None, count: int) -> list[Key] | None:
    """By walking; None when that does not settle it."""
    only, total = asked.only, max(asked.whole, 1)
    if asked.about * min(REACH, total) < 2 * count * total:
        return None
    far = min(REACH, MARGIN * count * max(total // asked.about, 1))
    end = way.reach(start, far)
    for stretch in (count,) if only is None else (count * 8, far):
        rows = way.valued(asked.matching(), start, stretch, end)
        found = rows if only is None else [key for key in rows if key[1] in only]
        settled = len(found) >= count or (end is None and len(rows) < stretch)
        if settled and not way.floor_before(found[count - 1] if len(found) >= count else None, start):
            return found[:count]
    return None


def _set(asked: "Asked", way: "_Way", start: Key | None, count: int) -> list[Key]:
    """By everybody who matches. Many are looked up along the order first, so that they need not be sent and sorted."""
    ids = asked.ids()
    if len(ids) > LARGE:
        stretch = min(REACH, 3 * count * asked.whole // len(ids))
        end = way.reach(start, stretch)
        found = [key for key in way.valued(Member.objects.filter(pool=asked.pool), start, stretch, end) if key[1] in ids]
        if len(found) >= count and not way.floor_before(found[count - 1], start):
            return found[:count]
    members = Member.objects.filter(pool=asked.pool, id__any_of=ids)
    return way.read(members, members.filter(state=None), start, count)


@dataclass(frozen=True)
class _Way:
    """One order in one direction."""

    pool: Pool
    order: Order
    falling: bool

    def read(self, members: QuerySet[Member], stateless: QuerySet[Member], start: Key | None, count: int) -> list[Key]:
        """The next keys, those without a value included."""
        rows = self.valued(members, start, count)
        if self.order.floor is None:
            return rows
        bare = [stateless]
        if self.order.may_be_null:
            bare.insert(0, members.filter(state__pool=self.pool, **{f"{self.order.path}__isnull": True}))
        for found in bare:
            last = rows[-1] if len(rows) >= count else None
            rows = sorted([*rows, *self._bare(found, start, last, count)], reverse=self.falling)[:count]
        return rows

    def valued(self, members: QuerySet[Member], start: Key | None, count: int, end: Key | None = None) -> list[Key]:
        """Keys of those with a value, beyond `start` and up to `end`."""
        if self.order.floor is not None:
            members = members.filter(state__pool=self.pool, **{f"{self.order.path}__isnull": False})
        found = members.annotate(sort_key=F(self.order.path))
        if start:
            found = found.filter(self._beyond(start, "sort_key", "id"))
        if end:
            found = found.filter(_Way(self.pool, self.order, not self.falling)._beyond((end[0], end[1]), "sort_key", "id"))
        return list(found.order_by(*self._by("sort_key", "id")).values_list("sort_key", "id")[:count])

    def reach(self, start: Key | None, far: int) -> Key | None:
        """The key so many rows further on, matching or not: no page is looked for beyond it. None: the end is nearer."""
        rows: QuerySet[Any] = Member.objects.filter(pool=self.pool)
        column = "id"
        if self.order.floor is not None:
            rows, column = MemberState.objects.filter(pool=self.pool, **{f"{self.order.field}__isnull": False}), "member_id"
        if start:
            rows = rows.filter(self._beyond(start, self.order.field, column))
        # One step over a stretch of an index, of a fixed length: not a page number.
        return rows.order_by(*self._by(self.order.field, column)).values_list(self.order.field, column)[far : far + 1].first()

    def _by(self, field: str, column: str) -> tuple[str, str]:
        return (f"-{field}", f"-{column}") if self.falling else (field, column)

    def _beyond(self, key: Key, field: str, column: str) -> Q:
        """Rows past a key. The first, wider bound is what an index is entered with."""
        edge, past = ("lte", "lt") if self.falling else ("gte", "gt")
        beyond = Q(**{f"{field}__{past}": key[0]}) | Q(**{f"{column}__{past}": key[1]})
        return Q(**{f"{field}__{edge}": key[0]}) & beyond

    def floor_before(self, last: Key | None, start: Key | None) -> bool:
        """Whether those without a value have their place among the keys from `start` to `last` (None: to the end)."""
        floor = self.order.floor
        if floor is None or (start and self._precedes(floor, start[0])):
            return False
        return last is None or not self._precedes(last[0], floor)

    def _bare(self, members: QuerySet[Member], start: Key | None, last: Key | None, count: int) -> list[Key]:
        """Those without a value between the start and the last row that is known, by id."""
        floor, bounds = self.order.floor, Q()
        past, until = ("lt", "gte") if self.falling else ("gt", "lte")
        if (start and self._precedes(floor, start[0])) or (last and self._precedes(last[0], floor)):
            return []
        if start and start[0] == floor:
            bounds &= Q(**{f"id__{past}": start[1]})
        if last and last[0] == floor:
            bounds &= Q(**{f"id__{until}": last[1]})
        found = members.filter(bounds).order_by("-id" if self.falling else "id").values_list("id", flat=True)
        return [(floor, pk) for pk in found[:count]]

    def _precedes(self, a: Any, b: Any) -> bool:
        return bool(a > b) if self.falling else bool(a < b)
