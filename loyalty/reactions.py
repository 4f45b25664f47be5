"""What points do when lower apps announce something."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from loyalty import services
from loyalty.models import EarningRule
from members import merging
from members.importing import taking_back
from members.signals import orders_reverted, orders_written
from members.versions import bump
from scrm.lib import sql


@receiver(orders_written, dispatch_uid="loyalty.orders_written")
def mark_due(sender: object, pool_id: int, table: str, **_more: Any) -> None:
    """New, changed and refunded orders: their members' points are computed again."""
    if EarningRule.objects.filter(pool_id=pool_id).exists():
        sql.execute("loyalty/mark_due", {"pool_id": pool_id}, written=pg.Identifier(table))
        services.request_earning(pool_id=pool_id)


@receiver(orders_reverted, dispatch_uid="loyalty.orders_reverted")
def claw_back(sender: object, pool_id: int, table: str, as_of: datetime, **_more: Any) -> None:
    """Orders that an import takes back take their points back too; what it had only changed is computed again."""
    if sql.execute("loyalty/claw_back_reverted", {"pool_id": pool_id, "as_of": as_of}, reverted=pg.Identifier(table)):
        bump(pool_id, "points")
    mark_due(sender, pool_id=pool_id, table=table)


taking_back.follows("loyalty.DueMember")


merging.computed("loyalty.DueMember")


@merging.mover("loyalty.Entry", "loyalty.Account")
def move_points(pairs_table: str, as_of: datetime) -> None:
    """The ledger only grows: points leave the loser's account and enter the winner's."""
    sql.execute("loyalty/move_merged_points", {"as_of": as_of}, pairs=pg.Identifier(pairs_table))


@merging.unmover("loyalty.Entry", "loyalty.Account")
def return_points(undoing: merging.Undoing) -> None:
    """Points go back by new postings; what was spent since is asked about, never taken below zero unsaid."""
    pairs, due = pg.Identifier(merging.UNDO_PAIRS), pg.Identifier("points_due")
    sql.run("DROP TABLE IF EXISTS points_due")
    sql.execute("loyalty/stage_returned_points", None, pairs=pairs)
    found = sql.row("loyalty/count_missing_points", None, due=due)
    missing = int(found["missing"]) if found else 0
    if missing:
        undoing.questions.append(_question(missing))
        undoing.notes["points_missing"] = undoing.notes.get("points_missing", 0) + missing
    capped = undoing.choices.get("points") != "full"
    told = {"pool_id": undoing.pool_id, "as_of": undoing.as_of, "capped": capped}
    sql.execute("loyalty/return_merged_points", told, due=due)
    sql.execute("loyalty/mark_parted_due", None, pairs=pairs)


def _question(missing: int) -> merging.Question:
    return merging.Question(
        "points",
        _("合并后已用掉 %(n)s 积分，余额不够全部归还") % {"n": missing},
        [("available", _("只归还余额里还有的，缺的不补")), ("full", _("全部归还，保留的一方记为欠分，由以后的积分补上"))],
        "available",
    )
