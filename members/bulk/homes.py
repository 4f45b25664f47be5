"""Giving many members a home store from the list, and the way back."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members.bulk import packing
from members.bulk.acts import Act, Asking, Doing, Done, register
from members.filters import NONE
from members.models import Pool, Store
from members.sets import array
from members.stores import services as stores
from members.stores.queries import open_stores
from scrm.lib.problems import Problem


def _clean(asking: Asking, data: Mapping[str, Any]) -> dict[str, Any]:
    """{"store": the number of an open store, or "none"}."""
    value = str(data.get("store") or "")
    known = {str(store.pk): store.pk for store in open_stores(asking.pool)}
    if value != NONE and value not in known:
        raise Problem("bulk.no_store", _("请选择一家门店"), {"store": [_("请选择一家门店")]})
    return {"store": known.get(value)}


def _said(pool: Pool, params: dict[str, Any]) -> str:
    if not params.get("store"):
        return _("没有归属门店")
    return str(Store.objects.filter(pool=pool, pk=params["store"]).first() or _("门店已删除"))


def _homes(doing: Doing, ids: BitMap) -> packing.Rows:
    return packing.rows_of("members/bulk/list_homes", {"ids": array(ids), "pool_id": doing.pool.pk}, 2)


def _move(doing: Doing, ids: BitMap, store: int | None) -> BitMap:
    home = Store.objects.get(pool=doing.pool, pk=store) if store else None
    return BitMap(stores.set_home(pool=doing.pool, members=ids, store=home, actor=doing.actor, as_of=doing.as_of))


def settle(doing: Doing, ids: BitMap) -> Done:
    """Members belong to the store from now on; where they belonged before is noted."""
    before = _homes(doing, ids)
    changed = _move(doing, ids, doing.params["store"])
    return Done(changed, packing.only(before, changed))


def move_back(doing: Doing, done: Done) -> int:
    """Back to where they belonged, unless another store was chosen since."""
    now, given = _homes(doing, done.changed), doing.params["store"] or 0
    still = packing.members_of(now[now[:, 1] == given])
    rows = packing.only(done.before, still)
    homes = sorted(set(rows[:, 1].tolist())) if rows.size else []
    return sum(len(_move(doing, packing.members_of(rows[rows[:, 1] == home]), home or None)) for home in homes)


register(
    Act(
        "home",
        gettext_lazy("设置归属门店"),
        "building-store",
        "owners.assign",
        _clean,
        settle,
        move_back,
        template="bulk/home.html",
        context=lambda pool: {"stores": open_stores(pool)},
        said=_said,
    )
)
