"""Saved views of the member list: a name for an address, with columns; and how each person likes the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from members import columns
from members.models import ListSettings, Pool, SavedView
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

PASSING = ("after", "before", "page", "limit")
ASIDE = (*PASSING, "view", "columns", "dense")  # no part of what a view asks for
LONGEST = 1000
MOST = 100  # views a person may keep in one pool


# -- Reading --------------------------------------------------------------------------------------
def visible(pool: Pool, user: User) -> QuerySet[SavedView]:
    """One's own views and the shared ones."""
    return SavedView.objects.filter(Q(owner=user) | Q(is_shared=True), pool=pool).order_by("pk")


def settings_of(pool: Pool, user: User) -> ListSettings:
    """How somebody likes the list; not saved yet when nothing was ever chosen."""
    return ListSettings.objects.filter(pool=pool, user=user).first() or ListSettings(pool=pool, user=user)


def tabs(pool: Pool, user: User, taste: ListSettings) -> list[SavedView]:
    """The views somebody sees, in the order they like; new ones come last."""
    place = {pk: n for n, pk in enumerate(taste.order)}
    return sorted(visible(pool, user), key=lambda view: (place.get(view.pk, len(place)), view.pk))


def cleaned(query: str) -> str:
    """A query string without blank parts and without the place one has read up to."""
    return _without(query, PASSING)


def tidied(query: str) -> str:
    """A query string without blank parts."""
    return _without(query, ())


def address_of(view: SavedView) -> str:
    """The query string that opens a view."""
    return f"view={view.pk}" + (f"&{view.query}" if view.query else "")


def asked(query: str) -> str:
    """What a query string asks for: conditions and order, the same text for the same question."""
    return _without(query, ASIDE)


def _without(query: str, keys: Sequence[str]) -> str:
    params = QueryDict(query, mutable=True)
    for key in list(params):
        values = [value for value in params.getlist(key) if value]
        if key in keys or not values:
            params.pop(key)
        else:
            params.setlist(key, values)
    return params.urlencode()


def same(a: str, b: str) -> bool:
    """Whether two query strings ask for the same, in whatever order they say it."""
    return sorted(QueryDict(asked(a)).lists()) == sorted(QueryDict(asked(b)).lists())


@dataclass(frozen=True)
class Layout:
    """Which columns, how close together."""

    columns: tuple[str, ...]
    is_dense: bool = False


def layout_of(taste: ListSettings, view: SavedView | None, params: QueryDict | None = None) -> Layout:
    """What the address says, else one's own choice for this tab, else the view's, else the usual."""
    own: dict[str, Any] = taste.layouts.get(str(view.pk) if view else "", {})
    keys = own.get("columns") or (view.columns if view else []) or columns.usual(taste.pool)
    dense = bool(own.get("dense", view.is_dense if view else False))
    if params and params.get("columns"):
        keys = params.get("columns", "").split(".")
    if params and params.get("dense"):
        dense = params["dense"] == "1"
    return Layout(tuple(keys), dense)


# -- Writing --------------------------------------------------------------------------------------
@transaction.atomic
def save_view(
    *, pool: Pool, user: User, name: str, query: str, is_shared: bool, layout: Layout | None = None, view: SavedView | None = None
) -> SavedView:
    """Keep an address under a name. With `view` that one is changed; the name of another of one's own replaces that."""
    name, query = " ".join(name.split())[:40], asked(query)
    if not name:
        raise Problem("view.no_name", _("请给视图起个名字"), {"name": [_("请给视图起个名字")]})
    if len(query) > LONGEST:
        raise Problem("view.too_long", _("筛选条件太多，无法存为视图"), {"query": [_("筛选条件太多，无法存为视图")]})
    if view is not None:
        _own(view, user)
    else:
        view = SavedView.objects.filter(pool=pool, owner=user, name=name).first() or SavedView(pool=pool, owner=user)
        if not view.pk and SavedView.objects.filter(pool=pool, owner=user).count() >= MOST:
            raise Problem("view.too_many", _("最多保存 %(n)s 个视图，请先删除不用的") % {"n": MOST})
    view.name, view.query, view.is_shared = name, query, is_shared
    if layout is not None:
        view.columns, view.is_dense = list(layout.columns), layout.is_dense
    _unique(view)
    audit(actor=user, action="view.save", target=view, pool_id=pool.pk, name=name, is_shared=is_shared)
    return view


def _unique(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        message = _("您已有一个叫这个名字的视图")
        raise Problem("view.name_taken", message, {"name": [message]}) from None


def _own(view: SavedView, user: User) -> None:
    if view.owner_id != user.pk:
        raise Problem("view.not_yours", _("只能更改自己的视图；可以另存为一个新的"))


@transaction.atomic
def delete_view(*, view: SavedView, user: User) -> None:
    """Forget a view of one's own."""
    _own(view, user)
    audit(actor=user, action="view.delete", target=view, pool_id=view.pool_id, name=view.name, query=view.query)
    view.delete()


def _taste(pool: Pool, user: User) -> ListSettings:
    found, _made = ListSettings.objects.select_for_update().get_or_create(pool=pool, user=user)
    return found


@transaction.atomic
def choose_layout(*, pool: Pool, user: User, view: SavedView | None, layout: Layout) -> None:
    """Columns and density of one tab, for oneself; of one's own view for everybody who sees it."""
    if view is not None and view.owner_id == user.pk:
        view.columns, view.is_dense = list(layout.columns), layout.is_dense
        view.save(update_fields=["columns", "is_dense"])
    taste = _taste(pool, user)
    taste.layouts = {**taste.layouts, str(view.pk) if view else "": {"columns": list(layout.columns), "dense": layout.is_dense}}
    taste.save()
    audit(actor=user, action="view.layout", target=view, pool_id=pool.pk, columns=list(layout.columns), dense=layout.is_dense)


@transaction.atomic
def choose_default(*, pool: Pool, user: User, view: SavedView | None) -> None:
    """The tab that opens first; None: everybody."""
    taste = _taste(pool, user)
    taste.default_view = view
    taste.save()
    audit(actor=user, action="view.default", target=view, pool_id=pool.pk)


@transaction.atomic
def move_view(*, pool: Pool, user: User, view: SavedView, by: int) -> None:
    """One tab further left (-1) or right (1), for oneself."""
    taste = _taste(pool, user)
    order = [each.pk for each in tabs(pool, user, taste)]
    at = order.index(view.pk)
    to = min(max(at + by, 0), len(order) - 1)
    order.insert(to, order.pop(at))
    taste.order = order
    taste.save()
    audit(actor=user, action="view.move", target=view, pool_id=pool.pk, place=to)
