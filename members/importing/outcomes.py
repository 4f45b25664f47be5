"""What became of each row of a small import: for programs that send a batch and want to know item by item."""

from psycopg2 import sql as pg

from members.importing.staging import exists, table
from members.models import ImportRun
from scrm.lib import sql

Kind = ImportRun.Kind
_WORDS = {0: "new", 1: "unchanged", 2: "updated", 5: "repeated", 8: "new"}


def of(run: ImportRun) -> dict[int, str]:
    """Line → new, updated, unchanged or repeated; refused lines are not in it. Read before the run's tables go."""
    source = "members" if run.kind == Kind.MEMBERS else "ready"
    if not exists(run, source):
        return {}
    rows = sql.fetch(pg.SQL("SELECT line, class FROM {}").format(table(run, source)))
    return {line: _WORDS[code] for line, code in rows if code in _WORDS}
