"""Member ids between PostgreSQL, numpy and roaring bitmaps, the fast ways (see docs/adr on bitmaps)."""

import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from pyroaring import BitMap

from scrm.lib import sql

# int4send takes signed numbers; ids go to 2**32, so the upper half is sent as its two's complement.
PACKED = "string_agg(int4send((id - CASE WHEN id > 2147483647 THEN 4294967296 ELSE 0 END)::int4), ''::bytea)"
# One big value is worth all cores, also where the planner fears the cost of moving rows. Sent in front of
# the statement, in one message: both are one transaction, so nothing outlives it.
KNOBS = {"parallel_setup_cost": "0", "parallel_tuple_cost": "0.001", "jit": "off", "work_mem": "128MB"}
TUNED = "SELECT " + ", ".join(f"set_config('{knob}', '{setting}', true)" for knob, setting in KNOBS.items()) + "; "


def fetch(statement: str, params: dict[str, Any]) -> list[BitMap]:
    """The `id`s a statement yields, in one value instead of one row each."""
    ((packed,),) = sql.fetch(f"{TUNED}SELECT {PACKED} FROM ({statement}) AS leaf", params)  # noqa: S608 - constants and the catalogue; values are bound
    return [unpacked(packed)]


def grouped_ids(statement: str, params: dict[str, Any]) -> list[tuple[Any, "np.ndarray[Any, Any]"]]:
    """The ids of each `v0` of a statement."""
    rows = sql.fetch(f"{TUNED}SELECT v0, {PACKED} FROM ({statement}) AS leaf GROUP BY v0", params)  # noqa: S608 - as above
    return [(value, big_endian(packed, ">u4", np.uint32)) for value, packed in rows]


def chosen_ids(statement: str, params: dict[str, Any], choices: list[Any]) -> list[BitMap]:
    """The ids of each of a few `v0`: rows need not be sorted by them."""
    each = ", ".join(f"{PACKED} FILTER (WHERE v0 = %(choice{n})s)" for n in range(len(choices)))
    text = f"{TUNED}SELECT {each} FROM ({statement}) AS leaf"  # noqa: S608 - as above
    (row,) = sql.fetch(text, params | {f"choice{n}": choice for n, choice in enumerate(choices)})
    return [unpacked(packed) for packed in row]


def packed_values(statement: str, params: dict[str, Any], count: int, unknown: int) -> list["np.ndarray[Any, Any]"]:
    """The ids of a statement and its `v0`, `v1` … beside them, as numbers of eight bytes."""
    values = [f"string_agg(int8send(coalesce(v{n}::bigint, %(unknown)s)), ''::bytea)" for n in range(count)]
    text = f"{TUNED}SELECT {', '.join([PACKED, *values])} FROM ({statement}) AS leaf"  # noqa: S608 - as above
    (row,) = sql.fetch(text, params | {"unknown": unknown})
    return [big_endian(row[0], ">u4", np.uint32), *(big_endian(packed, ">i8", np.int64) for packed in row[1:])]


def tallied(statement: str, params: dict[str, Any]) -> tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """The ids of a statement and how many rows each has: sent row by row and counted here, where memory is near."""
    ((packed,),) = sql.fetch(f"{TUNED}SELECT {PACKED} FROM ({statement}) AS leaf", params)  # noqa: S608 - as above
    ids = np.frombuffer(packed or b"", dtype=">u4").astype(np.int64)
    low, high = (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
    if high - low > 8 * len(ids):
        found, counts = np.unique(ids, return_counts=True)
        return found.astype(np.uint32), counts
    counts = np.bincount(ids - low) if len(ids) else ids
    found = np.flatnonzero(counts)
    return (found + low).astype(np.uint32), counts[found]


def estimated(statement: str, params: dict[str, Any]) -> int:
    """How many rows the planner expects."""
    (((plan,),),) = sql.fetch(f"EXPLAIN (FORMAT JSON) {statement}", params)
    return int(plan["Plan"]["Plan Rows"])


def big_endian(packed: memoryview | bytes | None, sent: str, wanted: Any) -> "np.ndarray[Any, Any]":
    return np.frombuffer(packed or b"", dtype=sent).astype(wanted)


def unpacked(packed: memoryview | bytes | None) -> BitMap:
    """Big-endian four-byte ids to a bitmap; an array.array is the constructor's fast path."""
    return of_array(big_endian(packed, ">u4", np.uint32))


def numbers(found: BitMap) -> "np.ndarray[Any, np.dtype[np.uint32]]":
    """The ids of a bitmap in rising order."""
    return np.frombuffer(found.to_array(), dtype=np.uint32)


def of_ids(ids: Iterable[int]) -> BitMap:
    """A bitmap of ids that may lie outside of what a bitmap can hold; those are dropped."""
    return BitMap(number for number in ids if 0 <= number < 2**32)


def of_array(ids: "np.ndarray[Any, Any]") -> BitMap:
    return BitMap(array.array("I", ids.astype(np.uint32, copy=False).tobytes()))


def slice_after(found: BitMap, after: int, count: int) -> list[int]:
    """The next ids above `after`: keyset paging through a bitmap."""
    start = found.rank(after) if after >= 0 else 0
    return list(found[start : start + count])
