"""Every read of figures. Each is kept until the data behind it changes."""

from typing import Any

from insights import figures
from insights.period import Period
from members.models import StateChange

ORDERS, MEMBERS, STATE = ("orders",), ("members",), ("state", "members")
Row = dict[str, Any]


def trade(period: Period) -> Row:
    """orders, gmv (minor units), buyers, repeat_buyers of a period."""
    return figures.rows("sum_trade", period.params, ORDERS)[0]


def trade_days(period: Period) -> list[Row]:
    """Per local day: orders, gmv, buyers."""
    return figures.rows("list_trade_days", period.params, ORDERS)


def members(period: Period) -> Row:
    """At the end of a period: total, leads; and joined within it."""
    return figures.rows("count_members", period.params, MEMBERS)[0]


def join_days(period: Period) -> list[Row]:
    """Per local day: joined, total."""
    return figures.rows("list_join_days", period.params, MEMBERS)


def sources(period: Period) -> list[Row]:
    """Per channel: members, and joined within the period."""
    return figures.rows("list_sources", period.params, MEMBERS)


def rfm_groups(pool_id: int) -> list[Row]:
    """Per group now: members, amount, window_amount, orders."""
    return figures.rows("list_rfm_groups", {"pool_id": pool_id}, STATE)


def rfm_cells(pool_id: int) -> list[Row]:
    """Per recency and frequency score now: members, amount."""
    return figures.rows("list_rfm_cells", {"pool_id": pool_id}, STATE)


def moves(period: Period, kind: StateChange.Kind) -> list[Row]:
    """from_code, to_code, members: where members stood at both ends of a period."""
    return figures.rows("list_moves", {**period.params, "kind": int(kind)}, STATE)


def cohorts(period: Period) -> list[Row]:
    """cohort (first day of the month), later (months), members."""
    return figures.rows("list_cohorts", period.params, (*ORDERS, *STATE))


def ladder(pool_id: int) -> list[Row]:
    """n, members who reached their n-th purchase."""
    return figures.rows("list_ladder", {"pool_id": pool_id}, STATE)


def reach(period: Period) -> Row:
    """sent, opened, clicked, opted_out of a period."""
    return figures.rows("sum_reach", period.params, ("deliveries", "consents"))[0]


def categories(period: Period) -> list[Row]:
    """The twelve best-selling categories: amount, members."""
    return figures.rows("list_categories", period.params, ORDERS)
