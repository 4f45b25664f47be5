"""SQL against plain Python on random histories; the minute run against the full one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg2 import sql as pg

from members.models import Event, Member, MemberState, Order, OrderLine, Product, StateChange, TouchedMember
from segmentation.models import RecalculationRun
from segmentation.recalculation import chances, services, steps
from segmentation.recalculation.edges import Edges, params
from segmentation.recalculation.settings import Choices
from tests import factories
from tests.segmentation import oracle

pytestmark = pytest.mark.django_db
FIELDS = (
    "order_count", "amount_total", "first_order_at", "last_order_at", "interval_days", "window_count", "window_amount",
    "facts_due", "r", "f", "m", "rfm_group", "stage", "lead", "stage_due",
)  # fmt: skip
random = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def stored(pool: Any) -> dict[int, dict[str, Any]]:
    return {row["member_id"]: {k: row[k] for k in FIELDS} for row in MemberState.objects.filter(pool=pool).values()}


def expected(pool: Any, found: dict[str, Any], as_of: Any) -> dict[int, dict[str, Any]]:
    people = list(Member.objects.filter(pool=pool, merged_into=None))
    bought: dict[int, list[oracle.Bought]] = {who.pk: [] for who in people}
    for order in Order.objects.filter(pool=pool, status=Order.Status.PAID):
        bought[order.member_id].append(oracle.Bought(order.placed_at, order.net_amount))
    heard: dict[int, list[Any]] = {who.pk: [] for who in people}
    for event in Event.objects.filter(pool=pool):
        heard[event.member_id].append((event.occurred_at, event.kind))
    mains = main_categories(pool, as_of) if found["stage_basis"] == "category" else {}
    return {who.pk: oracle.state(bought[who.pk], found, as_of, who.joined_at, heard[who.pk], mains.get(who.pk)) for who in people}


def disagreeing(ours: dict[int, dict[str, Any]], theirs: dict[int, dict[str, Any]]) -> dict[int, Any]:
    """Only what differs, so that a failure can be read."""
    assert ours.keys() == theirs.keys()
    found = {pk: {key: (ours[pk][key], theirs[pk][key]) for key in FIELDS if ours[pk][key] != theirs[pk][key]} for pk in ours}
    return {pk: fields for pk, fields in found.items() if fields}


def main_categories(pool: Any, as_of: Any) -> dict[int, str]:
    """What each member paid most for; of equals the first by name."""
    spent: dict[int, Counter[str]] = {}
    paid = {(order.member_id, order.id) for order in Order.objects.filter(pool=pool, status=1, placed_at__lte=as_of)}
    for line in OrderLine.objects.filter(pool=pool).select_related("product"):
        if (line.member_id, line.order_id) in paid:
            spent.setdefault(line.member_id, Counter())[line.product.category] += line.amount
    return {pk: min(each, key=lambda name: (-each[name], name)) for pk, each in spent.items()}


def assert_history_leads_here(pool: Any) -> None:
    """The last change of each kind ends at the state; each begins where the one before ended."""
    ends: dict[tuple[int, int], Any] = {}
    for change in StateChange.objects.filter(pool=pool).order_by("at"):
        key = (change.member_id, change.kind)
        assert ends.get(key) == change.from_code
        ends[key] = change.to_code
    for row in MemberState.objects.filter(pool=pool):
        assert [ends.get((row.member_id, kind)) for kind in (1, 2, 3)] == [row.stage, row.rfm_group, row.lead]


PEOPLE = 24  # histories in one example: each is judged by itself, so 26 examples are 600 of them
bought = st.tuples(
    st.integers(0, PEOPLE - 1), st.integers(0, 40), st.integers(0, 4)
)  # member, days ago, amount: small, so that ties abound


@random
@given(bought=st.lists(bought, min_size=1, max_size=80), mode=st.sampled_from(["mean", "quantile"]), high=st.integers(2, 5))
def test_edges_scores_and_stages_are_those_of_the_oracle(pool, as_of, monkeypatch, bought, mode, high):
    monkeypatch.setattr("segmentation.recalculation.chances.ENOUGH_REPEAT_BUYERS", 1)
    with undone():
        people = [factories.member(pool, f"M{n}") for n in range(PEOPLE)]
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


# What may happen between two minutes: (kind, member, age in days of what is new, amount, which order)
happening = st.tuples(
    st.sampled_from(["order", "order", "order", "refund", "vanish", "merge", "event", "event", "lines"]),
    st.integers(0, PEOPLE - 1), st.integers(-3, 60), st.integers(1, 9), st.integers(0, 30),
)  # fmt: skip
minute = st.tuples(st.integers(0, 20 * 24), st.lists(happening, max_size=12))  # hours since the last one


def happen(pool: Any, people: list[Member], number: str, now: Any, what: Any) -> None:
    kind, who, age, amount, which = what
    member = people[who]
    member.refresh_from_db()
    if kind == "order" and member.merged_into is None:
        factories.order(member, number, now - timedelta(days=age), amount * 100)
    elif kind == "event" and member.merged_into is None:
        factories.event(member, hash(number), now - timedelta(days=age), ["view", "click"][amount % 2])
    elif kind == "lines":  # what was bought is told late
        for order in member.orders.all():
            OrderLine.objects.filter(member=member, order_id=order.id).delete()
            factories.line(order, 1, Product.objects.filter(pool=pool).order_by("sku")[amount % 3], order.amount)
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
        OrderLine.objects.filter(member=member).update(member=winner)
        Event.objects.filter(member=member).update(member=winner)
        Member.objects.filter(pk=member.pk).update(merged_into=winner.pk)
        TouchedMember.objects.get_or_create(member=winner, pool=pool)
    TouchedMember.objects.get_or_create(member=member, defaults={"pool": pool})


days = st.lists(st.integers(1, 60), min_size=3, max_size=3, unique=True).map(sorted)
leads = st.fixed_dictionaries(
    {
        "split": st.booleans(),
        "new_days": st.integers(1, 330),  # everybody joined 304 days ago
        "engaged_days": st.integers(1, 40),
        "engaged_events": st.integers(1, 2),
        "event_kinds": st.sampled_from([[], ["click"]]),
    }
)
chance = st.fixed_dictionaries(
    {
        "r": st.floats(0.05, 5),
        "alpha": st.floats(0.5, 90),
        "a": st.floats(0.05, 5),
        "b": st.floats(0.05, 5),
        "horizon": st.integers(7, 180),
        "edges": st.lists(st.floats(0.02, 0.999), min_size=3, max_size=3).map(sorted),
    }
)
MEASURED = {"shares": [], "asked": [], "gap": 1.0, "buyers": 6, "repeat_buyers": 6, "measured_at": "2026-01-01T00:00:00+00:00"}


@settings(random, max_examples=26)
@given(
    first=st.lists(bought, max_size=60),
    minutes=st.lists(minute, min_size=1, max_size=4),
    mode=st.sampled_from(["fixed", "model", "model", "category", "pool"]),
    fixed=days,
    lead=leads,
    drawn=chance,
)
@example(
    first=[(14, 34, 0)],
    minutes=[(292, [("order", 14, 9, 8, 0)]), (292, []), (0, [])],
    mode="model",
    fixed=[1, 2, 3],
    lead={"split": False, "new_days": 1, "engaged_days": 1, "engaged_events": 1, "event_kinds": []},
    drawn={"r": 4.58, "alpha": 6.0, "horizon": 7, "a": 3.74, "b": 3.07, "edges": [0.19, 0.25, 0.915]},
)
def test_minute_runs_give_what_a_full_run_with_the_same_edges_gives(
    pool, as_of, monkeypatch, first, minutes, mode, fixed, lead, drawn
):
    monkeypatch.setattr(chances, "ENOUGH_REPEAT_BUYERS", 1)
    monkeypatch.setattr(chances, "measure", lambda *_args: chances.Chance(**drawn, **MEASURED))
    with undone():
        products = [factories.product(pool, f"S{n}", category=f"C{n}") for n in range(3)]
        people = [factories.member(pool, f"M{n}") for n in range(PEOPLE)]
        for n, (who, age, amount) in enumerate(first):
            order = factories.order(people[who], f"A{n}", as_of - timedelta(days=age), amount * 100)
            factories.line(order, 1, products[amount % 3], amount * 100)
        pool.settings = {"rfm": {"window_days": 15}, "lifecycle": {"mode": mode, "days": fixed, "lead": lead}}
        pool.save()
        found = services.recalculate(pool=pool, as_of=as_of).edges
        assert stored(pool) == expected(pool, found, as_of)
        now = as_of
        for n, (hours, happenings) in enumerate(minutes):
            now += timedelta(hours=hours, seconds=1)
            for i, what in enumerate(happenings):
                happen(pool, people, f"B{n}-{i}", now, what)
            services.tick(pool=pool, as_of=now)
            assert disagreeing(stored(pool), expected(pool, found, now)) == {}
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
