"""Member ids between PostgreSQL, numpy and roaring bitmaps, the fast ways (see docs/adr on bitmaps)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
from django.db import transaction
from pyroaring import BitMap

from members.sets import of_array as of_array
from scrm.lib import sql

# int4send takes signed numbers; ids go to 2**32, so they are sent as much too small as that takes.
SHIFT = 2_147_483_648
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # where PostgreSQL counts microseconds from
PACKED = f"string_agg(int4send((id - {SHIFT})::int4), ''::bytea)"
# One big value is worth all cores, also where the planner fears the cost of moving rows.
KNOBS = {"parallel_setup_cost": "0", "parallel_tuple_cost": "0.001", "jit": "off", "work_mem": "128MB"}
TUNED = "SELECT " + ", ".join(f"set_config('{knob}', '{setting}', true)" for knob, setting in KNOBS.items())
Numbers = np.ndarray[Any, np.dtype[Any]]


def _sent(text: str, params: dict[str, Any]) -> list[memoryview | None]:
    """The one row of a statement, its values as bytes."""
    (row,) = _all_sent(text, params)
    return row


def _all_sent(text: str, params: dict[str, Any]) -> list[list[memoryview | None]]:
    """The rows of a statement, their values as bytes. What is set for it does not outlive it."""
    with transaction.atomic(savepoint=False):
        sql.fetch(TUNED)
        return sql.copy_values(text, params)


def fetch(statement: str, params: dict[str, Any]) -> list[BitMap]:
    """The `id`s a statement yields, in one value instead of one row each."""
    (packed,) = _sent(f"SELECT {PACKED} FROM (\n{statement}\n) AS leaf", params)  # noqa: S608 - constants and the catalogue; values are bound
    return [unpacked(packed)]


def grouped_ids(statement: str, params: dict[str, Any]) -> list[tuple[Any, Numbers]]:
    """The ids of each `v0` of a statement."""
    rows = sql.fetch(f"{TUNED}; SELECT v0, {PACKED} FROM ({statement}) AS leaf GROUP BY v0", params)  # noqa: S608 - as above
    return [(value, ids_in(packed)) for value, packed in rows]


def chosen_ids(statement: str, params: dict[str, Any], choices: list[Any]) -> list[BitMap]:
    """The ids of each of a few `v0`: rows need not be sorted by them."""
    each = ", ".join(f"{PACKED} FILTER (WHERE v0 = %(choice{n})s)" for n in range(len(choices)))
    text = f"SELECT {each} FROM ({statement}) AS leaf"  # noqa: S608 - as above
    row = _sent(text, params | {f"choice{n}": choice for n, choice in enumerate(choices)})
    return [unpacked(packed) for packed in row]


def packed_values(statement: str, params: dict[str, Any], count: int, unknown: int) -> list[Numbers]:
    """The ids of a statement and its `v0`, `v1` … beside them, as numbers of eight bytes."""
    values = [f"string_agg(int8send(coalesce(v{n}::bigint, %(unknown)s)), ''::bytea)" for n in range(count)]
    text = f"SELECT {', '.join([PACKED, *values])} FROM (\n{statement}\n) AS leaf"  # noqa: S608 - as above
    row = _sent(text, params | {"unknown": unknown})
    return [ids_in(row[0]), *(big_endian(packed, ">i8", np.int64) for packed in row[1:])]


def instants(statement: str, params: dict[str, Any]) -> tuple[Numbers, Numbers]:
    """The ids of a statement and its instants `v0`, in microseconds."""
    ids, at = _sent(f"SELECT {PACKED}, string_agg(timestamptz_send(v0), ''::bytea) FROM ({statement}) AS leaf", params)  # noqa: S608 - as above
    return ids_in(ids), big_endian(at, ">i8", np.int64)


def dated_values(statement: str, params: dict[str, Any], count: int) -> list[Numbers]:
    """The ids of a statement, its instants `at` in microseconds and its `v0`, `v1` … beside them; none of them is unknown."""
    values = ", ".join(f"string_agg(int8send(v{n}), ''::bytea)" for n in range(count))
    text = f"SELECT {PACKED}, string_agg(timestamptz_send(at), ''::bytea), {values} FROM (\n{statement}\n) AS leaf"  # noqa: S608 - as above
    ids, *found = _sent(text, params)
    return [ids_in(ids), *(big_endian(packed, ">i8", np.int64) for packed in found)]


def grouped_instants(statement: str, params: dict[str, Any]) -> list[tuple[str, Numbers, Numbers]]:
    """The ids and instants `at` of each text `v0` of a statement."""
    text = f"SELECT v0::text, {PACKED}, string_agg(timestamptz_send(at), ''::bytea) FROM (\n{statement}\n) AS leaf GROUP BY 1"  # noqa: S608 - as above
    rows = _all_sent(text, params)
    return [(bytes(name or b"").decode(), ids_in(ids), big_endian(at, ">i8", np.int64)) for name, ids, at in rows]


def tallied(statement: str, params: dict[str, Any], summed: Sequence[bool] = (False,)) -> tuple[Numbers, list[Numbers]]:
    """The ids of a statement and sums over the rows of each, which are sent and added up here, where memory is near.

    Per sum, whether its `v0`, `v1` … are added up, or the rows are only counted.
    """
    sums = [f"string_agg(int8send(v{n}::bigint), ''::bytea)" for n, given in enumerate(summed) if given]
    row = _sent(f"SELECT {', '.join([PACKED, *sums])} FROM ({statement}) AS leaf", params)  # noqa: S608 - as above
    sent = iter(big_endian(packed, ">i8", np.int64) for packed in row[1:])
    return added(ids_in(row[0]), [next(sent) if given else None for given in summed])


def added(ids: Numbers, each: Sequence[Numbers | None]) -> tuple[Numbers, list[Numbers]]:
    """The different ids, and per id the sum of each column; of None, how many rows."""
    low, high = (int(ids.min()), int(ids.max())) if len(ids) else (0, -1)
    found: Numbers
    if high - low > 8 * len(ids):
        found = np.unique(ids)
        return found, [_sums(np.searchsorted(found, ids), column, len(found)) for column in each]
    places, counts = ids - np.uint32(low), np.bincount(ids - np.uint32(low), minlength=high - low + 1)
    there = np.flatnonzero(counts)
    found = (there + low).astype(np.uint32)
    return found, [(counts if column is None else _sums(places, column, len(counts)))[there] for column in each]


def _sums(places: Numbers, column: Numbers | None, size: int) -> Numbers:
    """Exact: where doubles would not hold the greatest possible sum, whole numbers are added one by one."""
    if column is None:
        return np.bincount(places, minlength=size)
    if len(column) and int(np.abs(column).max()) * len(column) >= 2**53:
        exact: Numbers = np.zeros(size, np.int64)
        np.add.at(exact, places, column)
        return exact
    return cast("Numbers", np.bincount(places, column, size).astype(np.int64))


def estimated(statement: str, params: dict[str, Any]) -> int:
    """How many rows the planner expects."""
    (((plan,),),) = sql.fetch(f"EXPLAIN (FORMAT JSON) {statement}", params)
    return int(plan["Plan"]["Plan Rows"])


def big_endian(packed: memoryview | bytes | None, sent: str, wanted: Any) -> Numbers:
    return np.frombuffer(packed or b"", dtype=sent).astype(wanted)


def micros(at: datetime) -> int:
    """An instant as PostgreSQL keeps and sends it."""
    return (at - EPOCH) // timedelta(microseconds=1)


def ids_in(packed: memoryview | bytes | None) -> Numbers:
    """The ids that PACKED sent."""
    return big_endian(packed, ">u4", np.uint32) ^ np.uint32(SHIFT)


def unpacked(packed: memoryview | bytes | None) -> BitMap:
    """What PACKED sent as a bitmap; an array.array is the constructor's fast path."""
    return of_array(ids_in(packed))


def numbers(found: BitMap) -> Numbers:
    """The ids of a bitmap in rising order."""
    return np.frombuffer(found.to_array(), dtype=np.uint32)


def of_ids(ids: Iterable[int]) -> BitMap:
    """A bitmap of ids that may lie outside of what a bitmap can hold; those are dropped."""
    return BitMap(number for number in ids if 0 <= number < 2**32)


def slice_after(found: BitMap, after: int, count: int) -> list[int]:
    """The next ids above `after`: keyset paging through a bitmap."""
    start = found.rank(min(after, 2**32 - 1)) if after >= 0 else 0
    return list(found[start : start + count])
