"""The recalculation once more, in plain Python over lists: what the SQL is held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, exp, floor, log
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


def no_purchase(chance: dict[str, Any], x: int, tx: int, t: float) -> float:
    """P(no order within the horizon) of MBG/NBD, from the formula as it stands in the paper."""
    r, alpha, a, b, horizon = (chance[key] for key in ("r", "alpha", "a", "b", "horizon"))
    stopped = a / (b + x) * exp((r + x) * (log(alpha + t) - log(alpha + tx)))
    return 1 - (1 - ((alpha + t) / (alpha + t + horizon)) ** (r + x)) / (1 + stopped)


def ages(found: dict[str, Any], f: dict[str, Any], main: str | None = None) -> list[timedelta]:
    """After how long without an order this member turns silent, sleeping, lost."""
    if found["stage_basis"] == "category" and main in found["categories"]:
        return [days * DAY for days in found["categories"][main]]
    if not found["chance"]:
        return [days * DAY for days in found["stage_days"]]
    x, tx = f["order_count"] - 1, round((f["last_order_at"] - f["first_order_at"]).total_seconds()) // 86400
    return [_first_hour(found["chance"], edge, x, tx) for edge in found["chance"]["edges"]]


def _first_hour(chance: dict[str, Any], edge: float, x: int, tx: int) -> timedelta:
    low, high = 0, 100 * 365 * 24
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if no_purchase(chance, x, tx, tx + middle / 24) >= edge else (middle + 1, high)
    return timedelta(hours=low)


def lead(settings: dict[str, Any] | None, joined_at: datetime, events: Sequence[tuple[datetime, str]], as_of: datetime) -> Any:
    """Stage before the first order, and when it changes."""
    if settings is None:
        return None, None
    window, new = settings["engaged_days"] * DAY, settings["new_days"] * DAY
    meant = sorted((at for at, kind in events if kind in (settings["event_kinds"] or [kind])), reverse=True)
    ahead = [at for at in meant if at > as_of]
    heard = [at for at in meant if as_of - window < at <= as_of]
    if len(heard) >= settings["engaged_events"]:
        code, due = 2, heard[settings["engaged_events"] - 1] + window
    elif joined_at > as_of - new:
        code, due = 1, joined_at + new
    else:
        code, due = 3, None
    return code, min([*ahead, *([due] if due else [])], default=None)


def state(
    orders: Sequence[Bought],
    found: dict[str, Any],
    as_of: datetime,
    joined_at: datetime,
    events: Any = (),
    main: str | None = None,
) -> dict[str, Any]:
    """What MemberState must hold for these orders, events and edges."""
    window = found["window_days"]
    ahead = [at for at in (*(o.at for o in orders), *(at for at, _kind in events)) if at > as_of]
    leaving = [o.at + window * DAY for o in orders if as_of - window * DAY < o.at <= as_of]
    due = {"facts_due": min(ahead + leaving, default=None)}
    f = facts(orders, as_of, window)
    if f is None:
        nothing: dict[str, Any] = dict.fromkeys(("first_order_at", "last_order_at", "interval_days", "r", "f", "m", "rfm_group"))
        nothing["lead"], nothing["stage_due"] = lead(found["lead"], joined_at, events, as_of)
        return due | nothing | dict.fromkeys(("order_count", "amount_total", "window_count", "window_amount", "stage"), 0)
    age = as_of - f["last_order_at"]
    span = (f["last_order_at"] - f["first_order_at"]).total_seconds() / 86400
    limits = ages(found, f, main)
    passed = [limit for limit in limits if age >= limit]
    coming = [limit for limit in limits if age < limit]
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
        "lead": None,
        "stage_due": f["last_order_at"] + coming[0] if coming else None,
    }
