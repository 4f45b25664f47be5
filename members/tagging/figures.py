"""How many carry each tag and which tags say the same: counted while one waits, kept and dated where that takes long.

Ten million tags on a million members take seconds to count. While nothing changed they stay counted; once something
did, a page shows what was counted before, says as of when, and a worker counts anew.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
from django.core.cache import cache
from django.db import transaction
from pyroaring import BitMap

from members.models import Pool, Tag
from members.sets import array, unpacked, unpacked_short
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
    return cast("Figures", _kept(pool, as_of, "figures", lambda: read(pool, as_of)[0]))


def likeness(pool: Pool, as_of: datetime) -> Likeness:
    """Which tags of a pool are most alike."""
    return cast("Likeness", _kept(pool, as_of, "alike", lambda: read(pool, as_of)[1]))


def _kept(pool: Pool, as_of: datetime, what: str, make: Callable[[], Any]) -> Any:
    found, version = cache.get(_key(pool, what)), versions(pool.pk)["tags"]
    if found is None or (found.seconds < SLOW and (found.version != version or as_of - found.as_of > OLD)):
        return make()
    if found.version == version and as_of - found.as_of <= OLD:
        return found
    if (as_of - found.as_of).total_seconds() > REST * found.seconds:
        jobs.enqueue(kind=JOB, pool_id=pool.pk, key=f"{JOB}:{pool.pk}")
    return type(found)(**{**vars(found), "is_old": found.version != version})


def _key(pool: Pool, what: str) -> str:
    return f"tags:{what}:{pool.pk}"


def read(pool: Pool, as_of: datetime) -> tuple[Figures, Likeness]:
    """Read all carriers once for both, and keep what they say."""
    started, version = time.perf_counter(), versions(pool.pk)["tags"]
    group_of = dict(Tag.objects.filter(pool=pool).values_list("pk", "group_id"))
    rows = _carriers(list(group_of), as_of)
    tags: Counted = {pk: {"tag_id": pk, "carriers": 0, "latest": None, "ending": 0} for pk in group_of}
    held = {row["tag_id"]: unpacked_short(row.pop("packed")) for row in rows}
    for row in rows:
        tags[row["tag_id"]] = row | {"carriers": len(held[row["tag_id"]])}
    groups: dict[int, list[BitMap]] = {}
    for pk, mine in held.items():
        groups.setdefault(group_of[pk], []).append(mine)
    covered = {pk: len(BitMap.union(*found)) for pk, found in groups.items()}
    counted = Figures(as_of, version, time.perf_counter() - started, tags, covered)
    likely = Likeness(as_of, version, 0.0, _most_alike(held))
    likely = replace(likely, seconds=time.perf_counter() - started)
    cache.set_many({_key(pool, "figures"): counted, _key(pool, "alike"): likely}, KEPT)
    return counted, likely


def _carriers(tags: list[int], as_of: datetime) -> list[dict[str, Any]]:
    """A worker of the database takes its part, also where the planner fears the cost of moving what it found."""
    with transaction.atomic(), sql.planner(parallel_setup_cost=0, parallel_tuple_cost=0.001, jit="off", work_mem="128MB"):
        return sql.rows("members/tagging/count_carriers", {"tags": array(tags), "soon": as_of + SOON})


def sets(tags: Iterable[Tag]) -> dict[int, BitMap]:
    """Who carries each tag: one read for all of them."""
    found = sql.rows("members/tagging/list_sets", {"tags": array(tag.pk for tag in tags)})
    return {row["tag_id"]: unpacked(row["packed"]) for row in found}


def _most_alike(held: dict[int, BitMap]) -> Alike:
    """The pairs with the greatest share. No share is greater than that of the sizes, so most pairs are never compared."""
    numbers = sorted(held)
    sizes = np.array([len(held[number]) for number in numbers], float)
    first, second = np.triu_indices(len(numbers), 1)
    bounds = np.minimum(sizes[first], sizes[second]) / np.maximum(np.maximum(sizes[first], sizes[second]), 1)
    best: Alike = []
    for place in np.argsort(-bounds, kind="stable"):
        if len(best) == ALIKE and bounds[place] < best[-1][3]:
            break
        a, b = numbers[first[place]], numbers[second[place]]
        both = held[a].intersection_cardinality(held[b])
        found = (a, b, both, both / max(1, len(held[a]) + len(held[b]) - both))
        if both and (len(best) < ALIKE or found[3] >= best[-1][3]):
            best = sorted([*best, found], key=lambda pair: (-pair[3], pair[0], pair[1]))[:ALIKE]
    return best
