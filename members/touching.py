"""Members with new facts, whose state is to be computed again."""

from collections.abc import Iterable

from members.sets import array
from scrm.lib import sql


def touch(pool_id: int, members: Iterable[int]) -> int:
    """Put members on the minute run's list; how many were not on it yet."""
    return sql.execute("members/touch_members", {"pool_id": pool_id, "ids": array(members)})
