"""What a revert does to each table: one chunk of an import's journal at a time, each a transaction with its mark."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from psycopg2 import sql as pg

from members.identities import NUMBERS
from members.importing import owners
from members.importing.journal import Volume
from members.models import Identity, Member, Merge, OwnerChange
from members.sets import array
from scrm.lib import sql

FOLDER = "members/importing/"
_NOT_THEIRS = ("members.ImportLeftover", Merge._meta.label, Member._meta.label)
_follows = {
    "members.MemberState",
    "members.MemberPrediction",
    "members.MemberStanding",
    "members.StateChange",
    "members.TouchedMember",
    "members.GuardedUse",
}


def follows(*labels: str) -> None:
    """Rows of these models are computed from other facts: they keep no member from being taken out, and go with it."""
    _follows.update(labels)


@dataclass(frozen=True)
class Rows:
    """A table of facts: how a row of the journal finds its row, and when that is still the import's."""

    table: str
    match: str  # o: the table's row, said or span: the journal's
    columns: tuple[str, ...] = ()
    same: str = "TRUE"
    unused: str = "TRUE"
    name: str = "''"
    by_field: bool = False  # fields are put back one by one; else all or none
    domains: tuple[str, ...] = ()
    these: str = "class = 0"
    touch: bool = True


ORDERS = Rows(
    "members_order",
    "o.member_id = {journal}.member_id AND o.id = {journal}.id",
    ("status", "placed_at", "amount", "discount", "shipping", "refunded", "store", "status_at", "refunded_at"),
    """(
        o.status, o.placed_at, o.amount, o.discount, o.shipping, o.refunded, o.store, o.status_at, o.refunded_at
    ) IS NOT DISTINCT FROM (
        coalesce(said.status, 1), said.placed_at, said.amount, coalesce(said.discount, 0), coalesce(said.shipping, 0),
        coalesce(said.refunded, 0), coalesce(said.store, ''), said.status_at, said.refunded_at)""",
    "NOT EXISTS (SELECT FROM members_orderline AS hung WHERE hung.member_id = o.member_id AND hung.order_id = o.id)",
    "(SELECT placed.number FROM members_order AS placed WHERE placed.id = {journal}.id LIMIT 1)",
    domains=("orders",),
)
LINES = Rows(
    "members_orderline",
    "o.member_id = {journal}.member_id AND o.order_id = {journal}.id AND o.n = {journal}.n",
    ("product_id", "quantity", "amount", "discount"),
    """(o.product_id, o.quantity, o.amount, o.discount) = (
        said.product_id, coalesce(said.quantity, 1), said.amount, coalesce(said.discount, 0))""",
    name="(SELECT placed.number FROM members_order AS placed WHERE placed.id = {journal}.id LIMIT 1)",
    domains=("orders",),
)
EVENTS = Rows(
    "members_event",
    "o.member_id = {journal}.member_id AND o.occurred_at = {journal}.occurred_at AND o.id = {journal}.id",
    domains=("events",),
    name="{journal}.kind",
)
_UNSOLD = "NOT EXISTS (SELECT FROM members_orderline AS hung WHERE hung.product_id = o.id)"
PRODUCTS = Rows(
    "members_product",
    "o.pool_id = %(pool)s AND o.sku = {journal}.sku",
    ("name", "category", "subcategory", "brand", "price"),
    """(o.name, o.category, o.subcategory, o.brand, o.price) IS NOT DISTINCT FROM (
        coalesce(said.name, ''), coalesce(said.category, ''), coalesce(said.subcategory, ''), coalesce(said.brand, ''),
        said.price)""",
    _UNSOLD,
    "{journal}.sku",
    domains=("products",),
    touch=False,
)
CHANGED_PRODUCTS = Rows(
    "members_product",
    "o.id = {journal}.id",
    PRODUCTS.columns,
    name="(SELECT known.sku FROM members_product AS known WHERE known.id = {journal}.id)",
    by_field=True,
    domains=("products",),
    touch=False,
)
STUBS = Rows(
    "members_product",
    "o.id = {journal}.id",
    same="(o.name, o.category, o.subcategory, o.brand) = (said.after ->> 'name', '', '', '') AND o.price IS NULL",
    unused=_UNSOLD,
    name="{journal}.after ->> 'sku'",
    domains=("products",),
    these="part = 'stubs'",
    touch=False,
)
REFUNDS = Rows(
    "members_refund",
    "o.pool_id = %(pool)s AND o.order_id = {journal}.id AND o.number = {journal}.number",
    ("amount", "at"),
    "(o.amount, o.at) IS NOT DISTINCT FROM (said.amount, said.at)",
    name="{journal}.number",
    domains=("orders",),
    these="class IN (0, 8)",
)
CHANGED_REFUNDS = Rows(
    "members_refund",
    "o.id = {journal}.id",
    REFUNDS.columns,
    name="(SELECT known.number FROM members_refund AS known WHERE known.id = {journal}.id)",
    domains=("orders",),
    touch=False,
)
STORES = Rows(
    "members_store",
    "o.id = {journal}.id",
    same="(o.name, o.code) = (said.after ->> 'code', said.after ->> 'code') AND NOT o.is_registered",
    unused="""NOT EXISTS (SELECT FROM members_member AS home WHERE home.store_id = o.id)
        AND NOT EXISTS (SELECT FROM members_order AS sold WHERE sold.pool_id = o.pool_id AND sold.store = o.code)""",
    name="{journal}.after ->> 'code'",
    domains=("members",),
    these="part = 'stores'",
    touch=False,
)
MEMBER_COLUMNS = ("name", "gender", "birthday", "province", "city", "status", "joined_at", "sources", "owner_id", "store_id")


def _sets(columns: tuple[str, ...], now: str) -> pg.Composed:
    """Each column from what stood there, if the import changed it and it still is as the import left it."""
    each = pg.SQL(
        "{column} = CASE WHEN span.before ? {key} AND {now} -> {key} = span.after -> {key} THEN b.{column} ELSE o.{column} END"
    )
    return pg.SQL(", ").join(each.format(column=pg.Identifier(name), key=pg.Literal(name), now=pg.SQL(now)) for name in columns)


def _of(text: str, journal: str) -> pg.SQL:
    return pg.SQL(text.replace("{journal}", journal))


def _told(found: dict[str, Any] | None) -> tuple[int, int]:
    assert found is not None
    return found["done"], found["left"]


# -- Facts ---------------------------------------------------------------------------------------
def put_back(volume: Volume, rows: Rows, part: str, here: dict[str, Any]) -> tuple[int, int]:
    """Old values of one chunk of changes: (rows put back, rows left as they are)."""
    names = {
        "changed": volume.table("changed"),
        "table": pg.Identifier(rows.table),
        "match": _of(rows.match, "span"),
        "shown": _of(rows.name, "span"),
        "sets": _sets(rows.columns, "to_jsonb(o)"),
        "by_field": pg.SQL("TRUE" if rows.by_field else "FALSE"),
    }
    done = _told(sql.row(FOLDER + "put_back_rows", here | {"part": part}, **names))
    if rows.touch:
        touch(volume, "changed", f"part = '{part}'", here)
    return done


def put_back_members(volume: Volume, here: dict[str, Any]) -> tuple[int, int]:
    """Old values of the members of one chunk of changes."""
    names = {"changed": volume.table("changed"), "sets": _sets(MEMBER_COLUMNS, "span.present")}
    done = _told(sql.row(FOLDER + "put_back_members", here | owners.noted(volume.run), **names))
    touch(volume, "changed", "part = 'members'", here)
    return done


def take_out(volume: Volume, source: str, rows: Rows, part: str, here: dict[str, Any]) -> tuple[int, int]:
    """Created rows of one chunk: (rows that are gone, rows that stay)."""
    names = {
        "written": volume.table(source),
        "these": pg.SQL(rows.these),
        "member": pg.SQL("said.member_id" if rows.touch else "NULL::bigint"),
        "table": pg.Identifier(rows.table),
        "match": _of(rows.match, "said"),
        "same": pg.SQL(rows.same),
        "unused": pg.SQL(rows.unused),
        "shown": _of(rows.name, "said"),
    }
    if rows.touch:
        touch(volume, source, "said.class IN (0, 2)", here)
    return _told(sql.row(FOLDER + "take_out_rows", here | {"part": part}, **names))


def touch(volume: Volume, source: str, these: str, here: dict[str, Any]) -> None:
    """Members of one chunk are to be computed again."""
    sql.execute(FOLDER + "touch_reverted", here, written=volume.table(source), these=pg.SQL(these))


# -- People --------------------------------------------------------------------------------------
def take_out_people(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
    """Created members of one chunk about whom nothing else is known go, with their identities; why the others stay is listed."""
    written = volume.table("members")
    sql.execute(FOLDER + "create_kept_members")
    sql.execute(FOLDER + "keep_members_changed", here, written=written)
    for label, table, member in _held():
        if label not in _follows:
            also = _foreign(label, volume)
            names = {"written": written, "table": pg.Identifier(table), "member": pg.Identifier(member), "also": also}
            sql.execute(FOLDER + "keep_members_in_use", here | {"label": label}, **names)
    gone, left = _told(sql.row(FOLDER + "take_out_identities", here | _span(volume, here), fresh=volume.table("fresh")))
    left += sql.execute(FOLDER + "list_kept_members", here)
    for label, table, member in _held():
        if label in _follows or label == OwnerChange._meta.label:
            sql.execute(
                FOLDER + "take_out_followers", here, written=written, table=pg.Identifier(table), member=pg.Identifier(member)
            )
    return {"identities": gone, "members": sql.execute(FOLDER + "take_out_members", here, written=written), "left": left}


def forget_meetings(volume: Volume, here: dict[str, Any]) -> int:
    """Values that only this import had seen together were never seen together, unless they still lead to one person."""
    kinds = {"numbers": array(NUMBERS), "kinds": list(NUMBERS.values())}
    return sql.execute("members/oneid/forget_meetings", here | kinds, brought=volume.table("brought"))


def _foreign(label: str, volume: Volume) -> pg.Composable:
    """Of the rows about a member, those that another way than this import has brought."""
    if label == OwnerChange._meta.label:
        return pg.SQL("held.reason <> {}").format(pg.Literal(owners.reason(volume.run)))
    if label != Identity._meta.label:
        return pg.SQL("TRUE")
    return pg.SQL(
        "NOT EXISTS (SELECT FROM {} AS mine"
        " WHERE mine.member_id = held.member_id AND mine.kind = held.kind AND mine.hash = held.value_hash)"
    ).format(volume.table("fresh"))


def _span(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
    span = pg.SQL(
        "SELECT coalesce(min(member_id), 0), coalesce(max(member_id), -1) FROM {}"
        " WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid"
    )
    low, high = sql.fetch(span.format(volume.table("members")), here)[0]
    return {"low": low, "high": high}


def _held() -> list[tuple[str, str, str]]:
    """Every table with rows of members: label, table, column."""
    models = [model for model in apps.get_models() if model._meta.label not in _NOT_THEIRS and not model._meta.proxy]
    return [
        (model._meta.label, model._meta.db_table, field.column)
        for model in models
        for field in model._meta.local_concrete_fields
        if field.related_model is Member or field.column == "member_id"
    ]
