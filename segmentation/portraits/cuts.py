"""The cuts of a pool as they are kept, and making those anew whose data changed.

A cut says what its statement and its data were; as long as both are the same it stays true, whatever segment is
looked at. So any portrait, of any segment, costs no more than counting what bitmaps have in common.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from pyroaring import BitMap

from members.models import Pool
from members.versions import versions
from segmentation.models import PortraitCut
from segmentation.portraits.cutting import Cut, Part, read
from segmentation.portraits.sweeps import SWEEPS

FORMAT = "2"  # raise it when parts are made differently
EVERYBODY = "everybody"
Report = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    pass


def stamp(cut: Cut, known: dict[str, int], as_of: datetime) -> bytes:
    """The same while statement and data are; data nobody counts the changes of is read anew each hour."""
    data = [f"{domain}={known.get(domain, f'{as_of:%F %H}')}" for domain in sorted(cut.domains)]
    said = [FORMAT, cut.key, cut.text, cut.form, list(cut.edges), cut.scale, cut.whole, cut.positive, data]
    said.append(sorted(cut.only) if cut.only else "")
    params = json.dumps(dict(cut.params), sort_keys=True, default=str)
    return hashlib.sha256(json.dumps([*said, params]).encode()).digest()


def stale(pool: Pool, cuts: Iterable[Cut], as_of: datetime) -> list[tuple[Cut, bytes]]:
    """The cuts that have to be made, each with what it will be stamped with."""
    known = versions(pool.pk)
    kept = {key: bytes(found) for key, found in PortraitCut.objects.filter(pool=pool).values_list("key", "stamp")}
    wanted = [(cut, stamp(cut, known, as_of)) for cut in cuts]
    return [(cut, mark) for cut, mark in wanted if kept.get(cut.key) != mark]


def refresh(pool: Pool, cuts: list[Cut], as_of: datetime, report: Report = silent, seconds: float | None = None) -> int:
    """Make what is stale, drop what nobody asks for any more; how many are left to make, which only `seconds` can cause.

    Cuts of the same source are read and kept together. Doing it again does no harm.
    """
    missing, started, done = stale(pool, cuts, as_of), time.perf_counter(), 0
    marks = {cut.key: mark for cut, mark in missing}
    for together in _cheap_first(pool, [cut for cut, _mark in missing]):
        if seconds is not None and time.perf_counter() - started > seconds:
            break
        _make(pool, together, marks, as_of, partial(report, done, len(missing)))
        done += len(together)
    left = [cut.key for cut, _mark in stale(pool, cuts, as_of)] if missing else []
    mine = PortraitCut.objects.filter(pool=pool)
    mine.exclude(key__in=[cut.key for cut in cuts]).delete()
    mine.filter(as_of__lt=as_of).exclude(key__in=left).update(as_of=as_of)
    return len(left)


def _cheap_first(pool: Pool, missing: list[Cut]) -> list[list[Cut]]:
    """By source, in the order of what they took last time; of what was never made, the longest tables come last."""
    took = dict(PortraitCut.objects.filter(pool=pool).values_list("key", "ms"))
    sources: dict[Any, list[Cut]] = {}
    for cut in missing:
        sources.setdefault(cut.source, []).append(cut)
    return sorted(sources.values(), key=lambda cuts: (bool(cuts[0].sweep), sum(took.get(cut.key, 0.0) for cut in cuts)))


def _make(pool: Pool, together: list[Cut], marks: dict[str, bytes], as_of: datetime, report: Callable[[], None]) -> None:
    """Read outside of the transaction: a sweep stops between two parts when it is asked to."""
    started = time.perf_counter()
    report()
    found = _swept(pool, together, report) if together[0].sweep else read(together)
    took = (time.perf_counter() - started) * 1000 / len(together)
    with transaction.atomic():
        for cut, parts in zip(together, found, strict=True):
            _keep(pool, cut, parts, {"stamp": marks[cut.key], "as_of": as_of, "ms": took})


def _swept(pool: Pool, together: list[Cut], report: Callable[[], None]) -> list[list[Part]]:
    found = SWEEPS[together[0].sweep](pool, report)
    return [
        cut.of_values(found.values.get(cut.key, {}).items()) if cut.form == "values" else cut.of_numbers(*found.all_of(cut.key))
        for cut in together
    ]


def _keep(pool: Pool, cut: Cut, parts: list[Part], made: dict[str, Any]) -> None:
    packed = [(value, ids.serialize()) for value, ids in parts]
    made |= {"values": [[value, len(ids)] for value, ids in packed], "packed": b"".join(ids for _value, ids in packed)}
    PortraitCut.objects.update_or_create(pool=pool, key=cut.key, defaults=made)


def complete(pool: Pool, cuts: Iterable[Cut]) -> bool:
    """Whether there is something of every cut, however old."""
    there = set(PortraitCut.objects.filter(pool=pool).values_list("key", flat=True))
    return all(cut.key in there for cut in cuts)


def recall(pool_id: int) -> dict[str, list[Part]]:
    """The parts of every cut that is kept."""
    rows = PortraitCut.objects.filter(pool_id=pool_id).values_list("key", "values", "packed")
    return {key: list(_unpacked(values, memoryview(packed))) for key, values, packed in rows}


def _unpacked(values: list[list[Any]], packed: memoryview) -> Iterable[Part]:
    at = 0
    for value, length in values:
        yield value, BitMap.deserialize(bytes(packed[at : at + length]))
        at += length


def kept(pool: Pool) -> tuple[datetime | None, bytes]:
    """As of when all of it is true, and what tells it from what was kept before."""
    rows = list(PortraitCut.objects.filter(pool=pool).order_by("key").values_list("key", "stamp", "as_of"))
    mark = hashlib.sha256(b"".join(key.encode() + bytes(found) for key, found, _at in rows)).digest()
    return min((at for _key, _found, at in rows), default=None), mark
