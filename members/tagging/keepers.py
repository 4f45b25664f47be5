"""Who keeps the tags that are not given by hand: upper apps say in words what stands behind a tag, and how it is doing.

keepers.register(of=rules_of, template="tagrules/panel.html", context=panel)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from members.models import Pool, Tag


@dataclass(frozen=True)
class Kept:
    """What keeps a tag."""

    sentence: str
    status: str  # new, building, ready, failed, paused
    label: Any
    tone: str
    as_of: datetime | None = None
    error: str = ""


@dataclass(frozen=True)
class Keeper:
    """`of` tells for some tags of a pool what keeps them; the panel stands on a tag's page."""

    of: Callable[[Pool, Iterable[Tag]], dict[int, Kept]]
    template: str
    context: Callable[[HttpRequest, Tag], dict[str, Any]]


_keepers: list[Keeper] = []


def register(
    *, of: Callable[[Pool, Iterable[Tag]], dict[int, Kept]], template: str, context: Callable[[HttpRequest, Tag], dict[str, Any]]
) -> None:
    """Announce a keeper."""
    _keepers.append(Keeper(of, template, context))


def kept(pool: Pool, tags: Iterable[Tag]) -> dict[int, Kept]:
    """What keeps these tags, by tag."""
    wanted = [tag for tag in tags if tag.is_kept]
    return {pk: found for keeper in _keepers for pk, found in keeper.of(pool, wanted).items()} if wanted else {}


def panels(request: HttpRequest, tag: Tag) -> list[tuple[str, dict[str, Any]]]:
    """Template and context of the keepers that know the tag."""
    found = [(keeper.template, keeper.context(request, tag)) for keeper in _keepers]
    return [(template, context) for template, context in found if context]
