"""Segments at full size: ten reference rules cold and after an edit, algebra of segments, a snapshot into an audience.

Cold: no condition is known, every leaf is asked of the data and kept. After an edit: every condition
was edited in turn, one at a time, all the others known; the slowest of them counts. Of the ten, the
median rule is held against the goal. Ten tags and thirty events a member.

    MEMBERS=100000 ORDERS=1000000 RUNS=5 ONLY=segments make bench
"""

import copy
import io
import statistics
import time
from collections.abc import Callable
from functools import reduce
from typing import Any

from benchmarks import generated

YEAR, HALF, SEASON, MONTH = ({"last": days, "unit": "days"} for days in (365, 180, 90, 30))
GOALS = {"cold": 1.0, "edited": 0.1, "algebra": 1.0, "snapshot": 0.5}
YARDSTICK = "one parallel scan of the pool's orders"
Rule = dict[str, Any]


def ask(fact: str, op: str, value: Any = None, **more: Any) -> Rule:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


def rules(pool: Any) -> dict[str, Rule]:
    """Ten rules of the kinds people write, with tags and cities of a generated pool."""
    from members.models import Tag
    from segmentation.choices import options

    tags = list(Tag.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True))
    cities = [value for value, _ in options(pool, "cities", limit=120)]

    def tagged(*numbers: int, op: str = "any", **more: Any) -> Rule:
        return ask("tag", op, [tags[number] for number in numbers], **more)

    paid = ["$order"]
    return {
        "R1": {
            "all": [
                ask("city", "in", cities[:5]),
                tagged(10, 25),
                {"not": tagged(60)},
                ask("orders", "gte", 2, window=SEASON),
                ask("order_amount", "gt", 50_000, window=SEASON),
                ask("rfm_group", "in", [7, 5]),
            ]
        },
        "R2": {
            "all": [
                ask("city", "in", cities),
                tagged(0, 1, 2, 3, 4),
                {"not": tagged(60)},
                ask("rfm_group", "in", list(range(8))),
            ]
        },
        "R3_looked_not_bought": {
            "all": [ask("events", "gte", 3, of=["view"], window=MONTH), ask("orders", "none", window=MONTH)]
        },
        "R4_cart_then_order": {
            "all": [
                ask("sequence", "gte", 1, of=["add_to_cart"], then={"of": paid, "within": 7, "unit": "days"}, window=SEASON),
                ask("stage", "in", [1, 2]),
            ]
        },
        "R5_cart_abandoned": {
            "all": [
                ask("abandoned", "gte", 1, of=["add_to_cart"], then={"of": paid, "within": 24, "unit": "hours"}, window=MONTH),
                ask("consent", "any", ["sms"]),
            ]
        },
        "R6_birthday_reachable": {
            "all": [
                ask("birthday", "within", window={"next": 30, "unit": "days"}),
                ask("age", "between", [25, 45]),
                ask("reachable", "any", ["email", "sms"]),
            ]
        },
        "R7_channel_discount": {
            "all": [
                ask("orders", "gte", 1, window=HALF, where=[{"field": "discounted", "op": "yes"}]),
                ask("order_aov", "gte", 10_000, window=YEAR),
                ask("order_count", "gte", 3),
            ]
        },
        "R8_active_since_order": {
            "all": [ask("events", "gte", 2, window={"since": "last_order"}), ask("order_days_ago", "gte", 60)]
        },
        "R9_night_owls": {
            "all": [
                ask("events", "gte", 2, window=SEASON, where=[{"field": "hour", "op": "in", "value": [22, 23, 0, 1, 2]}]),
                ask("order_share", "gte", 20, window=YEAR, where=[{"field": "hour", "op": "in", "value": [22, 23, 0, 1, 2]}]),
            ]
        },
        "R10_tags_with_date": {
            "all": [
                tagged(1, 2, op="all"),
                tagged(3, 4, 5, window=YEAR),
                tagged(6, op="none"),
                ask("m_score", "gte", 3),
                ask("sample", "share", 50),
            ]
        },
    }


def edits(rule: Rule, n: int) -> list[tuple[str, Rule]]:
    """The rule with one condition changed, for each condition; the `n`th change is one never made before."""
    found = []
    for place in range(len(rule["all"])):
        changed = copy.deepcopy(rule)
        condition = changed["all"][place]
        condition = condition.get("not", condition)
        if "value" not in condition:
            continue
        condition["value"] = _edited(condition["fact"], condition["value"], n)
        found.append((f"{place}:{condition['fact']}", changed))
    return found


def _edited(fact: str, value: Any, n: int) -> Any:
    if not isinstance(value, list):
        return value + 1 + n
    if fact == "age":
        return [value[0], value[1] + 1 + n]
    if fact in ("consent", "reachable"):
        return [["push"], ["wecom"], ["mini_program"], ["email"]][n % 4]
    others = [each for k, each in enumerate(value) if k != n % len(value)]
    return [*others, value[0] + 30 + n] if fact == "tag" else others or [n % 5]


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios to the scan: cold, and after the edit that costs most; then what is done with segments."""
    pool = generated.pool(members, orders, tags=10, events=30)
    every = rules(pool)
    taken = {name: _times(pool, rule, runs) for name, rule in every.items()}
    found: dict[str, dict[str, Any]] = {}
    for what in ("cold", "edited"):
        each = {name: times[what] / times["scan"] for name, times in taken.items()}
        middle = sorted(each, key=lambda name, each=each: each[name])[len(each) // 2]
        entry = {"ratio": round(statistics.median(each.values()), 4), "yardstick": YARDSTICK, "goal": GOALS[what], "runs": runs}
        told = {name: round(ratio, 4) for name, ratio in each.items()}
        found[f"segments_ten_rules_{what}"] = {**entry, "middle": middle, "each": told}
    for name, times in taken.items():
        print(f"  {name}: {times}", flush=True)
    return found | _algebra(pool, every, runs) | _snapshot(pool, runs)


def _times(pool: Any, rule: Rule, runs: int) -> dict[str, Any]:
    from members.models import Order
    from segmentation import evaluate
    from segmentation.models import Leaf

    share = Order.objects.filter(pool=pool).count() / max(1, Order.objects.count())
    cold, scan, edited = [], [], dict[str, list[float]]()
    for n in range(runs + 1):
        Leaf.objects.filter(pool=pool).delete()
        scan.append(_timed(_scan) * share)
        cold.append(_timed(lambda: evaluate.count(pool, rule, generated.AS_OF)))
        for fact, changed in edits(rule, n):
            edited.setdefault(fact, []).append(_timed(lambda changed=changed: evaluate.count(pool, changed, generated.AS_OF)))
    medians = {fact: statistics.median(times[1:]) for fact, times in edited.items()}  # the first pass warms up
    size = evaluate.count(pool, rule, generated.AS_OF).size
    worst = max(medians, key=lambda fact: medians[fact])
    times = {"cold": statistics.median(cold[1:]), "scan": statistics.median(scan[1:]), "edited": medians[worst]}
    return {**{name: round(took, 5) for name, took in times.items()}, "worst": worst, "size": size}


def _algebra(pool: Any, every: dict[str, Rule], runs: int) -> dict[str, dict[str, Any]]:
    """Union, intersection, difference and exclusive parts of five segments, each, in tens of milliseconds."""
    from segmentation import evaluate

    five = [evaluate.count(pool, rule, generated.AS_OF).bitmap for rule in list(every.values())[:5]]
    acts: dict[str, Callable[[], Any]] = {
        "union": lambda: reduce(lambda a, b: a | b, five),
        "intersection": lambda: reduce(lambda a, b: a & b, five),
        "difference": lambda: reduce(lambda a, b: a - b, five),
        "either": lambda: reduce(lambda a, b: a ^ b, five),
        "overlaps": lambda: [a.intersection_cardinality(b) for a in five for b in five],
    }
    each = {name: statistics.median(_timed(act) for _ in range(max(5, runs))) for name, act in acts.items()}
    told = {name: round(took * 1000, 3) for name, took in each.items()}
    entry = {"ratio": round(max(each.values()) / 0.010, 4), "yardstick": "10 ms", "goal": GOALS["algebra"], "runs": max(5, runs)}
    return {"segments_algebra_of_five": {**entry, "each": told}}


def _snapshot(pool: Any, runs: int) -> dict[str, dict[str, Any]]:
    """Keeping who is in a segment of three in ten members, against COPY of the same ids into a table."""
    from django.db import transaction
    from pyroaring import BitMap

    from scrm.lib import sql
    from segmentation import evaluate
    from segmentation.segments import services

    ids = evaluate.count(pool, ask("sample", "share", 30), generated.AS_OF).bitmap
    ours, copied = [], []
    for n in range(runs + 1):
        with transaction.atomic():
            taken: list[Any] = []
            name = f"bench {time.time_ns()}"
            ours.append(
                _timed(
                    lambda taken=taken, name=name: taken.append(
                        services.fix(pool=pool, name=name, ids=BitMap(ids), actor=None, as_of=generated.AS_OF)
                    )
                )
            )
            transaction.set_rollback(True)
        with transaction.atomic():
            sql.run(f"CREATE TABLE bench_copied_{n} (pool_id bigint NOT NULL, member_id bigint NOT NULL)")
            copied.append(_timed(lambda n=n: _copy(pool.pk, ids, n)))
            transaction.set_rollback(True)
    ratio = statistics.median(ours[1:]) / statistics.median(copied[1:])
    entry = {"ratio": round(ratio, 4), "yardstick": "COPY of the same ids", "goal": GOALS["snapshot"], "runs": runs}
    return {"segments_snapshot": {**entry, "members_in_it": len(ids), "seconds": [round(took, 4) for took in ours[1:]]}}


def _copy(pool: int, ids: Any, n: int) -> None:
    from scrm.lib import sql

    sql.copy_in(f"COPY bench_copied_{n} FROM STDIN", io.BytesIO("".join(f"{pool}\t{number}\n" for number in ids).encode()))


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
