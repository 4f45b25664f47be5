"""Scenes against small tables worked by hand: begin, go on, end, and are no scenes when they never end."""

from datetime import datetime, timedelta

import pytest

from members.models import Member, MemberStanding, Pool, StateChange, Store
from members.touching import touch
from scrm.lib.problems import Problem
from segmentation.models import Scheme
from segmentation.recalculation import services
from segmentation.standings import services as standings
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TRAVEL = {"away_orders": True, "away_events": True, "enough": 2, "within_days": 3, "lasts_days": 5, "longest_days": 20}


@pytest.fixture
def home(pool: Pool, as_of: datetime) -> Member:
    Store.objects.create(pool=pool, code="SH1", name="上海店", city="上海", created_at=as_of)
    Store.objects.create(pool=pool, code="BJ1", name="北京店", city="北京", created_at=as_of)
    return factories.member(pool, "H", city="上海")


def travelling(pool: Pool, **more: object) -> Scheme:
    return standings.save(pool=pool, family="scene", name="出行中", settings={**TRAVEL, **more}, actor=None)


def inside(scheme: Scheme) -> list[tuple[int, int | None, datetime, datetime | None]]:
    return list(MemberStanding.objects.filter(scheme_id=scheme.pk).values_list("member_id", "value", "since", "due"))


def test_clues_away_from_home_begin_a_scene_and_their_end_ends_it(pool: Pool, as_of: datetime, home: Member) -> None:
    scheme = travelling(pool)
    factories.order(home, "A", as_of - 9 * DAY, 100, store="BJ1")  # alone: too long before the next
    factories.order(home, "B", as_of - 4 * DAY, 100, store="BJ1")
    factories.order(home, "C", as_of - 3 * DAY, 100, store="SH1")  # at home
    factories.event(home, 1, as_of - 2 * DAY, city="北京")
    services.recalculate(pool=pool, as_of=as_of)
    assert inside(scheme) == [(home.pk, 2, as_of - 4 * DAY, as_of + 3 * DAY)]
    services.tick(pool=pool, as_of=as_of + 3 * DAY)
    assert inside(scheme) == []
    changes = StateChange.objects.filter(kind=scheme.kind).order_by("at").values_list("from_code", "to_code", "at")
    assert list(changes) == [(None, 1, as_of), (1, None, as_of + 3 * DAY)]


def test_more_clues_prolong_it_until_it_is_how_somebody_lives(pool: Pool, as_of: datetime, home: Member) -> None:
    scheme = travelling(pool)
    for n in range(0, 19, 2):
        factories.event(home, n, as_of - n * DAY, city="北京")
    services.recalculate(pool=pool, as_of=as_of)
    assert inside(scheme) == [(home.pk, 10, as_of - 18 * DAY, as_of + 2 * DAY)]
    factories.event(home, 99, as_of - 20 * DAY, city="北京")
    services.recalculate(pool=pool, as_of=as_of)
    assert inside(scheme) == []


def test_a_start_out_of_sight_is_none(pool: Pool, as_of: datetime, home: Member) -> None:
    scheme = travelling(pool)
    for n in range(60):
        factories.event(home, n, as_of - n * DAY, city="北京")
    services.recalculate(pool=pool, as_of=as_of)
    assert inside(scheme) == []


def test_unknown_cities_and_unpaid_orders_are_no_clues(pool: Pool, as_of: datetime, home: Member) -> None:
    scheme = travelling(pool, enough=1)
    nowhere = factories.member(pool, "N")
    factories.order(nowhere, "A", as_of - DAY, 100, store="BJ1")
    factories.order(home, "B", as_of - DAY, 100, store="BJ1", status=4)
    factories.order(home, "C", as_of - DAY, 100, store="XX")
    factories.event(home, 1, as_of - DAY, city="")
    factories.event(home, 2, as_of - DAY)
    services.recalculate(pool=pool, as_of=as_of)
    assert inside(scheme) == []


def test_events_that_mention_a_word_and_categories_are_clues(pool: Pool, as_of: datetime, home: Member) -> None:
    chosen = {"away_orders": False, "away_events": False, "events": ["search"], "words": ["酒_店"], "categories": ["母婴"]}
    scheme = travelling(pool, enough=1, **chosen)
    other, buyer = factories.member(pool, "O"), factories.member(pool, "B")
    factories.event(home, 1, as_of - DAY, kind="search", words="北京酒_店")
    factories.event(other, 2, as_of - DAY, kind="search", words="北京酒x店")
    nappies = factories.product(pool, "N1", category="母婴")
    bought = factories.order(buyer, "A", as_of - DAY, 100)
    factories.line(bought, 1, nappies, 50)
    factories.line(bought, 2, nappies, 50)
    services.recalculate(pool=pool, as_of=as_of)
    assert {(pk, n) for pk, n, _since, _due in inside(scheme)} == {(home.pk, 1), (buyer.pk, 1)}


def test_a_tick_finds_it_too(pool: Pool, as_of: datetime, home: Member) -> None:
    scheme = travelling(pool, categories=["母婴"], events=["view"])
    services.recalculate(pool=pool, as_of=as_of)
    for n in range(2):
        factories.event(home, n, as_of, city="北京", page=n)
    touch(pool.pk, [home.pk])
    later = as_of + timedelta(minutes=1)
    services.tick(pool=pool, as_of=later)
    ticked = inside(scheme)
    assert len(ticked) == 1
    services.recalculate(pool=pool, as_of=later)
    assert inside(scheme) == ticked


@pytest.mark.parametrize(
    "wrong",
    [{"away_orders": False, "away_events": False}, {"words": ["x"]}, {"longest_days": 5}, {"enough": 0}],
)
def test_settings_that_make_no_sense_are_refused(pool: Pool, wrong: dict[str, object]) -> None:
    with pytest.raises(Problem):
        travelling(pool, **wrong)
