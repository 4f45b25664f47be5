"""Who may write members of a pool wholesale: one import, one merge at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from members.importing.codes import problem
from members.models import Merge
from scrm.lib import sql

_IMPORT, _CHUNK = 7201, 7202


@contextmanager
def importing(pool_id: int, *, wait: bool = True) -> Iterator[None]:
    """Held for a whole import, across its transactions; another import of the pool waits.

    Without `wait` a pool that is being imported to raises Problem "busy".
    """
    # Inside a transaction it is held to that one's end: an aborted transaction could not give it back.
    inside = transaction.get_connection().in_atomic_block
    name = f"pg_{'' if wait else 'try_'}advisory_{'xact_' if inside else ''}lock"
    names = {"space": _IMPORT, "pool": pool_id}
    if sql.fetch(f"SELECT {name}(%(space)s, %(pool)s::int)", names)[0][0] is False:
        raise problem("busy")
    try:
        yield
    finally:
        if not inside:
            sql.fetch("SELECT pg_advisory_unlock(%(space)s, %(pool)s::int)", names)


def writing(pool_id: int) -> None:
    """Held to the end of the transaction by whoever moves or writes members and orders in bulk.

    An import takes it per chunk; merging takes it too, so that no chunk writes to a member that is
    being merged away.
    """
    sql.fetch("SELECT pg_advisory_xact_lock(%(space)s, %(pool)s::int)", {"space": _CHUNK, "pool": pool_id})


def latest_merge(pool_id: int) -> int:
    """The pool's latest merge: while it stays the same, a member is still who they were."""
    return Merge.objects.filter(pool_id=pool_id).order_by("-pk").values_list("pk", flat=True).first() or 0
