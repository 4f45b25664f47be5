"""What points do when lower apps announce something."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from psycopg2 import sql as pg

from loyalty import services
from loyalty.models import EarningRule
from members import merging
from members.signals import orders_written
from scrm.lib import sql


@receiver(orders_written, dispatch_uid="loyalty.orders_written")
def mark_due(sender: object, pool_id: int, table: str, **_more: Any) -> None:
    """New, changed and refunded orders: their members' points are computed again."""
    if EarningRule.objects.filter(pool_id=pool_id).exists():
        sql.execute("loyalty/mark_due", {"pool_id": pool_id}, written=pg.Identifier(table))
        services.request_earning(pool_id=pool_id)


@merging.mover("loyalty.Entry", "loyalty.Account")
def move_points(pairs_table: str, as_of: datetime) -> None:
    """The ledger only grows: points leave the loser's account and enter the winner's."""
    sql.execute("loyalty/move_merged_points", {"as_of": as_of}, pairs=pg.Identifier(pairs_table))
