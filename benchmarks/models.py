"""BG/NBD of a million customers: summarising, fitting and forecasting against the package `lifetimes`, in CPU seconds.

MEMBERS=1000000 ONLY=models make bench      or: make bench-models
"""

import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

YARDSTICK = "the same by lifetimes 0.11.3, CPU time"
DAYS = 540


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios of CPU time; the answers of both are compared first."""
    from segmentation.predicting import btyd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes
        from lifetimes.utils import summary_data_from_transaction_data
    import pandas as pd

    member, day, amount = purchases(members)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    log = pd.DataFrame({"member": member, "at": at, "amount": amount})
    until = pd.Timestamp("2024-01-01") + pd.Timedelta(days=DAYS)
    people = btyd.summarise(member, day, amount, DAYS)
    them = lifetimes.BetaGeoFitter(penalizer_coef=0)

    def fit_theirs() -> Any:
        return them.fit(people.x, people.tx, people.T)

    def forecast_theirs() -> Any:
        return them.conditional_expected_number_of_purchases_up_to_time(90, people.x, people.tx, people.T)

    def summarise_theirs() -> Any:
        return summary_data_from_transaction_data(log, "member", "at", "amount", observation_period_end=until)

    took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ("summarise", "fit", "forecast")}
    for _ in range(runs):
        _both(took["summarise"], lambda: btyd.summarise(member, day, amount, DAYS), summarise_theirs)
        model, _theirs = _both(took["fit"], lambda: btyd.fit(people.x, people.tx, people.T), fit_theirs)
        forecast_ours = partial(btyd.expected_purchases, model, 90, people.x, people.tx, people.T)
        ours, forecast = _both(took["forecast"], forecast_ours, forecast_theirs)
    assert np.allclose(them.params_, (model.r, model.alpha, model.a, model.b), rtol=1e-3)
    assert np.allclose(ours, forecast, rtol=1e-3)
    goals = {"summarise": 0.5, "fit": 0.1, "forecast": 1.0}
    return {f"models_btyd_{name}": _entry(*took[name], goals[name], len(people.x), len(day)) for name in took}


def purchases(customers: int) -> tuple[Any, Any, Any]:
    """Who bought when for how much: rates and chances of stopping differ from customer to customer."""
    rng = np.random.default_rng(7)
    born, rate, drop = rng.integers(0, DAYS * 2 // 3, customers), rng.gamma(0.6, 1 / 60, customers), rng.beta(0.8, 2.4, customers)
    who, day = np.arange(customers), born.astype(float)
    members, days = [], []
    while len(who):
        members.append(who)
        days.append(day)
        stays = rng.random(len(who)) >= drop[who]
        who, day = who[stays], day[stays]
        day = day + 1 + np.floor(rng.exponential(1 / np.maximum(rate[who], 1e-9)))
        who, day = who[day <= DAYS], day[day <= DAYS]
    member, day = np.concatenate(members), np.concatenate(days).astype(np.int64)
    return member, day, rng.gamma(3, 2000, len(day)).round()


def _both(into: tuple[list[float], list[float]], ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, Any]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for times, work in zip(into, (ours, theirs), strict=True):
            started = time.process_time()
            found.append(work())
            times.append(time.process_time() - started)
    return found[0], found[1]


def _entry(ours: list[float], theirs: list[float], goal: float, customers: int, purchases: int) -> dict[str, Any]:
    return {
        "ratio": statistics.median(ours) / statistics.median(theirs),
        "yardstick": YARDSTICK,
        "goal": goal,
        "runs": len(ours),
        "seconds": [round(each, 3) for each in ours],
        "theirs": [round(each, 3) for each in theirs],
        "customers": customers,
        "purchases": purchases,
    }
