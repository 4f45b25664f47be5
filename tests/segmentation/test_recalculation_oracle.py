"""SQL against plain Python on random histories; the minute run against the full one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql as pg

from members.models import Member, MemberState, Order, StateChange, TouchedMember
from segmentation.models import RecalculationRun
from segmentation.recalculation import services, steps
from segmentation.recalculation.edges import Edges, params
from segmentation.recalculation.settings import Choices
from tests import factories
from tests.segmentation import oracle

pytestmark = pytest.mark.django_db
FIELDS = (
    "order_count", "amount_total", "first_order_at", "last_order_at", "interval_days", "window_count", "window_amount",
    "facts_due", "r", "f", "m", "rfm_group", "stage", "stage_due",
)  # fmt: skip
random = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def stored(pool: Any) -> dict[int, dict[str, Any]]:
    return {row["member_id"]: {k: row[k] for k in FIELDS} for row in MemberState.objects.filter(pool=pool).values()}


def expected(pool: Any, found: dict[str, Any], as_of: Any) -> dict[int, dict[str, Any]]:
    bought: dict[int, list[oracle.Bought]] = {
        pk: [] for pk in Member.objects.filter(pool=pool, merged_into=None).values_list("pk", flat=True)
    }
    for order in Order.objects.filter(pool=pool, status=Order.Status.PAID):
        bought[order.member_id].append(oracle.Bought(order.placed_at, order.net_amount))
    return {pk: oracle.state(orders, found, as_of) for pk, orders in bought.items()}


def assert_history_leads_here(pool: Any) -> None:
    """The last change of each kind ends at the state; each begins where the one before ended."""
    ends: dict[tuple[int, int], Any] = {}
    for change in StateChange.objects.filter(pool=pool).order_by("at"):
        key = (change.member_id, change.kind)
        assert ends.get(key) == change.from_code
        ends[key] = change.to_code
    for row in MemberState.objects.filter(pool=pool):
        assert (ends.get((row.member_id, 1)), ends.get((row.member_id, 2))) == (row.stage, row.rfm_group)


bought = st.tuples(
    st.integers(0, 5), st.integers(0, 40), st.integers(0, 4)
)  # member, days ago, amount: small, so that ties abound


@random
@given(bought=st.lists(bought, min_size=1, max_size=40), mode=st.sampled_from(["mean", "quantile"]), high=st.integers(2, 5))
def test_edges_scores_and_stages_are_those_of_the_oracle(pool, as_of, monkeypatch, bought, mode, high):
    monkeypatch.setattr("segmentation.recalculation.edges.ENOUGH_REPEAT_BUYERS", 1)
    with undone():
        people = [factories.member(pool, f"M{n}") for n in range(6)]
        for n, (who, days, amount) in enumerate(bought):
            factories.order(people[who], f"N{n}", as_of - timedelta(days=days, seconds=n % 3), amount * 100)
        rfm = {"mode": mode, "high_from": high, "window_days": 20}
        pool.settings = {"rfm": rfm, "lifecycle": {"mode": "pool"}}
        pool.save()
        run = services.recalculate(pool=pool, as_of=as_of)
        choices = Choices.model_validate(run.settings)
        orders: dict[int, list[oracle.Bought]] = {}
        for order in Order.objects.all():
            orders.setdefault(order.member_id, []).append(oracle.Bought(order.placed_at, order.amount))
        facts = [f for some in orders.values() if (f := oracle.facts(some, as_of, 20))]
        if max(f["order_count"] for f in facts) > 1:
            found = oracle.edges(facts, choices, as_of)
            assert {key: run.edges[key] for key in found} == found
        assert stored(pool) == expected(pool, run.edges, as_of)
        assert_history_leads_here(pool)


# What may happen between two minutes: (kind, member, age in days of the new order, amount, which order)
happening = st.tuples(
    st.sampled_from(["order", "order", "order", "refund", "vanish", "merge"]),
    st.integers(0, 3), st.integers(-3, 60), st.integers(1, 9), st.integers(0, 30),
)  # fmt: skip
minute = st.tuples(st.integers(0, 20 * 24), st.lists(happening, max_size=3))  # hours since the last one


def happen(pool: Any, people: list[Member], number: str, now: Any, what: Any) -> None:
    kind, who, age, amount, which = what
    member = people[who]
    member.refresh_from_db()
    if kind == "order" and member.merged_into is None:
        factories.order(member, number, now - timedelta(days=age), amount * 100)
    elif kind in ("refund", "vanish"):
        orders = list(Order.objects.filter(pool=pool).order_by("number"))
        if not orders:
            return
        order = orders[which % len(orders)]
        member = order.member
        Order.objects.filter(pk=order.pk).update(status=Order.Status.REFUNDED) if kind == "refund" else order.delete()
    elif (
        kind == "merge"
        and which == 0
        and member.merged_into is None
        and Member.objects.filter(pool=pool, merged_into=None).count() > 1
    ):
        winner = Member.objects.filter(pool=pool, merged_into=None).exclude(pk=member.pk)[0]
        for order in list(member.orders.all()):
            Order.objects.filter(pk=order.pk).update(member=winner)
        Member.objects.filter(pk=member.pk).update(merged_into=winner.pk)
        TouchedMember.objects.get_or_create(member=winner, pool=pool)
    TouchedMember.objects.get_or_create(member=member, defaults={"pool": pool})


@random
@given(
    first=st.lists(bought, max_size=12),
    minutes=st.lists(minute, min_size=1, max_size=6),
    fixed=st.lists(st.integers(1, 60), min_size=3, max_size=3, unique=True),
)
def test_minute_runs_give_what_a_full_run_with_the_same_edges_gives(pool, as_of, first, minutes, fixed):
    with undone():
        people = [factories.member(pool, f"M{n}") for n in range(6)]
        for n, (who, days, amount) in enumerate(first):
            factories.order(people[who], f"A{n}", as_of - timedelta(days=days), amount * 100)
        pool.settings = {"rfm": {"window_days": 15}, "lifecycle": {"mode": "fixed", "days": sorted(fixed)}}
        pool.save()
        found = services.recalculate(pool=pool, as_of=as_of).edges
        now = as_of
        for n, (hours, happenings) in enumerate(minutes):
            now += timedelta(hours=hours, seconds=1)
            for i, what in enumerate(happenings):
                happen(pool, people, f"B{n}-{i}", now, what)
            services.tick(pool=pool, as_of=now)
            assert stored(pool) == expected(pool, found, now)
            assert differing(pool, found, now) == 0
        assert_history_leads_here(pool)
        assert RecalculationRun.objects.filter(pool=pool, mode="full").count() == 1


def differing(pool: Any, found: dict[str, Any], now: Any) -> int:
    """How many rows a full pass with these edges would write."""
    chain = steps.Chain(pool.pk, now, services.live(pool.pk), pg.SQL("UNLOGGED"))
    edges = Edges.load(found)
    steps.facts(chain, {k: v for k, v in params(edges, now).items() if k in ("as_of", "window", "window_from")})
    steps.compare(chain, edges)
    chain.drop()
    return chain.done[-1]["rows"]
