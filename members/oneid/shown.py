"""What recognising people tells others, and hears: the list's filter, merges that were held back."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from members import filters, signals
from members.oneid import queries
from scrm.lib import sql

filters.register("match", _("识别"), queries.matched_members, queries.describe_match, group="source")


@receiver(signals.merge_held, dispatch_uid="oneid.held")
def held(sender: Any, *, pool_id: int, source: str, as_of: datetime, **_more: Any) -> None:
    """Pairs that would be one, were not another pair told apart, go to the queue."""
    sql.execute("members/oneid/review_held", {"pool": pool_id, "source": source, "as_of": as_of})
