"""What an import wrote, for as long as it can be taken back.

Nothing is written twice for it: an import writes from tables of its own, which say what was new, and
these are kept instead of dropped. Only rows that were changed are noted beside them, in the statement
that changes them: what stood there and what stands there now (`changed`). A *volume* is one set of
these tables with how far it was written; an import that had to settle its people anew has several.

The tables are unlogged: a crash of the database empties them, which `lost` notices.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members.importing import locks
from members.importing.staging import table, table_name
from members.models import ImportRun, Merge
from scrm.lib import sql

KEPT = timedelta(hours=24)
PARTS = ("members", "ready", "returns", "fresh", "changed", "brought")
WHOLE = ("changed", "brought")  # in force as far as they go: what they note was written with them


@dataclass(frozen=True)
class Volume:
    """Tables an import wrote from, and how many blocks of each were written."""

    run: ImportRun
    number: int
    written: dict[str, int]

    def name(self, part: str) -> str:
        return f"journal_{self.run.pk}_{self.number}_{part}"

    def table(self, part: str) -> pg.Identifier:
        return pg.Identifier(self.name(part))

    def has(self, part: str) -> bool:
        return bool(sql.fetch("SELECT to_regclass(%(name)s) IS NOT NULL", {"name": self.name(part)})[0][0])

    def blocks(self, part: str) -> int:
        """How many blocks of a part are in force."""
        whole = blocks(self.name(part))
        return whole if part in WHOLE else min(whole, self.written.get(part, 0))

    @property
    def lost(self) -> bool:
        """Whether the database crashed since: what was noted is gone."""
        return any(blocks(self.name(part)) < self.written.get(part, 0) for part in ("members", "ready"))


def blocks(name: str) -> int:
    """How many blocks a table has; 0 when it is not there."""
    size = "SELECT pg_relation_size(to_regclass(%(name)s)) / current_setting('block_size')::int"
    return int(sql.fetch(size, {"name": name})[0][0] or 0)


def wanted(run: ImportRun) -> bool:
    """Whether a journal of this import is kept: batches of the API are too many for tables of their own."""
    return not run.options.get("api")


# -- While the import runs -----------------------------------------------------------------------
def begin(run: ImportRun) -> None:
    """An empty list of changes beside the tables that are about to be made."""
    sql.run(
        pg.SQL(
            "CREATE UNLOGGED TABLE {} (part text NOT NULL, member_id bigint, id bigint, n int, before jsonb, after jsonb)"
        ).format(table(run, "changed"))
    )


def note(run: ImportRun, part: str, blocks: int, rows: int) -> None:
    """A chunk is written: inside its transaction."""
    if not wanted(run):
        return
    written = dict(run.journal.get("written", {}))
    written[part], written["rows"] = blocks, written.get("rows", 0) + rows
    _save(run, {**run.journal, "written": written})


def note_merges(run: ImportRun, before: int, as_of: datetime) -> None:
    """Members were merged for this import: inside the transaction that did it."""
    mine = Merge.objects.filter(pool_id=run.pool_id, pk__gt=before, pk__lte=locks.latest_merge(run.pool_id), at=as_of)
    merges = [*run.journal.get("merges", []), *mine.order_by("pk").values_list("pk", flat=True)]
    if merges:
        _save(run, {**run.journal, "merges": merges})


def _save(run: ImportRun, journal: dict[str, Any]) -> None:
    run.journal = journal
    ImportRun.objects.filter(pk=run.pk).update(journal=journal)


@transaction.atomic
def close(run: ImportRun) -> None:
    """Keep the tables an import wrote from as a volume; without anything written there is nothing to keep."""
    run.refresh_from_db(fields=["journal"])
    written = run.journal.get("written")
    if not written:
        return
    volumes = list(run.journal.get("volumes", []))
    if written.get("rows"):
        volume = Volume(run, len(volumes) + 1, written)
        for part in PARTS:
            if blocks(table_name(run, part)) or part in written:
                sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(volume.table(part)))
                sql.run(pg.SQL("ALTER TABLE IF EXISTS {} RENAME TO {}").format(table(run, part), volume.table(part)))
        volumes.append(written)
    _save(run, {**run.journal, "written": {}, "volumes": volumes})


# -- Afterwards ----------------------------------------------------------------------------------
def volumes(run: ImportRun) -> list[Volume]:
    """What an import wrote, the latest first."""
    kept = run.journal.get("volumes", [])
    return [Volume(run, number, written) for number, written in reversed(list(enumerate(kept, 1)))]


def told(run: ImportRun) -> dict[str, int]:
    """What an import that was broken off had written by then: {"written": rows}, or nothing."""
    rows = sum(volume.written.get("rows", 0) for volume in volumes(run))
    return {"written": rows} if rows else {}


def drop(run: ImportRun) -> None:
    """Forget what an import wrote; it can no longer be reverted."""
    for volume in volumes(run):
        names = pg.SQL(", ").join(volume.table(part) for part in PARTS)
        sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(names))
    _save(run, {name: value for name, value in run.journal.items() if name not in ("volumes", "written", "merges")})
