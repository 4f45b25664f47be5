"""Set-based SQL: one statement per file under `<app>/sql/`, named parameters, timed and logged.

The only module that may touch a connection. A file is named as "members/touch_members"; its text
may hold `{slots}` for identifiers and generated fragments (psycopg2.sql objects), never for values.
"""

import io
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from psycopg2 import sql as pg

log = logging.getLogger("scrm.sql")
Params = Mapping[str, Any]


@cache
def text(name: str) -> str:
    """The statement in `<app>/sql/<name>.sql`."""
    app, _, statement = name.partition("/")
    return (Path(settings.BASE_DIR) / app / "sql" / f"{statement}.sql").read_text()


def _composed(name: str, slots: Mapping[str, pg.Composable]) -> str | pg.Composed:
    return pg.SQL(text(name)).format(**slots) if slots else text(name)


def _run(cursor: Any, name: str, params: Params | None, slots: Mapping[str, pg.Composable]) -> None:
    started = time.perf_counter()
    cursor.execute(_said(_composed(name, slots)), params or {})
    log.debug("%s %.0f ms %s rows", name, (time.perf_counter() - started) * 1000, cursor.rowcount)


def _said(statement: str | pg.Composable) -> str:
    """A statement as the server is sent it, but for its values."""
    if isinstance(statement, str):
        return statement
    connection.ensure_connection()
    return statement.as_string(connection.connection)


def execute(name: str, params: Params | None = None, **slots: pg.Composable) -> int:
    """Run a statement; the number of rows it touched."""
    with connection.cursor() as cursor:
        _run(cursor, name, params, slots)
        return int(cursor.rowcount)


def rows(name: str, params: Params | None = None, **slots: pg.Composable) -> list[dict[str, Any]]:
    """Run a query; its rows as dictionaries."""
    with connection.cursor() as cursor:
        _run(cursor, name, params, slots)
        columns = [column.name for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def row(name: str, params: Params | None = None, **slots: pg.Composable) -> dict[str, Any] | None:
    """The first row of a query, or None."""
    found = rows(name, params, **slots)
    return found[0] if found else None


def value(name: str, params: Params | None = None, **slots: pg.Composable) -> Any:
    """The first column of the first row, or None."""
    with connection.cursor() as cursor:
        _run(cursor, name, params, slots)
        found = cursor.fetchone()
        return found[0] if found else None


def fetch(statement: str | pg.Composed, params: Params | None = None) -> list[tuple[Any, ...]]:
    """Rows of a generated statement (rules, metrics): values only ever through `params`."""
    with connection.cursor() as cursor:
        cursor.execute(_said(statement), params or {})
        return list(cursor.fetchall())


def run(statement: str | pg.Composed, params: Params | None = None) -> int:
    """Run a generated statement (staging tables, partitions); the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(_said(statement), params)
        return int(cursor.rowcount)


def bound(statement: pg.Composed, params: Params) -> pg.SQL:
    """A statement with its values in it, as a part of a larger one whose parts name theirs alike."""
    with connection.cursor() as cursor:
        text = cursor.cursor.mogrify(_said(statement), params).decode()
    return pg.SQL(text.replace("%", "%%"))


def copy_in(statement: str | pg.Composed, file: Any, size: int = 1 << 16) -> int:
    """COPY … FROM STDIN out of a binary file object; the number of rows. Errors come as Django's."""
    with connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.cursor.copy_expert(_said(statement), file, size)
        return int(cursor.rowcount)


def copy_out(statement: str | pg.Composed, file: Any) -> None:
    """COPY … TO STDOUT into a binary file object."""
    with connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.cursor.copy_expert(_said(statement), file)


def copy_values(statement: str, params: Params | None = None) -> list[list[memoryview | None]]:
    """Rows of a generated query, each value as PostgreSQL keeps it: large ones are not written out as text on their way."""
    sent: list[bytes] = []
    with connection.wrap_database_errors, connection.cursor() as cursor:
        asked = cursor.cursor.mogrify(statement, params or {}).decode()
        if connection.queries_logged:  # the driver's own COPY is not seen by whoever counts statements
            connection.queries_log.append({"sql": asked, "time": "0"})
        cursor.cursor.copy_expert(f"COPY ({asked}\n) TO STDOUT (FORMAT binary)", _Sent(sent))
    return list(_rows(sent))


def values_in(statement: str, rows: Iterable[Sequence[bytes | None]]) -> int:
    """COPY … FROM STDIN (FORMAT binary) of a few rows with large values, each as PostgreSQL keeps it."""
    parts = [b"PGCOPY\n\xff\r\n\0", bytes(8)]
    for row in rows:
        parts.append(len(row).to_bytes(2, "big"))
        for value in row:
            parts += [(-1).to_bytes(4, "big", signed=True)] if value is None else [len(value).to_bytes(4, "big"), value]
    return copy_in(statement, io.BytesIO(b"".join([*parts, b"\xff\xff"])), 1 << 20)


class _Sent:
    """A file that keeps what is written to it, piece by piece."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.write = pieces.append


def _rows(sent: list[bytes]) -> Iterator[list[memoryview | None]]:
    """The binary format of COPY, a row a piece: the number of values, each behind its length. 19 bytes come before the first."""
    for n, piece in enumerate(sent):
        row, at = memoryview(piece), 0 if n else 19
        count = int.from_bytes(row[at : at + 2], "big", signed=True)
        if count > 0:
            yield list(_values(row[at + 2 :], count))


def _values(row: memoryview, count: int) -> Iterator[memoryview | None]:
    at = 0
    for _ in range(count):
        length = int.from_bytes(row[at : at + 4], "big", signed=True)
        at += 4 + max(length, 0)
        yield None if length < 0 else row[at - length : at]


def copy_rows(name: str, file: Any, params: Params | None = None, **slots: pg.Composable) -> None:
    """Run a query of a file into a binary file object, as CSV with a header: a million rows are no million objects."""
    started = time.perf_counter()
    with connection.wrap_database_errors, connection.cursor() as cursor:
        asked = cursor.cursor.mogrify(_said(_composed(name, slots)), params or {}).decode()
        cursor.cursor.copy_expert(f"COPY ({asked}) TO STDOUT (FORMAT csv, HEADER)", file)
    log.debug("%s %.0f ms copied", name, (time.perf_counter() - started) * 1000)


@contextmanager
def alone(space: int, key: int) -> Iterator[None]:
    """One holder of a key of a space at a time, over several transactions; others wait, a dead process lets go by itself."""
    of = {"space": space, "key": key}
    fetch("SELECT pg_advisory_lock(%(space)s, %(key)s::int)", of)
    try:
        yield
    finally:
        fetch("SELECT pg_advisory_unlock(%(space)s, %(key)s::int)", of)


def next_ids(sequence: str, count: int) -> list[int]:
    """A block of fresh ids, so that parents and children can be written in one batch."""
    found = fetch("SELECT nextval(%(sequence)s) FROM generate_series(1, %(count)s)", {"sequence": sequence, "count": count})
    return [number for (number,) in found]


@contextmanager
def planner(**knobs: str | float) -> Iterator[None]:
    """Planner settings for the statements of the current transaction (SET LOCAL)."""
    with connection.cursor() as cursor:
        for knob, setting in knobs.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [knob, str(setting)])
    yield
