"""Order files with a row per item: the rows of an order become one, its amounts added up."""

from django.db import transaction
from psycopg2 import sql as pg

from members.importing import fields, staging
from members.importing.progress import Progress
from members.importing.staging import Plan, table
from members.models import ImportRun
from scrm.lib import sql

SUMMED = ("amount", "discount", "refunded")


def wanted(run: ImportRun) -> bool:
    """Whether the file has a row per item."""
    return run.kind == ImportRun.Kind.ORDERS and run.options.get("rows") == "items"


def fold(plan: Plan, progress: Progress) -> None:
    """Make the staged rows of each order one, once. The row that names the person speaks for the others."""
    if not wanted(plan.run) or "folded" in progress.watermark:
        return
    kept = [each.column for each in fields.FIELDS[plan.run.kind] if each.key not in SUMMED]
    names = {"stage": table(plan.run, "stage"), "folded": table(plan.run, "folded"), "first_hash": plan.first_hash}
    with transaction.atomic():
        before = staging.count(plan.run, "stage")
        staging.drop(plan.run, ("folded",))
        columns = pg.SQL(", ").join(pg.Identifier("s", name) for name in ["line", *kept, "attributes"])
        sql.execute("members/importing/fold_items", None, columns=columns, **names)
        staging.drop(plan.run, ("stage",))
        sql.run(pg.SQL("ALTER TABLE {folded} RENAME TO {stage}").format(folded=names["folded"], stage=names["stage"]))
        after = staging.count(plan.run, "stage")
        progress.checkpoint(watermark=progress.watermark | {"staged": after, "folded": before - after})
