"""RFM configurations on random histories: the minute run against the full one, and both against plain Python."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.models import MemberStanding, Order, OrderLine, Product, TouchedMember
from segmentation.models import Scheme
from segmentation.recalculation import services
from segmentation.standings import services as standings
from tests import factories
from tests.segmentation.test_standings_oracle import assert_history_leads_here, differing, undone

pytestmark = pytest.mark.django_db
PEOPLE = 24  # histories in one example: 22 examples are 528 of them, five configurations each
LIMITS = {
    "mode": "threshold",
    "high_from": 3,
    "r_days": [20, 10, 5, 2],
    "f_orders": [1, 2, 3, 4],
    "m_amount": [200, 500, 900, 2000],
}
CONFIGURATIONS: list[dict[str, Any]] = [
    {"mode": "mean", "window_days": 15},
    {"mode": "quantile", "window_days": 8, "high_from": 2},
    {**LIMITS, "window_days": 12, "categories": ["C0"]},
    {**LIMITS, "window_days": 20, "categories": ["C0", "C1"], "stores": ["S1"]},
    {"mode": "mean", "window_days": 30, "stores": ["S1"]},
]
# member, days ago (or ahead), amount, of which goods, where
bought = st.tuples(
    st.integers(0, PEOPLE - 1), st.integers(-2, 30), st.integers(1, 12), st.integers(0, 2), st.sampled_from(["", "S1"])
)
told = st.tuples(st.sampled_from(["order", "order", "late lines", "refund", "vanish"]), bought, st.integers(0, 40))


def write(people: Sequence[Any], number: str, now: datetime, what: Any, *, lines: bool = True) -> None:
    who, days, amount, good, store = what
    order = factories.order(people[who], number, now - timedelta(days=days), amount * 100, store=store)
    if lines:
        write_lines(order, good)


def write_lines(order: Order, good: int) -> None:
    goods = Product.objects.filter(pool=order.pool_id).order_by("sku")
    factories.line(order, 1, goods[good], order.amount // 2)
    factories.line(order, 2, goods[(good + 1) % 3], order.amount - order.amount // 2)


def happen(people: Sequence[Any], number: str, now: datetime, what: Any) -> None:
    """Orders new and backdated, lines that come late, refunds, orders that vanish; whoever is concerned is touched."""
    kind, order, which = what
    orders = list(Order.objects.order_by("number"))
    member = people[order[0]]
    if kind == "order":
        write(people, number, now, order, lines=which % 3 > 0)
    elif orders:
        found = orders[which % len(orders)]
        member = found.member
        if kind == "late lines" and not OrderLine.objects.filter(order_id=found.id).exists():
            write_lines(found, order[3])
        elif kind == "refund":
            Order.objects.filter(pk=found.pk).update(status=Order.Status.REFUNDED)
        elif kind == "vanish":
            OrderLine.objects.filter(order_id=found.id).delete()
            found.delete()
    TouchedMember.objects.get_or_create(member=member, defaults={"pool_id": member.pool_id})


def expected(scheme: Scheme, now: datetime) -> dict[int, tuple[int, int]]:
    """Group and scores out of the orders, by the edges of the scheme."""
    chosen, edges = scheme.applied, scheme.edges
    worth: dict[int, list[tuple[datetime, int]]] = {}
    bought: dict[int, list[OrderLine]] = {}
    for line in OrderLine.objects.filter(product__category__in=chosen["categories"]):
        bought.setdefault(line.order_id, []).append(line)
    for order in Order.objects.filter(status=1, placed_at__lte=now):
        lines = bought.get(order.id, [])
        if (chosen["stores"] and order.store not in chosen["stores"]) or (chosen["categories"] and not lines):
            continue
        amount = sum(line.amount for line in lines) if chosen["categories"] else order.net_amount
        worth.setdefault(order.member_id, []).append((order.placed_at, amount))
    return {pk: _sorted(orders, chosen["window_days"], edges, now) for pk, orders in worth.items()}


def _sorted(orders: list[tuple[datetime, int]], days: int, edges: dict[str, Any], now: datetime) -> tuple[int, int]:
    age = (now - max(at for at, _amount in orders)).total_seconds()
    recent = [amount for at, amount in orders if at > now - timedelta(days=days)]
    values = (-age, len(recent), sum(recent))
    limits = ([-n for n in edges["r"]], edges["f"], edges["m"])
    splits = (-edges["r_split"], edges["f_split"], edges["m_split"])
    scores = [1 + sum(value > limit for limit in each) for value, each in zip(values, limits, strict=True)]
    code = sum(bit * (value > split) for bit, value, split in zip((4, 2, 1), values, splits, strict=True))
    return code, scores[0] * 100 + scores[1] * 10 + scores[2]


@settings(max_examples=22, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(bought, min_size=20, max_size=70),
    minutes=st.lists(st.tuples(st.integers(0, 9 * 24), st.lists(told, max_size=16)), min_size=1, max_size=2),
)
def test_configurations_are_kept_up_by_ticks_as_by_full_runs(pool, as_of, first, minutes):
    with undone():
        pool.settings = {"rfm": {"window_days": 15}}
        pool.save()
        for n in range(3):
            factories.product(pool, f"P{n}", category=f"C{n}")
        people = [factories.member(pool, f"M{n}") for n in range(PEOPLE)]
        for n, what in enumerate(first):
            write(people, f"A{n}", as_of, what)
        for n, given_ in enumerate(CONFIGURATIONS):
            standings.save(pool=pool, family="rfm", name=f"rfm{n}", settings=given_, actor=None)
        services.recalculate(pool=pool, as_of=as_of)
        now = as_of
        for n, (hours, happenings) in enumerate([(0, []), *minutes]):
            now += timedelta(hours=hours, seconds=1)
            for i, what in enumerate(happenings):
                happen(people, f"B{n}-{i}", now, what)
            services.tick(pool=pool, as_of=now)
            for scheme in Scheme.objects.filter(pool=pool):
                rows = MemberStanding.objects.filter(scheme_id=scheme.pk)
                assert {row.member_id: (row.code, row.value) for row in rows} == expected(scheme, now)
            assert differing(pool, now) == {}
            assert not MemberStanding.objects.filter(due__lte=now).exists()
        assert_history_leads_here(pool)
