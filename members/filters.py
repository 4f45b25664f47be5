"""Filters of the member list that upper apps contribute: `?segment=12` means the members of segment 12.

filters.register("segment", _("分群"), ids=members_of, describe=name_of)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from members.models import Pool
from scrm.lib.registry import Registry


@dataclass(frozen=True)
class Extra:
    """A filter of an upper app: what it is called, whom a value selects, how a value reads."""

    key: str
    label: Any  # lazy text
    ids: Callable[[Pool, str], BitMap]
    describe: Callable[[Pool, str], str]


extras: Registry[Extra] = Registry("member filter")


def register(
    key: str, label: Any, ids: Callable[[Pool, str], BitMap], describe: Callable[[Pool, str], str] | None = None
) -> None:
    """Declare `?key=value`: `ids(pool, value)` are the member ids it selects (raise ValueError for nonsense)."""
    extras.register(key)(Extra(key, label, ids, describe or (lambda _pool, value: value)))
