"""The first rows of each outcome of a check, as the file has them, beside what is known now."""

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from psycopg2 import sql as pg

from members import identities
from members.importing import fields, parsing, returns
from members.importing.fields import ATTRIBUTE
from members.importing.reading import batches
from members.importing.staging import Plan, exists, table
from members.models import ImportReject, ImportRun, ImportSample, Member, Order, Store
from scrm.lib import sql
from scrm.staff.models import User

FIRST = 50
Outcome = ImportSample.Outcome
Kind = ImportRun.Kind
_OUTCOMES = {Outcome.NEW: (0, 8), Outcome.UPDATED: (2,), Outcome.UNCHANGED: (1, 5), Outcome.CONFLICTING: (3, 4)}
# How a row of the run's table finds what is known: table and condition.
_KNOWN = {
    Kind.MEMBERS: ("members_member", "old.id = said.member_id"),
    Kind.ORDERS: ("members_order", "old.id = said.id"),
    Kind.LINES: ("members_orderline", "old.member_id = said.member_id AND old.order_id = said.id AND old.n = said.n"),
    Kind.PRODUCTS: ("members_product", "old.id = said.id"),
    Kind.REFUNDS: ("members_refund", "old.order_id = said.id AND old.number = said.number"),
}
_CHOICES: dict[tuple[str, str], Any] = {
    (Kind.MEMBERS, "status"): Member.Status,
    (Kind.MEMBERS, "gender"): Member.Gender,
    (Kind.ORDERS, "status"): Order.Status,
}
_RENAMED: dict[str, dict[str, str]] = {
    Kind.MEMBERS: {"owner": "owner_id", "store": "store_id"},
    Kind.REFUNDS: {"refunded": "amount", "refunded_at": "at", "refund": "number", "number": ""},
}


def keep(plan: Plan, conflicts: tuple[str, ...]) -> None:
    """Replace the samples of a run by those of this check; `conflicts` are the codes that count as such."""
    ImportSample.objects.filter(run=plan.run).delete()
    found = _written(plan)
    found[Outcome.CONFLICTING] = _rejected(plan, conflicts, inside=True)
    found[Outcome.REFUSED] = _rejected(plan, conflicts, inside=False)
    cells = _cells(plan, {line for lines in found.values() for line in lines})
    known = _known(plan, [*found[Outcome.UPDATED], *found[Outcome.CONFLICTING]])
    ImportSample.objects.bulk_create(
        ImportSample(
            run=plan.run,
            outcome=outcome,
            line=line,
            said=_said(plan, cells.get(line, [])),
            before=known.get(line, {}) if outcome in (Outcome.UPDATED, Outcome.CONFLICTING) else {},
            reason=reason,
        )
        for outcome, lines in found.items()
        for line, reason in lines.items()
    )


def _source(plan: Plan) -> str:
    return "members" if plan.run.kind == Kind.MEMBERS else "ready"


def _written(plan: Plan) -> dict[Any, dict[int, str]]:
    """The first lines of each class, without a reason."""
    first = pg.SQL("SELECT line FROM ({}) AS each WHERE class IN ({}) ORDER BY line LIMIT {}")
    parts = [part for part in (_source(plan), returns.PART) if exists(plan.run, part)]
    rows = pg.SQL(" UNION ALL ").join(pg.SQL("SELECT line, class FROM {}").format(table(plan.run, part)) for part in parts)
    found: dict[Any, dict[int, str]] = {}
    for outcome, classes in _OUTCOMES.items():
        listed = pg.SQL(", ").join(map(pg.Literal, classes))
        lines = sql.fetch(first.format(rows, listed, pg.Literal(FIRST)))
        found[outcome] = dict.fromkeys((line for (line,) in lines), "")
    return found


def _rejected(plan: Plan, conflicts: tuple[str, ...], *, inside: bool) -> dict[int, str]:
    rows = ImportReject.objects.filter(run=plan.run)
    rows = rows.filter(code__in=conflicts) if inside else rows.exclude(code__in=conflicts)
    found: dict[int, str] = {}
    for line, code in rows.order_by("line", "pk").values_list("line", "code")[: FIRST * 4]:
        found.setdefault(line, code)
    return dict(list(found.items())[:FIRST])


def _cells(plan: Plan, lines: set[int]) -> dict[int, list[str]]:
    """The cells of some lines: of refused ones as they were kept, of others from the file, no further than the last of them."""
    kept = ImportReject.objects.filter(run=plan.run, line__in=lines).values_list("line", "row")
    found = {line: [str(cell) for cell in row] for line, row in kept}
    wanted = lines - set(found)
    if not wanted:
        return found
    last = max(wanted)
    for batch in batches(plan.path, plan.found):
        if len(batch.lines) and batch.lines[-1].as_py() >= min(wanted):
            found |= {line: batch.cells(row) for row, line in enumerate(batch.lines.to_pylist()) if line in wanted}
        if len(batch.lines) and batch.lines[-1].as_py() >= last:
            break
    return found


def _said(plan: Plan, cells: list[str]) -> dict[str, str]:
    """Field → cell; what says who somebody is only as far as it may be shown."""
    said: dict[str, str] = {}
    for position, each in plan.mapped:
        text = cells[position].strip()[:200] if position < len(cells) else ""
        if text and each.identity:
            normal = parsing.normalised(each.identity, pa.array([text]))[0].as_py() or ""
            text = identities.hint(each.identity, normal)
        if text:
            said[each.key] = text
    for position, key in plan.attributes:
        if position < len(cells) and cells[position].strip():
            said[f"{ATTRIBUTE}{key}"] = cells[position].strip()[:200]
    return said


# -- What is known -------------------------------------------------------------------------------
def _known(plan: Plan, lines: list[int]) -> dict[int, dict[str, str]]:
    """Line → field → known value, of the fields in which the row differs."""
    if plan.run.kind not in _KNOWN or not lines or not exists(plan.run, _source(plan)):
        return {}
    name, match = _KNOWN[Kind(plan.run.kind)]
    statement = pg.SQL(
        "SELECT said.line, to_jsonb(said), to_jsonb(old) FROM {} AS said JOIN {} AS old ON {} AND old.pool_id = %(pool)s"
        " WHERE said.line = ANY(%(lines)s::bigint[])"
    ).format(table(plan.run, _source(plan)), pg.Identifier(name), pg.SQL(match))
    rows = sql.fetch(statement, {"lines": lines, "pool": plan.run.pool_id})
    return {line: _differing(plan, json.loads(said), json.loads(old)) for line, said, old in rows}


def _differing(plan: Plan, said: dict[str, Any], old: dict[str, Any]) -> dict[str, str]:
    before: dict[str, str] = {}
    renamed = _RENAMED.get(Kind(plan.run.kind), {})
    for key, each in fields.fields_of(plan.run.kind).items():
        column = renamed.get(key, key)
        if column and column in old and said.get(column) is not None and said[column] != old[column]:
            before[key] = _shown(plan, each, old[column])
    if plan.run.kind == Kind.ORDERS and said["member_id"] != old["member_id"]:
        before["member"] = str(old["member_id"])
    for key, value in (said.get("attributes") or {}).items() if plan.run.kind == Kind.MEMBERS else ():
        known = old["attributes"].get(key)
        if known != value:
            before[f"{ATTRIBUTE}{key}"] = "" if known is None else str(known)
    return before


def _shown(plan: Plan, each: fields.Field, value: Any) -> str:
    """A stored value as a person would write it."""
    if value is None or value == "":
        return ""
    if (choices := _CHOICES.get((plan.run.kind, each.key))) is not None:
        return str(choices(value).label)
    if each.parser == "staff":
        return str(User.objects.filter(pk=value).first() or "")
    if each.parser == "store" and isinstance(value, int):
        return Store.objects.filter(pk=value).values_list("code", flat=True).first() or ""
    if each.parser in ("money", "total"):
        return f"{value / 100:.2f}"
    if each.parser == "instant":
        return f"{datetime.fromisoformat(value).astimezone(ZoneInfo(plan.run.pool.time_zone)):%Y-%m-%d %H:%M:%S}"
    return date.fromisoformat(value).isoformat() if each.parser == "day" else str(value)
