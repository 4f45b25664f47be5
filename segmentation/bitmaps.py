"""Member ids between PostgreSQL, numpy and roaring bitmaps, the fast ways (see docs/adr on bitmaps)."""

import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db import transaction
from pyroaring import BitMap

from scrm.lib import sql

# int4send takes signed numbers; ids go to 2**32, so the upper half is sent as its two's complement.
PACKED = "string_agg(int4send((id - CASE WHEN id > 2147483647 THEN 4294967296 ELSE 0 END)::int4), ''::bytea)"
# One big value is worth all cores, also where the planner fears the cost of moving rows.
PARALLEL: dict[str, str | int] = {"parallel_setup_cost": 0, "parallel_tuple_cost": "0.001", "jit": "off", "work_mem": "128MB"}


def fetch(statement: str, params: dict[str, Any], tests: int = 0) -> list[BitMap]:
    """The `id`s a statement yields, in one value instead of one row each; with `tests`, those of t0, t1 …"""
    wanted = [f"{PACKED} FILTER (WHERE t{n})" for n in range(tests)] or [PACKED]
    with transaction.atomic(), sql.planner(**PARALLEL):
        (packed,) = sql.fetch(f"SELECT {', '.join(wanted)} FROM ({statement}) AS leaf", params)  # noqa: S608 - constants and the catalogue; values are bound
    return [unpacked(each) for each in packed]


def unpacked(packed: memoryview | bytes | None) -> BitMap:
    """Big-endian four-byte ids to a bitmap; an array.array is the constructor's fast path."""
    if not packed:
        return BitMap()
    ids = np.frombuffer(packed, dtype=">u4").astype(np.uint32)
    return BitMap(array.array("I", ids.tobytes()))


def numbers(found: BitMap) -> "np.ndarray[Any, np.dtype[np.uint32]]":
    """The ids of a bitmap in rising order."""
    return np.frombuffer(found.to_array(), dtype=np.uint32)


def of_ids(ids: Iterable[int]) -> BitMap:
    """A bitmap of ids that may lie outside of what a bitmap can hold; those are dropped."""
    return BitMap(number for number in ids if 0 <= number < 2**32)


def of_array(ids: "np.ndarray[Any, Any]") -> BitMap:
    return BitMap(array.array("I", ids.astype(np.uint32).tobytes()))


def slice_after(found: BitMap, after: int, count: int) -> list[int]:
    """The next ids above `after`: keyset paging through a bitmap."""
    start = found.rank(after) if after >= 0 else 0
    return list(found[start : start + count])
