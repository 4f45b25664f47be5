"""Members with new facts, whose state is to be computed again.

Facts that come for very many members at once, and that most pools do not count, touch only where somebody reads them;
upper apps say so:

    @touching.reader
    def counted(pool_id: int) -> Collection[str]: ...
"""

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from members.sets import array
from scrm.lib import sql

SENT, DELIVERED = "sent", "delivered"  # a message left, arrived
GOODS = "goods"  # what is in orders that were known before
VALUES = "values"  # fields of the pool's own were rewritten for everybody
Reader = Callable[[int], Collection[str]]
R = TypeVar("R", bound=Reader)
_readers: list[Reader] = []


def reader(asked: R) -> R:
    """Declare a function (pool_id) that names which of the facts above count in a pool; it must not change anything."""
    _readers.append(asked)
    return asked


def touch(pool_id: int, members: Iterable[int]) -> int:
    """Put members on the minute run's list; how many were not on it yet."""
    return sql.execute("members/touch_members", {"pool_id": pool_id, "ids": array(members)})


def touch_if_read(pool_id: int, members: Collection[int], *facts: str) -> int:
    """The same, if any of these facts counts in the pool. Inside the transaction that writes them."""
    return touch(pool_id, members) if members and is_read(pool_id, *facts) else 0


def is_read(pool_id: int, *facts: str) -> bool:
    """Whether any of these facts counts in the pool."""
    return any(not set(facts).isdisjoint(asked(pool_id)) for asked in _readers)
