"""Changing the keys that values are encrypted under: a new key in front, every value sealed anew, the old key taken away.

Upper apps name their columns:

    sealed("touchpoints.Connector", "sealed", context=lambda row: f"connector:{row['pool_id']}:{row['key']}",
           needs=("pool_id", "key"))
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from members import identities
from members.models import Identity
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.jobs.running import RunningJob
from scrm.lib import crypto, secrets, sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

KIND = "privacy.reseal"
PAGES = 128  # of eight kilobytes: about five thousand identities
ROUNDS = 5
KINDS = [str(kind) for kind in Identity.SENSITIVE]
REGISTRIES = ("members_identity", "members_guard")
Row = dict[str, Any]


@dataclass(frozen=True)
class Sealed:
    """A column of sealed values, and what each value is bound to."""

    label: str
    column: str
    context: Callable[[Row], str]
    needs: tuple[str, ...]

    @property
    def table(self) -> str:
        return str(apps.get_model(self.label)._meta.db_table)

    def slots(self) -> dict[str, pg.Composable]:
        return {"table": pg.Identifier(self.table), "sealed": pg.Identifier(self.column)}


columns: list[Sealed] = []


def sealed(label: str, column: str, *, context: Callable[[Row], str], needs: tuple[str, ...] = ()) -> None:
    """Declare a column of sealed values."""
    columns.append(Sealed(label, column, context, needs))


def _kind(row: Row) -> str:
    return str(row["kind"])


sealed("members.Identity", "sealed", context=_kind, needs=("kind",))
sealed("members.Guard", "sealed", context=_kind, needs=("kind",))
sealed("members.StaffProfile", "phone_sealed", context=lambda row: "phone")


# -- How it stands -------------------------------------------------------------------------------
def counts() -> list[dict[str, Any]]:
    """Values per key: {"key", "is_current", "is_known", "total", "tables": {label: n}}, the current key first."""
    keys = crypto.ring()
    found: dict[str, dict[str, int]] = {name: {} for name in keys.keys}
    for each in columns:
        for row in sql.rows("members/privacy/count_keys", None, **each.slots()):
            found.setdefault(row["key"], {})[f"{each.label}.{each.column}"] = row["count"]
    return [
        {
            "key": name,
            "is_current": name == keys.current,
            "is_known": name in keys.keys,
            "total": sum(tables.values()),
            "tables": tables,
        }
        for name, tables in found.items()
    ]


def outdated() -> int:
    """Values that do not stand under the current key."""
    return sum(row["total"] for row in counts() if not row["is_current"])


def job() -> JobRun | None:
    """The latest work on it."""
    return JobRun.objects.filter(kind=KIND).order_by("-pk").first()


def unsealed() -> int:
    """Identities of sensitive kinds that still stand in the clear, because their kind was not sensitive before."""
    return sum(
        int(sql.value("members/privacy/count_unsealed", {"kinds": KINDS}, table=pg.Identifier(table)) or 0)
        for table in REGISTRIES
    )


# -- Keys ----------------------------------------------------------------------------------------
def _file() -> Path:
    if settings.FIELD_KEY_FILE is None:
        raise Problem(
            "keys.from_environment",
            _("密钥由环境变量 FIELD_KEYS 给出：请在那里改，新密钥放在最前面，重启后再运行 rotate_keys reseal"),
        )
    return Path(settings.FIELD_KEY_FILE)


def fresh_key() -> str:
    """A new key as it is written down."""
    return base64.urlsafe_b64encode(os.urandom(crypto.SIZE)).decode()


def add_key(*, actor: User | None) -> str:
    """Put a new key in front: everything written from now on stands under it. Its name.

    The key that identities are found by is written down by itself first, so that the oldest key may go one day.
    """
    file, keys = _file(), crypto.ring()
    keep_index_key(keys)
    number = max([0, *(int(name[1:]) for name in keys.keys if name[0] == "k" and name[1:].isdigit())]) + 1
    made = crypto.KeyRing.parse(f"k{number}:{fresh_key()},{keys}")
    secrets.write(file, str(made))
    audit(actor=actor, action="keys.add", target=made.current)
    return made.current


def keep_index_key(keys: crypto.KeyRing) -> None:
    """Write the look-up key down by itself, unless it already stands somewhere."""
    file = Path(settings.INDEX_KEY_FILE)
    if not settings.INDEX_KEY and not file.exists():
        secrets.write(file, base64.urlsafe_b64encode(crypto.derived_index_key(keys)).decode())


def retire_key(name: str, *, actor: User | None) -> None:
    """Take a key away that nothing is sealed with any more."""
    file, keys = _file(), crypto.ring()
    if name not in keys.keys:
        raise Problem("keys.unknown", _("没有这个密钥：%(name)s") % {"name": name})
    if name == keys.current:
        raise Problem("keys.current", _("%(name)s 是当前密钥，不能停用") % {"name": name})
    if left := next((row["total"] for row in counts() if row["key"] == name), 0):
        raise Problem(
            "keys.in_use", _("还有 %(n)s 个值用 %(name)s 加密；请先运行 rotate_keys reseal") % {"n": left, "name": name}
        )
    keep_index_key(keys)
    rest = {key: value for key, value in keys.keys.items() if key != name}
    secrets.write(file, str(crypto.KeyRing(rest, keys.current)))
    audit(actor=actor, action="keys.retire", target=name)


def start(*, actor: User | None) -> JobRun:
    """Begin to seal everything anew; one job at a time."""
    return jobs.enqueue(kind=KIND, pool_id=None, actor=actor, key=KIND)


# -- The work ------------------------------------------------------------------------------------
def carry_out(running: RunningJob) -> dict[str, Any]:
    """Column by column, some pages of the table at a time; a value that somebody changes meanwhile is left to the next round.

    Begun again after a crash it goes on with the pages after the last ones that were committed.
    """
    mark = {"round": 1, "column": 0, "block": 0, "done": 0, **running.watermark}
    for table in REGISTRIES:
        _close(running, table)
    left = outdated()
    total = mark["done"] + left
    while mark["round"] <= ROUNDS and (left or mark["column"] or mark["block"]):
        while mark["column"] < len(columns):
            _column(running, columns[mark["column"]], mark, total)
            mark |= {"column": mark["column"] + 1, "block": 0}
        mark |= {"round": mark["round"] + 1, "column": 0, "block": 0}
        left = outdated()
    return {"sealed": mark["done"], "left": left}


def _close(running: RunningJob, table: str) -> None:
    """Seal what stands in the clear; begun again it looks at every page again and finds less."""
    block = 0
    while block < int(sql.value("members/privacy/count_pages", {"table": table}) or 0):
        given = {"kinds": KINDS, "lo": f"({block},0)", "hi": f"({block + PAGES},0)"}
        rows = sql.rows("members/privacy/list_unsealed", given, table=pg.Identifier(table))
        if rows:
            made = [identities.written(row["kind"], row["value"]) for row in rows]
            columns = {"sealed": [each.sealed for each in made], "hints": [each.hint for each in made]}
            told = {"marks": [row["mark"] for row in rows], "before": [row["value"] for row in rows], **columns}
            sql.execute("members/privacy/close_values", told, table=pg.Identifier(table))
        block += PAGES
        running.checkpoint(phase=table)


def _column(running: RunningJob, each: Sealed, mark: dict[str, int], total: int) -> None:
    while mark["block"] < int(sql.value("members/privacy/count_pages", {"table": each.table}) or 0):
        with transaction.atomic():
            mark["done"] += _pages(each, mark["block"], mark["block"] + PAGES)
            mark["block"] += PAGES
            running.checkpoint(done=mark["done"], total=total, phase=each.label, watermark=dict(mark))
        running.checkpoint()


def _pages(each: Sealed, first: int, end: int) -> int:
    """Seal anew what stands on some pages of the table; how many values."""
    needs = pg.SQL("").join(pg.SQL(", {}").format(pg.Identifier(name)) for name in each.needs)
    given = {"current": f"{crypto.ring().current}:", "lo": f"({first},0)", "hi": f"({end},0)"}
    rows = sql.rows("members/privacy/list_outdated", given, needs=needs, **each.slots())
    if not rows:
        return 0
    made = {
        "marks": [row["mark"] for row in rows],
        "before": [bytes(row["sealed"]) for row in rows],
        "after": [crypto.reseal(row["sealed"], each.context(row)) for row in rows],
    }
    return sql.execute("members/privacy/reseal_values", made, **each.slots())
