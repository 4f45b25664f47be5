"""The event table in months: partitions are made ahead, rows that came early or late find theirs."""

from datetime import datetime

from scrm.lib import sql

MONTHS_AHEAD = 3


def keep(*, as_of: datetime) -> int:
    """Partitions for this month, the next three, and every month that has rows in the default one; how many are new."""
    return int(sql.value("members/keep_event_partitions", {"as_of": as_of, "months": MONTHS_AHEAD}))
