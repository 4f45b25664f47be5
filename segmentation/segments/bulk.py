"""What segments add to the bar of the member list: put many members on a static list."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import bulk
from members.models import Pool
from scrm.lib.problems import Problem
from segmentation.models import Segment
from segmentation.segments import membership, services


def _lists(pool: Pool) -> dict[str, Any]:
    found = Segment.objects.filter(pool=pool, kind=Segment.Kind.LIST, is_archived=False).order_by("name")
    return {"lists": list(found.values_list("pk", "name"))}


def _list(pool: Pool, number: Any) -> Segment:
    text = str(number or "")
    rows = Segment.objects.filter(pool=pool, kind=Segment.Kind.LIST, is_archived=False)
    found = rows.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
    if found is None:
        raise Problem("bulk.no_list", _("请选择一个静态名单，或给新名单起个名字"), {"list": [_("请选择一个静态名单")]})
    return found


def clean(asking: bulk.Asking, data: Mapping[str, Any]) -> dict[str, Any]:
    """A list that is there, or the name of a new one, which is made at once and empty."""
    name = str(data.get("name") or "").strip()
    if name:
        made = services.fix(
            pool=asking.pool, name=name[:80], ids=BitMap(), actor=asking.actor, as_of=asking.as_of, kind=Segment.Kind.LIST
        )
        return {"list": made.pk}
    return {"list": _list(asking.pool, data.get("list")).pk}


def add(doing: bulk.Doing, ids: BitMap) -> bulk.Done:
    """Put members on the list; those who were not on it yet."""
    new = membership.change_list(segment=_list(doing.pool, doing.params["list"]), add=ids, remove=BitMap(), as_of=doing.as_of)
    return bulk.Done(new)


def take_off(doing: bulk.Doing, done: bulk.Done) -> int:
    """Take those off again who are still on it."""
    segment = _list(doing.pool, doing.params["list"])
    return len(membership.change_list(segment=segment, add=BitMap(), remove=done.changed, as_of=doing.as_of))


def _said(pool: Pool, params: dict[str, Any]) -> str:
    return Segment.objects.filter(pool=pool, pk=params.get("list") or 0).aggregate(name=Max("name"))["name"] or _("名单已删除")


bulk.register(
    bulk.Act(
        "list_add",
        label=gettext_lazy("加入名单"),
        icon="playlist-add",
        permission="segments.edit",
        clean=clean,
        apply=add,
        undo=take_off,
        template="segments/bulk_list.html",
        context=_lists,
        said=_said,
    )
)


# -- Off a list ----------------------------------------------------------------------------------
def chosen_list(asking: bulk.Asking, data: Mapping[str, Any]) -> dict[str, Any]:
    """A list that is there."""
    return {"list": _list(asking.pool, data.get("list")).pk}


def remove(doing: bulk.Doing, ids: BitMap) -> bulk.Done:
    """Take members off the list; those who were on it."""
    gone = membership.change_list(segment=_list(doing.pool, doing.params["list"]), add=BitMap(), remove=ids, as_of=doing.as_of)
    return bulk.Done(gone)


def put_back(doing: bulk.Doing, done: bulk.Done) -> int:
    """Those are on it again who are not by now."""
    segment = _list(doing.pool, doing.params["list"])
    return len(membership.change_list(segment=segment, add=done.changed, remove=BitMap(), as_of=doing.as_of))


bulk.register(
    bulk.Act(
        "list_remove",
        label=gettext_lazy("移出名单"),
        icon="playlist-x",
        permission="segments.edit",
        clean=chosen_list,
        apply=remove,
        undo=put_back,
        template="segments/bulk_off_list.html",
        context=_lists,
        said=_said,
    )
)
