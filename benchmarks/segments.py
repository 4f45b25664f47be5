"""Live counts of the rules R1 (narrow) and R2 (broad), cold and after an edit, against a parallel scan of the orders.

Cold: no condition is known, every leaf is asked of the data and kept. After an edit: every condition
was edited in turn, one at a time, all the others known; the slowest of them counts.

    MEMBERS=100000 ORDERS=1000000 RUNS=5 ONLY=segments make bench
"""

import copy
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import generated

YEAR = {"last": 365, "unit": "days"}
SEASON = {"last": 90, "unit": "days"}
GOALS = {"cold_R1": 1.0, "cold_R2": 2.0, "edited": 0.1}
YARDSTICK = "one parallel scan of the pool's orders"


def rules(pool: Any) -> dict[str, dict[str, Any]]:
    """The two rules with tags and cities of a generated pool."""
    from members.models import Tag
    from segmentation.choices import options

    tags = list(Tag.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True))
    cities = [value for value, _ in options(pool, "cities", limit=120)]

    def tagged(*numbers: int) -> dict[str, Any]:
        return {"fact": "tag", "op": "any", "value": [tags[number] for number in numbers]}

    narrow = {
        "all": [
            {"fact": "city", "op": "in", "value": cities[:5]},
            tagged(10, 25),
            {"not": tagged(60)},
            {"fact": "orders", "op": "gte", "value": 2, "window": SEASON},
            {"fact": "order_amount", "op": "gt", "value": 50_000, "window": SEASON},
            {"fact": "rfm_group", "op": "in", "value": [7, 5]},
        ]
    }
    broad = {
        "all": [
            {"fact": "city", "op": "in", "value": cities},
            tagged(0, 1, 2, 3, 4),
            {"not": tagged(60)},
            {"fact": "rfm_group", "op": "in", "value": list(range(8))},
        ]
    }
    return {"R1": narrow, "R2": broad}


def edits(rule: dict[str, Any], n: int) -> list[tuple[str, dict[str, Any]]]:
    """The rule with one condition changed, for each condition; the `n`th change is one never made before."""
    found = []
    for place in range(len(rule["all"])):
        changed = copy.deepcopy(rule)
        condition = changed["all"][place]
        condition = condition.get("not", condition)
        condition["value"] = _edited(condition["fact"], condition["value"], n)
        found.append((f"{place}:{condition['fact']}", changed))
    return found


def _edited(fact: str, value: Any, n: int) -> Any:
    if not isinstance(value, list):
        return value + 1 + n
    others = [each for k, each in enumerate(value) if k != n % len(value)]
    return [*others, value[0] + 30 + n] if fact == "tag" else others or [n % 8]


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios to the scan: cold, and after the edit that costs most."""
    from members.models import Order
    from segmentation import evaluate
    from segmentation.models import Leaf

    pool = generated.pool(members, orders)
    share = Order.objects.filter(pool=pool).count() / max(1, Order.objects.count())
    found: dict[str, dict[str, Any]] = {}
    for name, rule in rules(pool).items():
        cold, scan, edited = [], [], dict[str, list[float]]()
        for n in range(runs + 1):
            Leaf.objects.filter(pool=pool).delete()
            scan.append(_timed(_scan) * share)
            cold.append(_timed(lambda rule=rule: evaluate.count(pool, rule, generated.AS_OF)))
            for fact, changed in edits(rule, n):
                edited.setdefault(fact, []).append(_timed(lambda changed=changed: evaluate.count(pool, changed, generated.AS_OF)))
        cold, scan, edited = cold[1:], scan[1:], {fact: times[1:] for fact, times in edited.items()}  # the first pass warms up
        size = evaluate.count(pool, rule, generated.AS_OF).size
        found[f"segment_{name}_cold"] = _entry(cold, scan, GOALS[f"cold_{name}"], members=size)
        medians = {fact: statistics.median(times) for fact, times in edited.items()}
        worst = max(medians, key=lambda fact: medians[fact])
        each = {fact: round(took / statistics.median(scan), 4) for fact, took in medians.items()}
        found[f"segment_{name}_edited"] = _entry(edited[worst], scan, GOALS["edited"], members=size, each=each)
    return found


def _entry(ours: list[float], scan: list[float], goal: float, **more: Any) -> dict[str, Any]:
    ratio = statistics.median(ours) / statistics.median(scan)
    return {
        "ratio": round(ratio, 4),
        "yardstick": YARDSTICK,
        "goal": goal,
        "runs": len(ours),
        "seconds": [round(took, 4) for took in ours],
        **more,
    }


def _timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _scan() -> None:
    from django.db import transaction

    from scrm.lib import sql

    with (
        transaction.atomic(),
        sql.planner(enable_indexscan="off", enable_indexonlyscan="off", enable_bitmapscan="off", parallel_setup_cost=0),
    ):
        sql.fetch("SELECT count(*), sum(net_amount) FROM members_order")
