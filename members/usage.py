"""What would miss something that is about to go. Upper apps announce themselves:

    @usage.register("scheme")
    def segments_that_need(pool_id: int, pk: int) -> Iterable[usage.Use]: ...

Whoever puts such a thing away calls `refuse` first. Tags and fields of a pool have their own: members/tagging/usage.py
and members/attributes/usage.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from scrm.lib import formats
from scrm.lib.problems import Problem


@dataclass(frozen=True)
class Use:
    """One thing that needs another: what it is, its name, where it is shown."""

    kind: Any
    name: str
    url: str = ""


Finder = Callable[[int, int], Iterable[Use]]
_finders: dict[str, list[Finder]] = {}


def register(kind: str) -> Callable[[Finder], Finder]:
    """Declare a function (pool_id, pk) that names what uses a thing of this kind; it must not change anything."""

    def keep(finder: Finder) -> Finder:
        found = _finders.setdefault(kind, [])
        if finder not in found:
            found.append(finder)
        return finder

    return keep


def uses(kind: str, pool_id: int, pk: int) -> list[Use]:
    """Everything that would miss this thing."""
    return [use for finder in _finders.get(kind, []) for use in finder(pool_id, pk)]


class InUse(Problem):
    """Something others need; `uses` says who."""

    def __init__(self, kind: str, name: str, found: list[Use]) -> None:
        names = formats.listed(f"{use.kind}{formats.quoted(use.name)}" for use in found)
        said = _("「%(name)s」还在使用：%(uses)s") % {"name": name, "uses": names}
        super().__init__(f"{kind}.in_use", said, {"uses": [use.name for use in found]})
        self.uses = found


def refuse(kind: str, pool_id: int, pk: int, name: str) -> None:
    """Raise `InUse` ("scheme.in_use" …) when anything would miss this thing."""
    if found := uses(kind, pool_id, pk):
        raise InUse(kind, name, found)
