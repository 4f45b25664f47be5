"""Figures over a whole pool that took long: kept for a while, so that the next page answers at once.

A small pool is always counted anew. In a large one members who changed (a hand-over, an import, a new home) are counted
at once; what they bought or how their stage moved may be as old as HELD.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache

from members.models import Pool
from members.versions import versions

SLOW = 0.5  # seconds from which an answer is kept
HELD = 600  # seconds


@dataclass(frozen=True)
class Kept:
    """Rows, and when they were counted."""

    rows: list[dict[str, Any]]
    at: datetime


def figures(name: str, pool: Pool, as_of: datetime, count: Callable[[], list[dict[str, Any]]]) -> Kept:
    """What `count` found, now or a moment ago. Rows that were kept are shared: nobody may change them."""
    key = f"{name}:{pool.pk}:{versions(pool.pk)['members']}"
    found: Kept | None = cache.get(key)
    if found is not None and found.at <= as_of:
        return found
    began = time.perf_counter()
    found = Kept(count(), as_of)
    if time.perf_counter() - began >= SLOW:
        cache.set(key, found, HELD)
    return found


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, dict[str, Any]]:
    """The rows by one of their columns, without it."""
    return {row[key]: {name: value for name, value in row.items() if name != key} for row in rows}
