"""What can be done to many members: a registry, so that upper apps stay unknown here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from pyroaring import BitMap

from members.models import Pool
from scrm.lib.registry import Registry
from scrm.staff.models import User
from scrm.staff.permissions import may

NOTHING = np.empty((0, 0), dtype=np.int64)


@dataclass(frozen=True)
class Asking:
    """Who asks, in which pool."""

    pool: Pool
    actor: User
    as_of: datetime


@dataclass(frozen=True)
class Doing:
    """One act under way. `as_of` is when it began and stays the same over crashes and chunks: it marks what the act wrote."""

    pool: Pool
    actor: User | None
    as_of: datetime
    number: int  # of the BulkAct
    params: dict[str, Any]
    now: datetime | None = None  # when it is taken back


@dataclass(frozen=True)
class Done:
    """What a chunk changed: whom, and what was there before as rows of whole numbers, for the way back."""

    changed: BitMap
    before: np.ndarray[Any, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True)
class Act:
    """Something that can be done to many members.

    `apply` runs inside the transaction of its chunk; on a chunk that was done already it changes nothing. `undo`
    returns how many members it put back; whoever changed since is left alone. `said` tells parameters in words.
    """

    key: str
    label: Any
    icon: str
    permission: str
    clean: Callable[[Asking, Mapping[str, Any]], dict[str, Any]]
    apply: Callable[[Doing, BitMap], Done]
    undo: Callable[[Doing, Done], int] | None = None
    template: str = ""  # the form in the bar; none: the button alone
    context: Callable[[Pool], dict[str, Any]] = lambda pool: {}
    said: Callable[[Pool, dict[str, Any]], str] = lambda pool, params: ""
    danger: bool = False


acts: Registry[Act] = Registry("bulk act")


def register(act: Act) -> Act:
    """Announce an act."""
    return acts.register(act.key)(act)


def open_to(role: str | None) -> list[Act]:
    """The acts of a role."""
    return [act for _key, act in acts.items() if may(role, act.permission)]
