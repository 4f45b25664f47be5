"""Who may write members of a pool wholesale: one import, one merge at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from scrm.lib import sql

_IMPORT, _CHUNK = 7201, 7202


@contextmanager
def importing(pool_id: int) -> Iterator[None]:
    """Held for a whole import, across its transactions; another import of the pool waits."""
    names = {"space": _IMPORT, "pool": pool_id}
    sql.fetch("SELECT pg_advisory_lock(%(space)s, %(pool)s::int)", names)
    try:
        yield
    finally:
        sql.fetch("SELECT pg_advisory_unlock(%(space)s, %(pool)s::int)", names)


def writing(pool_id: int) -> None:
    """Held to the end of the transaction by whoever moves or writes members and orders in bulk.

    An import takes it per chunk; merging takes it too, so that no chunk writes to a member that is
    being merged away.
    """
    sql.fetch("SELECT pg_advisory_xact_lock(%(space)s, %(pool)s::int)", {"space": _CHUNK, "pool": pool_id})
