"""Consents that come with member files: into the ledger, and out of it when the import is reverted.

A row that says when somebody agreed counts from then. One that does not is only as new as the file, and a file may be
older than a withdrawal: so it fills in where nothing is known, and withdraws, but never overrules.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members import versions
from members.importing import fields, locks, targets
from members.importing.people import some
from members.importing.progress import Progress
from members.importing.staging import Plan
from members.models import ImportRun
from scrm.lib import sql

PURPOSE = "marketing"
_CONSENTS = {field.key: field.carrier for field in fields.CONSENTS if field.carrier}


def source(run: ImportRun) -> str:
    """Where the ledger says these consents come from."""
    return f"import:{run.pk}"


def write(plan: Plan, params: dict[str, Any], progress: Progress) -> None:
    """The consents of the whole file, a chunk a transaction. A repeat of the file adds nothing."""
    chosen = [each.key for _place, each in plan.mapped if each.key in _CONSENTS]
    if not chosen:
        return
    columns = pg.SQL(", ").join(pg.SQL("({}, {})").format(pg.Literal(_CONSENTS[key]), pg.Identifier("s", key)) for key in chosen)
    total = targets.blocks(plan, "stage")
    while (first := progress.watermark.get("consents", 0)) < total:
        _chunk(plan, progress, columns, (first, min(total, first + targets.BLOCKS_PER_CHUNK)))
        progress.checkpoint()


def _chunk(plan: Plan, progress: Progress, columns: pg.Composable, span: tuple[int, int]) -> None:
    names = {"source": source(plan.run), "at": plan.run.created_at, "first": f"({span[0]},0)", "last": f"({span[1]},0)"}
    tables = some(plan, "stage", "persons", "first_hash")
    with transaction.atomic():
        locks.writing(plan.run.pool_id)
        if progress.watermark.get("merges") != locks.latest_merge(plan.run.pool_id):
            raise targets.Overtaken
        if sql.execute("members/importing/insert_import_consents", names, chosen=columns, **tables):
            sql.execute("members/importing/upsert_import_consents", names, **tables)
            versions.bump(plan.run.pool_id, "consents")
        progress.checkpoint(phase="consents", watermark=progress.watermark | {"consents": span[1]})


@transaction.atomic
def revert(run: ImportRun, as_of: datetime) -> int:
    """Take the import's reports back; how many. What holds is again what the newest other report says."""
    names = {"source": source(run)}
    taken = sql.execute("members/importing/withdraw_import_consents", names)
    if taken:
        sql.execute("members/importing/restore_consents", names)
        sql.execute("members/importing/drop_import_consents", names)
        versions.bump(run.pool_id, "consents")
    return taken
