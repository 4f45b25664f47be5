"""Rows of whole numbers on their way between PostgreSQL, numpy and a byte column."""

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from psycopg2.sql import Composable
from pyroaring import BitMap

from members.sets import array
from scrm.lib import sql

Rows = np.ndarray[Any, Any]


def rows_of(name: str, params: dict[str, Any], width: int = 1, **slots: Composable) -> Rows:
    """Rows that a statement packed into one value of big-endian numbers, `width` in a row."""
    packed = sql.value(name, params, **slots)
    flat = np.frombuffer(bytes(packed), dtype=">i8").astype(np.int64) if packed else np.empty(0, dtype=np.int64)
    return flat.reshape(-1, width)


def members_of(rows: Rows) -> BitMap:
    """The first column as a set."""
    return BitMap(rows[:, 0].astype(np.uint32)) if rows.size else BitMap()


def only(rows: Rows, members: BitMap) -> Rows:
    """The rows of some members."""
    if not rows.size:
        return rows
    return rows[np.isin(rows[:, 0], np.fromiter(members, dtype=np.int64, count=len(members)))]


def column(rows: Rows, n: int) -> str:
    """One column as an array literal; a column that rows kept earlier do not have is all zeros."""
    numbers: Iterable[int] = () if not rows.size else rows[:, n].tolist() if n < rows.shape[1] else [0] * len(rows)
    return array(numbers)


def sealed(rows: Rows) -> bytes:
    """Rows as bytes: the width, then the numbers column by column, which compresses better."""
    if not rows.size:
        return b""
    return bytes([rows.shape[1]]) + zlib.compress(np.ascontiguousarray(rows.T).tobytes(), 3)


def opened(packed: bytes | memoryview) -> Rows:
    """What `sealed` made."""
    data = bytes(packed)
    if not data:
        return np.empty((0, 0), dtype=np.int64)
    return np.frombuffer(zlib.decompress(data[1:]), dtype=np.int64).reshape(data[0], -1).T
