"""Stores with what goes on in them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.shortcuts import get_object_or_404

from members import kept
from members.models import Pool, Store
from scrm.lib import sql

SPAN = timedelta(days=30)


@dataclass(frozen=True)
class Row:
    """A store and its figures of thirty days; sales in minor units."""

    store: Store
    members: int = 0
    staff: int = 0
    orders: int = 0
    sales: int = 0
    buyers: int = 0
    counted_at: datetime | None = None


def rows(pool: Pool, as_of: datetime) -> list[Row]:
    """Every store, stubs too, in one statement."""
    counted = measured(pool, as_of)
    figures = kept.by(counted.rows, "id")
    found = Store.objects.filter(pool=pool).select_related("manager")
    return [Row(store, **figures[store.pk], counted_at=counted.at) for store in found if store.pk in figures]


def measured(pool: Pool, as_of: datetime) -> kept.Kept:
    """The figures of every store; of a large pool as they were some minutes ago."""
    given = {"pool_id": pool.pk, "since": as_of - SPAN, "as_of": as_of}
    return kept.figures("stores", pool, as_of, lambda: sql.rows("members/stores/measure_stores", given))


def store_of(pool: Pool, pk: int) -> Store:
    return get_object_or_404(Store, pool=pool, pk=pk)


def by_name(pool: Pool) -> dict[str, str]:
    """The code of each store by its code and by its name, in small letters; a code goes before a name."""
    found = Store.objects.filter(pool=pool).order_by("-is_registered", "pk").values_list("code", "name")
    named = {name.lower(): code for code, name in reversed(found)}
    return named | {code.lower(): code for code, _name in found}


def open_stores(pool: Pool) -> list[Store]:
    """What may be chosen for members, staff and groups."""
    return list(Store.objects.filter(pool=pool, is_registered=True, is_active=True).order_by("name"))
