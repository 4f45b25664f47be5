"""Tags whose time is over fall off: set by set, whatever put them on."""

from datetime import datetime

from django.db import transaction

from members.versions import bump
from scrm.lib import sql

MOST = 50_000  # rows a transaction takes


def expire(*, as_of: datetime) -> int:
    """Take off everything that is due; how many. What another transaction holds is left for the next time."""
    gone = 0
    while n := _some(as_of):
        gone += n
    return gone


@transaction.atomic
def _some(as_of: datetime) -> int:
    found = sql.rows("members/tagging/expire_tags", {"as_of": as_of, "most": MOST})
    for pool_id in {row["pool_id"] for row in found}:
        bump(pool_id, "tags")
    return sum(row["n"] for row in found)
