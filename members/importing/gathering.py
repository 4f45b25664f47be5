"""Rows beside what is known: new, changed, unchanged or refused, in the order of the table they go to."""

from typing import Any

from psycopg2 import sql as pg
from pyroaring import BitMap64

from members.importing import journal, returns, staging, targets
from members.importing.people import some
from members.importing.reading import batches
from members.importing.staging import Plan, table
from members.importing.targets import FOLDER
from members.models import ImportReject, ImportRun
from members.oneid import precedence
from scrm.lib import sql

Kind = ImportRun.Kind
REFUSALS = {3: "other_member", 4: "duplicate_in_file", 6: "unknown_order", 7: "unknown_product"}
AGAIN = 9  # order lines that the file has said before, until they are judged
# Natural key and the values that must agree when a file says it twice.
REPEATS = {
    Kind.LINES: (("id", "n"), ("product_id", "quantity", "amount", "discount")),
    Kind.REFUNDS: (("id", "number"), ("amount", "at")),
    Kind.PRODUCTS: (("sku",), ("name", "category", "subcategory", "brand", "price")),
    Kind.EVENTS: (("member_id", "occurred_at", "id"), ("kind",)),
}


def gather(plan: Plan, params: dict[str, Any], *, write: bool) -> None:
    """The run's tables: what each row says beside what is known, with its class."""
    run, kind = plan.run, plan.run.kind
    staging.drop(run, ("ready", "members", "changed"))
    journal.begin(run)
    if write:
        _make_stubs(plan, params)
    if plan.identities:
        weighed = precedence.gathering(run.pool, run.channel_id)
        sql.execute(FOLDER + "gather_members", params, said=_said(plan), **weighed, **some(plan, "members", "persons"))
    if kind == Kind.MEMBERS:
        return
    names = ["ready", "stage", *(["persons", "first_hash"] if plan.identities else [])]
    if kind == Kind.ORDERS:
        return _gather_orders(plan, params)
    extra = {"place": _place(plan)} if kind == Kind.LINES else {}
    sql.execute(FOLDER + f"gather_{kind}", params, **extra, **some(plan, *names))
    if kind == Kind.LINES and not write and run.options.get("unknown_products", "create") == "create":
        sql.run(pg.SQL("UPDATE {} SET class = 0 WHERE class = 7").format(table(run, "ready")))
    _mark_repeats(plan)


def _make_stubs(plan: Plan, params: dict[str, Any]) -> None:
    """Stores and products that the file names and nobody registered, where it may bring them."""
    run = plan.run
    stores = run.kind == Kind.MEMBERS and plan.says("store") and "store" in plan.rules.spare
    products = run.kind == Kind.LINES and run.options.get("unknown_products", "create") == "create"
    if stores or products:
        made = "insert_stub_stores" if stores else "insert_stub_products"
        journal.note(run, "stubs", 0, sql.execute(FOLDER + made, params, **some(plan, "stage", "changed")))


def gather_returns(plan: Plan, params: dict[str, Any]) -> None:
    """The same for goods brought back, which belong to other orders than their own."""
    returns.gather(plan, params)
    _mark_repeats(plan, returns.PART, Kind.REFUNDS)
    refuse(plan)


def _said(plan: Plan) -> pg.Composed:
    names = some(plan, "stage", "persons", "first_hash")
    if plan.run.kind != Kind.MEMBERS:
        moment = pg.Identifier("placed_at" if plan.run.kind == Kind.ORDERS else "occurred_at")
        return pg.SQL(sql.text(FOLDER + "said_in_orders")).format(moment=moment, **names)
    rows, persons = staging.count(plan.run, "stage"), _persons(plan)
    return pg.SQL(sql.text(FOLDER + ("said_once" if rows == persons else "said_often"))).format(**names)


def _persons(plan: Plan) -> int:
    return int(sql.fetch(pg.SQL("SELECT count(DISTINCT person) FROM {}").format(table(plan.run, "persons")))[0][0])


def _gather_orders(plan: Plan, params: dict[str, Any]) -> None:
    """Orders beside what is known of them; of several rows about one order, one speaks for all."""
    ready = table(plan.run, "ready")
    named = pg.SQL(sql.text(FOLDER + "name_orders")).format(**some(plan, "stage", "persons", "first_hash"))
    sql.run(
        pg.SQL("CREATE UNLOGGED TABLE {} AS {} ORDER BY member_id, id, line").format(ready, targets.judged_orders(named)), params
    )
    if sql.execute(FOLDER + "mark_repeated_orders", None, ready=ready):
        folded = pg.SQL(sql.text(FOLDER + "fold_orders")).format(ready=ready)
        sql.run(pg.SQL("INSERT INTO {} {}").format(ready, targets.judged_orders(folded)), params)
        sql.run(pg.SQL("DELETE FROM {} WHERE class = 8").format(ready))


def _place(plan: Plan) -> pg.Composable:
    """The number of a line that has none; ordering the whole file for it is left out when all have one."""
    unnumbered = pg.SQL("SELECT EXISTS (SELECT FROM {} WHERE n IS NULL)").format(table(plan.run, "stage"))
    counted = "row_number() OVER (PARTITION BY s.id ORDER BY s.line)::int"
    return pg.SQL(counted if sql.fetch(unnumbered)[0][0] else "NULL::int")


def _mark_repeats(plan: Plan, part: str = "ready", kind: str = "") -> None:
    kind = kind or plan.run.kind
    key, values = REPEATS[Kind(kind)]
    again = "GROUP BY {key} HAVING count(*) > 1"
    if kind == Kind.LINES:  # they lie in the order of their keys: gathering has seen which come again
        again = "WHERE class = 9"
        if AGAIN not in dict(staging.classes(plan.run, "ready")):
            return

    def listed(names: tuple[str, ...], prefix: str = "") -> pg.Composed:
        parts = [pg.Identifier(prefix, name) if prefix else pg.Identifier(name) for name in names]
        return pg.SQL(", ").join(parts)

    sql.execute(
        FOLDER + "mark_repeats",
        None,
        key=listed(key),
        again=pg.SQL(again).format(key=listed(key)),
        key_later=listed(key, "later"),
        key_first=listed(key, "first"),
        values_later=listed(values, "later"),
        values_first=listed(values, "first"),
        ready=table(plan.run, part),
    )


def refuse(plan: Plan) -> None:
    """Rows refused by what stands elsewhere, with their cells read again from the file."""
    codes = _refused_lines(plan)
    if not codes:
        return
    ImportReject.objects.filter(run=plan.run, code__in=REFUSALS.values()).delete()
    lines = BitMap64(codes)
    heading = _key_heading(plan)
    for batch in batches(plan.path, plan.found):
        rows = [(row, line) for row, line in enumerate(batch.lines.to_pylist()) if line in lines]
        staging.keep_rejects(plan.run, [(line, heading[codes[line]], codes[line], batch.cells(row)) for row, line in rows])


def _refused_lines(plan: Plan) -> dict[int, str]:
    if plan.run.kind == Kind.MEMBERS:
        return {}
    each = pg.SQL("SELECT line, class FROM {} WHERE class IN (3, 4, 6, 7)")
    parts = [part for part in ("ready", returns.PART) if staging.exists(plan.run, part)]
    found = sql.fetch(pg.SQL(" UNION ALL ").join(each.format(table(plan.run, part)) for part in parts))
    return {line: REFUSALS[code] for line, code in found}


def _key_heading(plan: Plan) -> dict[str, str]:
    number = plan.run.mapping.get("number") or plan.run.mapping.get("sku") or ""
    return dict.fromkeys(REFUSALS.values(), number) | {"unknown_product": plan.run.mapping.get("sku") or ""}
