"""What several models of one job ask alike is read once: tables laid out for them, frames, how far purchases reach.

    with together():          # one job
        …                     # whoever asks the same statement with the same values gets what was found the first time

Outside of it nothing is kept. What is kept is never written to, and gone with the job.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from psycopg2 import sql as pg

from scrm.lib import sql

T = TypeVar("T")


@dataclass
class _Kept:
    found: dict[str, dict[Any, Any]] = field(default_factory=dict)  # by kind, then by what was asked
    tables: dict[str, str] = field(default_factory=dict)  # temporary ones that stand, and what each was made of


_now: ContextVar[_Kept | None] = ContextVar("predicting_kept", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Keep what is found meanwhile; inside another one, that one keeps it."""
    if _now.get() is not None:
        yield
        return
    kept = _Kept()
    token = _now.set(kept)
    try:
        yield
        for name in kept.tables:
            drop(name)
    finally:
        _now.reset(token)


def once(kind: str, asked: Any, find: Callable[[], T]) -> T:
    """What was found when the same was asked before."""
    kept = _now.get()
    if kept is None:
        return find()
    found = kept.found.setdefault(kind, {})
    if asked not in found:
        found[asked] = find()
    answer: T = found[asked]
    return answer


def forget(kind: str) -> None:
    """Let go of what nobody will ask for again."""
    if kept := _now.get():
        kept.found.pop(kind, None)


def drop(name: str) -> None:
    """Drop a temporary table."""
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(pg.Identifier(name)))


@contextmanager
def standing(name: str, made_of: str, make: Callable[[], None]) -> Iterator[pg.Identifier]:
    """A temporary table; one that was made of the same is taken as it is. What was read from another one is forgotten."""
    kept = _now.get()
    if kept is None or kept.tables.get(name) != made_of:
        drop(name)
        make()
        forget("frames")
    if kept is not None:
        kept.tables[name] = made_of
    yield pg.Identifier(name)
    if kept is None:
        drop(name)
