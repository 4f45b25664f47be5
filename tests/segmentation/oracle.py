"""The recalculation once more, in plain Python over lists: what the SQL is held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor
from typing import Any

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bought:
    """A paid order."""

    at: datetime
    amount: int


def percentile_disc(values: Sequence[Any], share: float) -> Any:
    """The first value whose cumulative share reaches `share`."""
    ranked = sorted(values)
    return ranked[max(0, ceil(round(share * len(ranked), 9)) - 1)]


def facts(orders: Sequence[Bought], as_of: datetime, window_days: int) -> dict[str, Any] | None:
    done = sorted((o for o in orders if o.at <= as_of), key=lambda o: o.at)
    if not done:
        return None
    recent = [o for o in done if o.at > as_of - window_days * DAY]
    return {
        "order_count": len(done),
        "amount_total": sum(o.amount for o in done),
        "first_order_at": done[0].at,
        "last_order_at": done[-1].at,
        "window_count": len(recent),
        "window_amount": sum(o.amount for o in recent),
    }


def edges(pool: Sequence[dict[str, Any]], choices: Any, as_of: datetime) -> dict[str, Any]:
    """Edges of a pool of facts for RFM mode mean or quantile, lifecycle mode pool."""
    quintiles = (0.2, 0.4, 0.6, 0.8)
    found: dict[str, Any] = {
        "r": [floor((as_of - percentile_disc([f["last_order_at"] for f in pool], q)).total_seconds()) for q in quintiles],
        "f": [percentile_disc([f["window_count"] for f in pool], q) for q in quintiles],
        "m": [percentile_disc([f["window_amount"] for f in pool], q) for q in quintiles],
    }
    if choices.rfm.mode == "mean":
        instants = [round(f["last_order_at"].timestamp()) for f in pool]
        found["r_split"] = int(as_of.timestamp()) - sum(instants) // len(pool)
        found["f_split"] = sum(f["window_count"] for f in pool) // len(pool)
        found["m_split"] = sum(f["window_amount"] for f in pool) // len(pool)
    else:
        for letter in "rfm":
            found[f"{letter}_split"] = found[letter][choices.rfm.high_from - 2]
    gaps = [
        (f["last_order_at"] - f["first_order_at"]).total_seconds() / (f["order_count"] - 1) for f in pool if f["order_count"] > 1
    ]
    days: list[int] = []
    for share in choices.lifecycle.quantiles:
        days.append(max(ceil(percentile_disc(gaps, share) / 86400), days[-1] + 1 if days else 1))
    return found | {"stage_days": days}


def state(orders: Sequence[Bought], found: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    """What MemberState must hold for these orders and edges."""
    window = found["window_days"]
    ahead = [o.at for o in orders if o.at > as_of]
    leaving = [o.at + window * DAY for o in orders if as_of - window * DAY < o.at <= as_of]
    due = {"facts_due": min(ahead + leaving, default=None)}
    f = facts(orders, as_of, window)
    if f is None:
        nothing = dict.fromkeys(("first_order_at", "last_order_at", "interval_days", "r", "f", "m", "rfm_group", "stage_due"))
        return due | nothing | dict.fromkeys(("order_count", "amount_total", "window_count", "window_amount", "stage"), 0)
    age = as_of - f["last_order_at"]
    span = (f["last_order_at"] - f["first_order_at"]).total_seconds() / 86400
    passed = [days for days in found["stage_days"] if age >= days * DAY]
    coming = [days for days in found["stage_days"] if age < days * DAY]
    return {
        **f,
        **due,
        "interval_days": span / (f["order_count"] - 1) if f["order_count"] > 1 else None,
        "r": 1 + sum(age < timedelta(seconds=edge) for edge in found["r"]),
        "f": 1 + sum(f["window_count"] > edge for edge in found["f"]),
        "m": 1 + sum(f["window_amount"] > edge for edge in found["m"]),
        "rfm_group": 4 * (age < timedelta(seconds=found["r_split"]))
        + 2 * (f["window_count"] > found["f_split"])
        + (f["window_amount"] > found["m_split"]),
        "stage": 1 + len(passed),
        "stage_due": f["last_order_at"] + coming[0] * DAY if coming else None,
    }
