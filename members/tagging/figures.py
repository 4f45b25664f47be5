"""How many carry each tag and which tags say the same: counted while one waits, kept and dated where that takes long.

Ten million tags on a million members take seconds to count. While nothing changed they stay counted; once something
did, a page shows what was counted before, says as of when, and a worker counts anew.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, cast

from django.core.cache import cache

from members.models import Pool, Tag
from members.sets import array, unpacked
from members.versions import versions
from scrm.jobs import services as jobs
from scrm.lib import sql

JOB = "tags.count"
SLOW = 0.5  # seconds from which on nobody waits for it twice
REST = 60  # times as long as it took it stays, at least, whatever changed
OLD = timedelta(hours=1)  # from which on it is counted anew though nothing changed: who loses a tag within a week does
KEPT = 30 * 86_400  # seconds
SOON = timedelta(days=7)
ALIKE = 10
Counted = dict[int, dict[str, Any]]
Alike = list[tuple[int, int, int, float]]


@dataclass(frozen=True)
class Figures:
    """Per tag how many carry it, since when, how many lose it soon; per group how many carry any of it."""

    as_of: datetime
    version: int  # of the tags when they were counted
    seconds: float  # that it took
    tags: Counted
    groups: dict[int, int]
    is_old: bool = False  # tags changed since


@dataclass(frozen=True)
class Likeness:
    """The pairs of tags that sit on the same members most: two tags, members with both, their share of those with either."""

    as_of: datetime
    version: int
    seconds: float
    pairs: Alike
    is_old: bool = False


def figures(pool: Pool, as_of: datetime) -> Figures:
    """Figures of all tags of a pool."""
    return cast("Figures", _kept(pool, as_of, "figures", count))


def likeness(pool: Pool, as_of: datetime) -> Likeness:
    """Which tags of a pool are most alike."""
    return cast("Likeness", _kept(pool, as_of, "alike", compare))


def _kept(pool: Pool, as_of: datetime, what: str, make: Callable[[Pool, datetime], Any]) -> Any:
    found, version = cache.get(_key(pool, what)), versions(pool.pk)["tags"]
    if found is None or (found.seconds < SLOW and (found.version != version or as_of - found.as_of > OLD)):
        return make(pool, as_of)
    if found.version == version and as_of - found.as_of <= OLD:
        return found
    if (as_of - found.as_of).total_seconds() > REST * found.seconds:
        jobs.enqueue(kind=JOB, pool_id=pool.pk, key=f"{JOB}:{pool.pk}")
    return type(found)(**{**vars(found), "is_old": found.version != version})


def _key(pool: Pool, what: str) -> str:
    return f"tags:{what}:{pool.pk}"


def count(pool: Pool, as_of: datetime) -> Figures:
    """Count now, and keep it."""
    started, version = time.perf_counter(), versions(pool.pk)["tags"]
    rows = sql.rows("members/tagging/count_used", {"pool_id": pool.pk, "soon": as_of + SOON})
    covered = sql.rows("members/tagging/count_covered", {"pool_id": pool.pk})
    tags, groups = {row["tag_id"]: row for row in rows}, {row["group_id"]: int(row["members"]) for row in covered}
    made = Figures(as_of, version, time.perf_counter() - started, tags, groups)
    cache.set(_key(pool, "figures"), made, KEPT)
    return made


def compare(pool: Pool, as_of: datetime) -> Likeness:
    """Compare all pairs now, and keep the most alike."""
    started, version = time.perf_counter(), versions(pool.pk)["tags"]
    held = sets(Tag.objects.filter(pool=pool))
    found = [
        (a, b, both, both / (len(mine) + len(theirs) - both))
        for (a, mine), (b, theirs) in combinations(sorted(held.items()), 2)
        if (both := mine.intersection_cardinality(theirs))
    ]
    pairs = sorted(found, key=lambda pair: (-pair[3], pair[0], pair[1]))[:ALIKE]
    made = Likeness(as_of, version, time.perf_counter() - started, pairs)
    cache.set(_key(pool, "alike"), made, KEPT)
    return made


def sets(tags: Iterable[Tag]) -> dict[int, Any]:
    """Who carries each tag, as bitmaps: one read for all of them."""
    found = sql.rows("members/tagging/list_sets", {"tags": array(tag.pk for tag in tags)})
    return {row["tag_id"]: unpacked(row["packed"]) for row in found}
