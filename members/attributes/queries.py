"""The fields of a pool, and how many members have which value."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from psycopg2 import sql as pg

from members.models import AttributeField, Pool
from scrm.lib import sql

SHOWN = 12
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
    """How many members have one value; `value` is what the member list is asked for."""

    label: str
    value: Any
    members: int
    share: float


@dataclass(frozen=True)
class Distribution:
    """The values of one field."""

    members: int
    parts: list[Share]
    numbers: dict[str, Any] | None = None  # least, quarter, median, three_quarters, greatest, mean


def distribution(pool: Pool, field: AttributeField) -> Distribution:
    """The most frequent values with their members; of numbers the quartiles too."""
    params = {"pool": pool.pk, "key": field.key, "limit": SHOWN}
    each = pg.SQL(_EACH[field.kind])
    rows = sql.rows("members/attributes/count_values", params, each=each)
    total = int(rows[0]["total"]) if rows else 0
    parts = [Share(_label(field, row["value"]), row["value"], row["members"], row["members"] / total) for row in rows]
    numbers = None
    if field.kind == AttributeField.Kind.NUMBER:
        numbers = sql.row("members/attributes/measure_numbers", {"pool": pool.pk, "key": field.key})
    return Distribution(total, parts, numbers)


_ONE = "SELECT attributes ->> %(key)s AS value"
_LIST = (
    "SELECT jsonb_array_elements_text("
    "CASE jsonb_typeof(attributes -> %(key)s) WHEN 'array' THEN attributes -> %(key)s END) AS value"
)
_EACH = {kind: _LIST if kind == AttributeField.Kind.MULTI else _ONE for kind in AttributeField.Kind.values}


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
