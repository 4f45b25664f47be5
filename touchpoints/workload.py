"""How many messages each colleague's members were sent."""

from datetime import datetime

from members.models import Pool
from members.team import workload
from scrm.lib import sql


@workload.touches
def sent(pool: Pool, since: datetime, as_of: datetime) -> dict[int, int]:
    """Per owner, messages that left in a span."""
    rows = sql.rows("touchpoints/count_owner_touches", {"pool_id": pool.pk, "since": since, "as_of": as_of})
    return {row["owner_id"]: row["touches"] for row in rows}
