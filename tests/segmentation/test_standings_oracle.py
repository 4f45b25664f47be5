"""The minute run against the full one on random histories: states and standings of every family, facts late or taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg2 import sql as pg

from members.models import Member, MemberStanding, StateChange
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import services
from segmentation.standings import running
from segmentation.standings import services as standings
from tests.segmentation.happenings import World, furnish, happenings

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
            "bonuses": [
                {"field": "city", "values": ["北京"], "weight": 5},
                {"field": "attribute", "key": "worth", "values": ["7", "14"], "weight": 5},
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
    (
        "aipl",
        {
            "evidence": [
                {"step": 1, "source": "received", "days": 8},
                {"step": 1, "source": "joined"},
                {"step": 2, "source": "opened", "times": 2, "days": 9},
                {"step": 2, "source": "spoke", "days": 6},
                {"step": 3, "source": "clicked", "days": 5},
                {"step": 4, "source": "community"},
            ]
        },
    ),
    (
        "aipl",
        {
            "may_fall": False,
            "evidence": [
                {"step": 1, "source": "received", "times": 2},
                {"step": 2, "source": "opened"},
                {"step": 3, "source": "spoke", "times": 2, "days": 7},
                {"step": 4, "source": "community"},
            ],
        },
    ),
    (
        "usage",
        {"sources": ["spoke", "opened", "clicked"], "window_days": 6, "lookback_days": 15, "regular": 2, "frequent": 3},
    ),
    ("value", {"measure": "attribute", "attribute": "worth", "cut": "members", "head": 30, "waist": 60}),
    ("rfm", {"window_days": 12, "categories": ["C1", "C2"]}),
    ("rfm", {"window_days": 10, "stores": ["BJ1"]}),
    ("scene", {"enough": 1, "within_days": 1, "lasts_days": 4, "longest_days": 9}),
    (
        "scene",
        {"events": ["search"], "words": ["酒店"], "categories": ["C1"], "within_days": 8, "lasts_days": 5, "longest_days": 16},
    ),
    ("preferred_channel", {"window_days": 9, "strength": 2}),
    ("preferred_hour", {"sources": ["responses", "orders", "events"], "window_days": 8, "strength": 3, "least": 2}),
]
PEOPLE = 14  # each example follows so many members through their own random history: 560 histories
SOME = 8  # schemes at most: whoever is due in one is looked at in all, so that many together hide what one of them forgets
# Histories are drawn from a seed, evenly; made smaller they would be other ones.
drawn = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


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


@pytest.fixture
def schemes(pool: Any, monkeypatch: Any) -> list[Scheme]:
    monkeypatch.setattr("segmentation.standings.ladder.ENOUGH", 1)
    pool.settings = {"rfm": {"window_days": 15}, "lifecycle": {"mode": "fixed", "days": [5, 9, 20]}}
    pool.save()
    furnish(pool)
    return [
        standings.save(pool=pool, family=key, name=f"{key}{n}", settings=given, actor=None)
        for n, (key, given) in enumerate(FAMILIES)
    ]


@drawn
@given(random=st.randoms(use_true_random=True))
def test_minute_runs_give_what_a_full_run_gives(pool, as_of, schemes, random):
    with undone():
        chosen = random.sample(schemes, random.randint(1, SOME))
        Scheme.objects.exclude(pk__in=[each.pk for each in chosen]).update(is_active=False)
        world, now = World(pool, PEOPLE), as_of
        for _ in range(random.randint(0, 40)):
            member = Member.objects.get(pk=random.choice(world.people))
            world.bought(member, as_of - timedelta(days=random.randint(0, 30)), random.randint(1, 12), random.randint(0, 2))
        for what in happenings(random, PEOPLE, random.randint(20, 80)):
            world.happen(as_of, what)
        services.recalculate(pool=pool, as_of=as_of)
        for _ in range(3):
            now += timedelta(hours=random.choice((0, 1, 5, 24, 60, 216)), seconds=1)
            for what in happenings(random, PEOPLE, random.randint(0, 8)):
                world.happen(now, what)
            services.tick(pool=pool, as_of=now)
            assert differing(pool, now) == {}
            assert not MemberStanding.objects.filter(due__lte=now, scheme_id__in=[each.pk for each in chosen]).exists()
            assert_history_leads_here(pool)
        assert RecalculationRun.objects.filter(pool=pool, mode="full").count() == 1
