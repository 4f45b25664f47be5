"""The minute run against the full one on random histories: states and standings of every family, facts late or taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql as pg

from members.models import Event, Member, MemberStanding, Order, StateChange, TouchedMember
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import services
from segmentation.standings import running
from segmentation.standings import services as standings
from tests import factories

pytestmark = pytest.mark.django_db
FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("value", {"measure": "total"}),
    ("value", {"measure": "window", "window_days": 9, "cut": "members", "head": 30, "waist": 60}),
    ("value", {"measure": "window", "window_days": 15}),
    ("ladder", {"steps": 3}),
    ("ladder", {"steps": 4, "same_day": False}),
    ("usage", {"window_days": 6, "lookback_days": 15, "regular": 2, "frequent": 3}),
    ("usage", {"window_days": 4, "lookback_days": 8, "cut": "quantile", "regular": 2, "frequent": 3, "sources": ["event"]}),
    ("usage", {"window_days": 70, "lookback_days": 90, "regular": 2, "frequent": 3}),
    ("rfm", {"window_days": 8}),
    (
        "score",
        {
            "items": [
                {"source": "order", "weight": 50},
                {"source": "event", "kinds": ["search"], "weight": 10},
                {"source": "event", "kinds": ["view"], "weight": 3, "per": "day"},
                {"source": "event", "weight": 1, "where": [{"name": "city", "value": "x"}]},
            ],
            "window_days": 20,
            "decay": "days",
            "half_life": 5,
        },
    ),
    (
        "aipl",
        {
            "evidence": [
                {"step": 1, "source": "event", "days": 10},
                {"step": 2, "source": "event", "kinds": ["search"], "times": 2, "days": 7},
                {"step": 3, "source": "order", "days": 20},
                {"step": 3, "source": "order", "amount": 900, "days": 12},
                {"step": 4, "source": "order", "times": 3, "days": 9},
                {"step": 4, "source": "order", "amount": 3000},
            ]
        },
    ),
    (
        "aipl",
        {
            "may_fall": False,
            "evidence": [
                {"step": 1, "source": "event"},
                {"step": 2, "source": "event", "times": 2, "days": 5},
                {"step": 3, "source": "order"},
                {"step": 4, "source": "order", "amount": 1200, "days": 10},
            ],
        },
    ),
]
PEOPLE = 14  # each example follows so many members through their own random history: 560 histories, twelve schemes each
random = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# What may happen: (kind, member, age in days, amount or kind of event, which)
happening = st.tuples(
    st.sampled_from(["order", "order", "event", "event", "refund", "vanish", "back", "merge"]),
    st.integers(0, PEOPLE - 1), st.integers(-2, 22), st.integers(1, 12), st.integers(0, 12),
)  # fmt: skip
minute = st.tuples(st.integers(0, 9 * 24), st.lists(happening, max_size=24))


def happen(pool: Any, people: list[Member], number: int, now: Any, what: Any) -> None:
    """New facts, late ones, ones taken back, two who turn out to be one: whoever is concerned is touched."""
    kind, who, age, amount, which = what
    member = Member.objects.get(pk=people[who].pk)
    orders = list(Order.objects.filter(pool=pool).order_by("number"))
    if kind == "order" and member.merged_into is None:
        factories.order(member, f"N{number}", now - timedelta(days=age), amount * 100)
    elif kind == "event" and member.merged_into is None:
        properties = {"id": number, "pool_id": pool.pk, "kind": ("view", "search")[which % 2], "properties": {}}
        Event.objects.create(member=member, occurred_at=now - timedelta(days=max(age, 0), hours=which), **properties)
    elif kind in ("refund", "vanish", "back") and orders:
        order = orders[which % len(orders)]
        member = order.member
        if kind == "vanish":
            order.delete()
        else:
            Order.objects.filter(pk=order.pk).update(status=Order.Status.REFUNDED if kind == "refund" else Order.Status.PAID)
    elif kind == "merge" and which == 0 and member.merged_into is None:
        member = join(pool, member)
    if member:
        TouchedMember.objects.get_or_create(member=member, defaults={"pool": pool})


def join(pool: Any, member: Member) -> Any:
    """As merging does: facts move, what was computed of the loser is set aside, the winner is touched."""
    winner = Member.objects.filter(pool=pool, merged_into=None).exclude(pk=member.pk).first()
    if winner is None:
        return None
    for model in (Order, Event):
        for row in list(model.objects.filter(member=member)):
            model.objects.filter(pk=row.pk).update(member=winner)
    MemberStanding.objects.filter(member=member).delete()
    StateChange.objects.filter(member=member).delete()
    Member.objects.filter(pk=member.pk).update(merged_into=winner.pk)
    return winner


def chain_of(pool: Any, now: Any) -> Any:
    days = RecalculationRun.objects.filter(pool=pool, mode="full").latest("id").edges["window_days"]
    chain = services.steps.Chain(
        pool.pk, now, services.live(pool.pk), pg.SQL("UNLOGGED"), window_days=days, parts=services._halves(pool.pk)
    )
    services.steps.facts(chain, services.window(days, now))
    return chain


def differing(pool: Any, now: Any) -> dict[str, int]:
    """How many rows a full pass with these settings and edges would write, by scheme."""
    chain = chain_of(pool, now)
    works = running.known(pool)
    running.find(chain, works, anew=False)
    chain.drop()
    found = [note for note in chain.done if note["step"].startswith("standings/find")]
    return {work.scheme.name: note["rows"] for work, note in zip(works, found, strict=True) if note["rows"]}


def assert_history_leads_here(pool: Any) -> None:
    ends: dict[tuple[int, int], Any] = {}
    for change in StateChange.objects.filter(pool=pool, kind__gt=MemberStanding.KIND).order_by("at"):
        assert ends.get((change.member_id, change.kind)) == change.from_code
        ends[change.member_id, change.kind] = change.to_code
    now = {(row.member_id, row.scheme_id + MemberStanding.KIND): row.code for row in MemberStanding.objects.filter(pool=pool)}
    assert {key: code for key, code in ends.items() if code is not None} == now


first_order = st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, 30), st.integers(1, 12))


@pytest.fixture
def schemes(pool: Any, monkeypatch: Any) -> list[Scheme]:
    monkeypatch.setattr("segmentation.standings.ladder.ENOUGH", 1)
    pool.settings = {"rfm": {"window_days": 15}, "lifecycle": {"mode": "fixed", "days": [5, 9, 20]}}
    pool.save()
    return [
        standings.save(pool=pool, family=key, name=f"{key}{n}", settings=given, actor=None)
        for n, (key, given) in enumerate(FAMILIES)
    ]


@random
@given(first=st.lists(first_order, min_size=10, max_size=40), minutes=st.lists(minute, min_size=1, max_size=3))
def test_minute_runs_give_what_a_full_run_gives(pool, as_of, schemes, first, minutes):
    with undone():
        people = [factories.member(pool, f"M{n}") for n in range(PEOPLE)]
        for n, (who, days, amount) in enumerate(first):
            factories.order(people[who], f"A{n}", as_of - timedelta(days=days), amount * 100)
        services.recalculate(pool=pool, as_of=as_of)
        now, number = as_of, 0
        for hours, happenings in minutes:
            now += timedelta(hours=hours, seconds=1)
            for what in happenings:
                number += 1
                happen(pool, people, number, now, what)
            services.tick(pool=pool, as_of=now)
            assert differing(pool, now) == {}
            assert not MemberStanding.objects.filter(due__lte=now).exists()
            assert_history_leads_here(pool)
        assert RecalculationRun.objects.filter(pool=pool, mode="full").count() == 1
