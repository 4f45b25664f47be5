"""The fields of a pool, and how many members have which value."""

from calendar import monthrange
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from psycopg2 import sql as pg

from members.models import AttributeField, Pool
from scrm.lib import sql
from scrm.lib.formats import decimal

SHOWN, BINS = 12, 10
WORTH = "value_attribute"  # in Pool.settings: the number that stands for a member's value


def fields_of(pool: Pool | int, *, archived: bool = False) -> QuerySet[AttributeField]:
    """Declared fields in the pool's order; archived ones only when asked for."""
    found = AttributeField.objects.filter(pool_id=pool.pk if isinstance(pool, Pool) else pool)
    return found if archived else found.filter(is_archived=False)


def by_key(pool: Pool | int, *, archived: bool = True) -> dict[str, AttributeField]:
    """Declared fields by key."""
    return {field.key: field for field in fields_of(pool, archived=archived)}


def worth(pool: Pool) -> AttributeField | None:
    """The number that stands for a member's value in this pool; None: what they spent does (M13)."""
    key = pool.settings.get(WORTH)
    return fields_of(pool).filter(key=key, kind=AttributeField.Kind.NUMBER).first() if key else None


def filled(pool: Pool) -> dict[str, int]:
    """Key → members with a value, undeclared keys included. One look at every member of the pool."""
    return {row["key"]: row["members"] for row in sql.rows("members/attributes/count_filled", {"pool": pool.pk})}


@dataclass(frozen=True)
class Share:
    """How many members have one value, or one between two; the member list is asked for `first` to `last`."""

    label: str
    first: str
    last: str
    members: int
    share: float


@dataclass(frozen=True)
class Distribution:
    """The values of one field: the most frequent ones, months of days, ranges of numbers."""

    members: int
    parts: list[Share]
    numbers: dict[str, Any] | None = None  # least, quarter, median, three_quarters, greatest, mean


def distribution(pool: Pool, field: AttributeField) -> Distribution:
    """How many members have which value; of numbers the quartiles too."""
    params = {"pool": pool.pk, "key": field.key, "limit": SHOWN}
    rows = sql.rows("members/attributes/count_values", params, each=pg.SQL(_EACH[field.kind]))
    total = int(rows[0]["total"]) if rows else 0
    if field.kind != AttributeField.Kind.NUMBER:
        spans = [(*_span(field, row["value"]), row["members"]) for row in rows]
        return Distribution(total, [_share(*span, total) for span in spans])
    numbers = sql.row("members/attributes/measure_numbers", {"pool": pool.pk, "key": field.key})
    if len(rows) < SHOWN:  # few different numbers: each by itself
        return Distribution(
            total, [_share(row["value"], row["value"], row["value"], row["members"], total) for row in rows], numbers
        )
    bins = sql.rows("members/attributes/bin_numbers", {"pool": pool.pk, "key": field.key, "bins": BINS})
    found = [(str(row["first"]), str(row["last"]), row["members"]) for row in bins]
    return Distribution(
        total, [_share(f"{decimal(low)} – {decimal(high)}", low, high, n, total) for low, high, n in found], numbers
    )


def _share(label: str, first: str, last: str, members: int, total: int) -> Share:
    return Share(label, first, last, members, members / total if total else 0.0)


def _span(field: AttributeField, value: str) -> tuple[str, str, str]:
    """A value's label and its ends; of a month its first and last day."""
    if field.kind != AttributeField.Kind.DATE or len(value) != 7:
        return _label(field, value), value, value
    try:
        year, month = map(int, value.split("-"))
        return value, f"{value}-01", f"{value}-{monthrange(year, month)[1]:02}"
    except ValueError:
        return value, value, value


_ONE = "SELECT attributes ->> %(key)s AS value"
_MONTH = "SELECT left(attributes ->> %(key)s, 7) AS value"
_LIST = (
    "SELECT jsonb_array_elements_text("
    "CASE jsonb_typeof(attributes -> %(key)s) WHEN 'array' THEN attributes -> %(key)s END) AS value"
)
_EACH = dict.fromkeys(AttributeField.Kind.values, _ONE) | {AttributeField.Kind.MULTI: _LIST, AttributeField.Kind.DATE: _MONTH}


def _label(field: AttributeField, value: str) -> str:
    from members.attributes import values

    try:
        return values.shown(field, values.parse(field, value))
    except values.Bad:
        return value


def carrying(field: AttributeField, wanted: list[str]) -> int:
    """Members who have one of these choices, by whatever name."""
    params = {"pool": field.pool_id, "key": field.key, "values": wanted}
    return int(sql.value("members/attributes/count_carriers", params) or 0)
