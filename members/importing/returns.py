"""Goods brought back as tills write them: receipts with a total below zero.

One that names the receipt it belongs to – or goes by that receipt's number – is a refund of that order. One that names
none stands for itself, as an order given back in full: it is on record, and takes nothing from what was bought, since
nobody knows what it belongs to. One that was voided or never paid says nothing.
"""

from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members.importing import staging
from members.importing.progress import Progress
from members.importing.staging import Plan, table
from members.models import ImportRun, Order
from scrm.lib import sql

FOLDER = "members/importing/"
SAID, PART = "returned", "returns"  # as the file has them; beside what is known of them
_UNDONE = [int(Order.Status.CANCELLED), int(Order.Status.PENDING)]


def split(plan: Plan, progress: Progress) -> None:
    """Take the returns out of the staged receipts, once."""
    if plan.run.kind != ImportRun.Kind.ORDERS or not plan.rules.returns or SAID in progress.watermark:
        return
    names = {"stage": table(plan.run, "stage"), SAID: table(plan.run, SAID)}
    with transaction.atomic():
        staging.drop(plan.run, (SAID,))
        undone = pg.SQL("DELETE FROM {stage} WHERE amount < 0 AND status = ANY(%(undone)s)").format(stage=names["stage"])
        voided = sql.run(undone, {"undone": _UNDONE})
        taken = sql.execute(FOLDER + "take_returns", {"pool": plan.run.pool_id, "channel": plan.run.channel_id}, **names)
        sql.run(pg.SQL("DELETE FROM {stage} AS s USING {returned} AS r WHERE r.line = s.line").format(**names))
        sql.execute(FOLDER + "turn_returns", {"refunded": int(Order.Status.REFUNDED)}, stage=names["stage"])
        mark = progress.watermark
        told = {"read": mark.get("read", 0) - voided, "skipped": mark.get("skipped", 0) + voided}
        progress.checkpoint(watermark=mark | told | {SAID: taken, "staged": staging.count(plan.run, "stage")})


def gather(plan: Plan, params: dict[str, Any]) -> None:
    """Each of them beside its order and what is known of it already: the orders of the file are written by then."""
    staging.drop(plan.run, (PART,))
    sql.execute(FOLDER + "gather_refunds", params, stage=table(plan.run, SAID), ready=table(plan.run, PART))
