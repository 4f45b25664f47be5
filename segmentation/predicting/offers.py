"""Coupons of the apps above: whom they were offered to, when, and when used. Who sends them announces where that is kept."""

from psycopg2 import sql as pg

NOBODY = (
    "SELECT NULL::bigint AS member_id, NULL::bigint AS pool_id, NULL::bigint AS offer,"
    " NULL::timestamptz AS offered_at, NULL::timestamptz AS redeemed_at WHERE false"
)
_kept: list[str] = []


def register(statement: str) -> None:
    """Declare a SELECT of (member_id, pool_id, offer, offered_at, redeemed_at); who was held out is not in it."""
    if statement not in _kept:
        _kept.append(statement)


def relation() -> pg.Composed:
    """Every offer there was, as a relation."""
    return pg.Composed([pg.SQL(" UNION ALL ".join(_kept or [NOBODY]))])
