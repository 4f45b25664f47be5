"""The search after an erasure: every column of text in the database, for everything the person was known by."""

from typing import Any

from psycopg2 import sql as pg

from members.privacy.deciding import Person, containing
from scrm.lib import sql

SHORTEST = 5  # shorter values stand in other words
SHOWN = 20


def needles(person: Person) -> list[str]:
    """What could only be this person: identities. Names are shared by many and are not searched for."""
    return [value for value in person.values if len(value) >= SHORTEST]


def everywhere(person: Person) -> dict[str, Any]:
    """Columns searched and rows that still say it: {"columns": n, "found": n, "where": {"table": rows}}."""
    wanted = needles(person)
    columns, where = 0, {}
    for table, names in tables().items():
        columns += len(names)
        if wanted and (count := _count(table, names, wanted)):
            where[table] = count
    return {"columns": columns, "found": sum(where.values()), "where": dict(list(where.items())[:SHOWN])}


def tables() -> dict[str, list[str]]:
    """Every table of the product with its columns of text, parts of partitioned tables under their whole."""
    found: dict[str, list[str]] = {}
    for row in sql.rows("members/privacy/list_text_columns"):
        found.setdefault(row["table_name"], []).append(row["column_name"])
    return found


def _count(table: str, names: list[str], wanted: list[str]) -> int:
    text = pg.SQL(" || ' ' || ").join(pg.SQL("coalesce({}::text, '')").format(pg.Identifier(name)) for name in names)
    patterns = [containing(value) for value in wanted]
    return int(sql.value("members/privacy/count_mentions", {"patterns": patterns}, table=pg.Identifier(table), text=text) or 0)
