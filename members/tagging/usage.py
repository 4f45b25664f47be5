"""Where tags are named: what would miss a tag, and how another one takes its place there. Upper apps announce themselves.

usage.register(Place("segments", find=…, rewrite=…, restore=…))
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from members.models import SavedView, Tag
from scrm.lib import formats
from scrm.lib.problems import Problem
from scrm.lib.registry import Registry
from scrm.staff.models import User


@dataclass(frozen=True)
class Use:
    """One thing that would miss a tag: what it is, its name, where it is shown; `fixed` says that it cannot be changed now."""

    kind: Any
    name: str
    url: str = ""
    fixed: bool = False


@dataclass(frozen=True)
class Place:
    """A kind of thing that names tags.

    `rewrite(source, target, actor)` puts the target in the source's place and returns what is needed to take that back;
    `restore(note, actor)` does so where nothing was changed since, and says whether it did.
    """

    key: str
    find: Callable[[Tag], Iterable[Use]]
    rewrite: Callable[[Tag, Tag, User | None], list[dict[str, Any]]] = lambda source, target, actor: []
    restore: Callable[[dict[str, Any], User | None], bool] = lambda note, actor: False


places: Registry[Place] = Registry("place that names tags")


def register(place: Place) -> Place:
    """Announce a place; `find` must not change anything."""
    return places.register(place.key)(place)


class InUse(Problem):
    """A tag that others need; `uses` says who."""

    def __init__(self, uses: list[Use], code: str = "tags.in_use") -> None:
        names = formats.listed(f"{use.kind}{formats.quoted(use.name)}" for use in uses)
        super().__init__(code, _("标签正在被使用：%(names)s") % {"names": names}, {"uses": [use.name for use in uses]})
        self.uses = uses


def uses(tag: Tag) -> list[Use]:
    """Everything that would miss this tag."""
    return [use for _key, place in places.items() for use in place.find(tag)]


def rewrite(source: Tag, target: Tag, actor: User | None) -> list[dict[str, Any]]:
    """The target takes the source's place everywhere; notes for `restore`. InUse where it cannot."""
    if fixed := [use for use in uses(source) if use.fixed]:
        raise InUse(fixed, "tags.in_fixed_use")
    return [{**note, "place": key} for key, place in places.items() for note in place.rewrite(source, target, actor)]


def restore(notes: list[dict[str, Any]], actor: User | None) -> list[dict[str, Any]]:
    """Take rewriting back; the notes of what was changed since and stays."""
    return [note for note in reversed(notes) if note["place"] not in places or not places[note["place"]].restore(note, actor)]


# -- Views of the member list ---------------------------------------------------------------------
FILTERS = ("tag", "tag_all", "tag_not")


def _views(tag: Tag) -> Iterable[Use]:
    for view in _naming(tag):
        yield Use(_("已存视图"), view.name, f"{reverse('members:list')}?{view.query}")


def _naming(tag: Tag) -> list[SavedView]:
    found = SavedView.objects.filter(pool_id=tag.pool_id, query__contains=str(tag.pk)).order_by("name")
    return [view for view in found if any(key in FILTERS and value == str(tag.pk) for key, value in parse_qsl(view.query))]


def _rewrite_views(source: Tag, target: Tag, _actor: User | None) -> list[dict[str, Any]]:
    return [_renamed(view, str(source.pk), str(target.pk)) for view in _naming(source)]


def _renamed(view: SavedView, old: str, new: str) -> dict[str, Any]:
    was = view.query
    pairs = [(key, new if key in FILTERS and value == old else value) for key, value in parse_qsl(was, keep_blank_values=True)]
    view.query = urlencode(list(dict.fromkeys(pairs)))
    view.save(update_fields=["query"])
    return {"pk": view.pk, "name": view.name, "was": was, "now": view.query}


def _restore_view(note: dict[str, Any], _actor: User | None) -> bool:
    return bool(SavedView.objects.filter(pk=note["pk"], query=note["now"]).update(query=note["was"]))


register(Place("views", _views, _rewrite_views, _restore_view))
