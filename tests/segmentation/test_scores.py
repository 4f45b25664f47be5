"""Weight scores against small tables worked by hand: points, decay, bands, backtest, and why."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from members.models import Channel, Identity, Member, MemberStanding, Pool
from members.touching import touch
from scrm.lib.problems import Problem
from segmentation.models import Scheme
from segmentation.recalculation import services
from segmentation.standings import queries, score
from segmentation.standings import services as standings
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BANDS = {"cut": "points", "points": [10, 100, 1000]}


def scheme(pool: Pool, *items: dict[str, object], **more: object) -> Scheme:
    settings = {"items": list(items), "decay": "none", **BANDS, **more}
    return standings.save(pool=pool, family="score", name=f"热度 {Scheme.objects.count()}", settings=settings, actor=None)


def points(found: Scheme) -> dict[int, tuple[int, int | None]]:
    rows = MemberStanding.objects.filter(scheme_id=found.pk).values_list("member_id", "code", "value")
    return {member: (code, value) for member, code, value in rows}


@pytest.fixture
def today(pool: Pool, as_of: datetime) -> datetime:
    """The beginning of the pool's day."""
    return as_of.astimezone(pool.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def test_what_members_do_adds_up(pool: Pool, as_of: datetime, alice: Member, bob: Member) -> None:
    asked = scheme(
        pool,
        {"source": "order", "weight": 30},
        {"source": "order", "weight": 10, "per": "yuan"},
        {"source": "event", "kinds": ["view"], "weight": 2},
        {"source": "event", "kinds": ["return"], "weight": -50},
    )
    factories.order(alice, "A", as_of - DAY, 25_050)  # 30 + 25.05
    factories.order(alice, "B", as_of - DAY, 10_000, status=4)
    factories.event(alice, 1, as_of - DAY)
    factories.event(alice, 2, as_of - 2 * DAY)
    factories.event(alice, 3, as_of - 2 * DAY, kind="search")
    factories.event(bob, 4, as_of - DAY)
    factories.event(bob, 5, as_of - DAY, kind="return")
    services.recalculate(pool=pool, as_of=as_of)
    assert points(asked) == {alice.pk: (2, 59)}


def test_points_fade_by_whole_days_and_old_acts_are_forgotten(
    pool: Pool, as_of: datetime, today: datetime, alice: Member
) -> None:
    asked = scheme(pool, {"source": "event", "weight": 100}, decay="days", half_life=10, window_days=40)
    for n, at in enumerate([today - 10 * DAY, today - 20 * DAY - timedelta(hours=23), today - 39 * DAY, today - 40 * DAY, today]):
        factories.event(alice, n, at)
    services.recalculate(pool=pool, as_of=as_of)
    # 50 + 25 + 100 · 2^-3.9 + nothing + 100
    assert points(asked) == {alice.pk: (3, 181)}


def test_once_a_day_is_enough(pool: Pool, as_of: datetime, today: datetime, alice: Member) -> None:
    asked = scheme(pool, {"source": "event", "weight": 7, "per": "day"})
    for n in range(5):
        factories.event(alice, n, today - DAY + n * timedelta(hours=1))
    factories.event(alice, 9, today - timedelta(days=1, minutes=1))
    services.recalculate(pool=pool, as_of=as_of)
    assert points(asked) == {alice.pk: (2, 14)}


def test_conditions_of_an_item_must_all_hold(pool: Pool, as_of: datetime, alice: Member) -> None:
    where = [
        {"name": "category", "op": "is", "value": "母婴"},
        {"name": "page", "op": "contains", "value": "Sale"},
        {"name": "seconds", "op": "gte", "value": "30"},
        {"name": "seconds", "op": "lte", "value": "100"},
    ]
    asked = scheme(pool, {"source": "event", "weight": 11, "where": where})
    fits = {"category": "母婴", "page": "/sales/1", "seconds": 30}
    wrong = [{"category": "家居"}, {"page": "/x"}, {"seconds": 29}, {"seconds": "many"}, {"seconds": 101}, {"category": None}]
    for n, change in enumerate([{}, *wrong]):
        factories.event(alice, n, as_of - DAY, **{**fits, **change})
    services.recalculate(pool=pool, as_of=as_of)
    assert points(asked) == {alice.pk: (2, 11)}


def test_orders_by_channel_category_and_size(pool: Pool, as_of: datetime, alice: Member, bob: Member) -> None:
    asked = scheme(
        pool,
        {"source": "order", "weight": 10, "channels": ["tmall"]},
        {"source": "order", "weight": 100, "categories": ["母婴"]},
        {"source": "order", "weight": 1000, "least": 5000},
    )
    Channel.objects.get_or_create(code="tmall")
    factories.order(alice, "A", as_of - DAY, 5000, channel="tmall")
    nappies = factories.order(bob, "B", as_of - DAY, 4999)
    for n in (1, 2):
        factories.line(nappies, n, factories.product(pool, f"N{n}", category="母婴"), 100)
    services.recalculate(pool=pool, as_of=as_of)
    assert points(asked) == {alice.pk: (4, 1010), bob.pk: (3, 100)}


def test_what_members_are_and_have_does_not_fade(pool: Pool, as_of: datetime) -> None:
    member = factories.member(pool, "M", phone="13800000001", city="上海", gender=2, attributes={"pets": ["cat"], "plan": "gold"})
    factories.event(member, 1, as_of - 300 * DAY, device="ios")
    bonuses = [
        {"field": "city", "values": ["上海", "北京"], "weight": 1},
        {"field": "gender", "values": ["2"], "weight": 2},
        {"field": "identity", "values": ["phone", "email"], "weight": 4},
        {"field": "device", "values": ["ios"], "weight": 8},
        {"field": "attribute", "key": "pets", "values": ["cat", "dog"], "weight": 16},
        {"field": "attribute", "key": "plan", "values": ["gold"], "weight": 32},
        {"field": "attribute", "key": "plan", "values": ["silver"], "weight": 64},
    ]
    asked = scheme(pool, {"source": "clicked", "weight": 1}, decay="days", half_life=1, bonuses=bonuses)
    services.recalculate(pool=pool, as_of=as_of)
    assert points(asked) == {member.pk: (2, 63)}
    assert Identity.objects.filter(member=member).count() == 1
    asked.refresh_from_db()
    assert [(each.what, each.points) for each in score.why(asked, member, as_of)][:2] == [
        ("plan：gold", 32),
        ("pets：cat、dog", 16),
    ]


def test_why_adds_up_to_the_score(pool: Pool, as_of: datetime, today: datetime, alice: Member) -> None:
    asked = scheme(pool, {"source": "event", "weight": 10}, {"source": "order", "weight": 3}, decay="days", half_life=10)
    factories.event(alice, 1, today - 10 * DAY)
    factories.event(alice, 2, today)
    factories.order(alice, "A", today, 100)
    services.recalculate(pool=pool, as_of=as_of)
    asked.refresh_from_db()
    reasons = score.why(asked, alice, as_of)
    assert [(each.times, each.given, each.points) for each in reasons] == [(2, 20, 15), (1, 3, 3)]
    assert points(asked)[alice.pk][1] == sum(each.points for each in reasons)
    (shown,) = queries.of_member(alice, as_of)
    assert shown.reasons == [("行为事件 · 每次", "2 次，原 20.0 分，衰减后 15.0 分"), ("已支付订单 · 每次", "1 次，3.0 分")]


def test_bands_by_share_rise_even_when_scores_are_alike(pool: Pool, as_of: datetime) -> None:
    asked = scheme(pool, {"source": "event", "weight": 1}, cut="share", shares=[50, 20, 10])
    people = [factories.member(pool, f"M{n}") for n in range(10)]
    for n, member in enumerate(people):
        for k in range(n + 1):
            factories.event(member, 10 * n + k, as_of - DAY)
    services.recalculate(pool=pool, as_of=as_of)
    asked.refresh_from_db()
    # of 1 … 10 points: half stand at 5 or below, eight at 8, nine at 9
    assert [asked.edges[name] for name in score.BANDS] == [5, 8, 9]
    assert [points(asked)[member.pk][0] for member in people] == [1, 1, 1, 1, 2, 2, 2, 3, 4, 4]
    alike = scheme(
        pool, {"source": "event", "weight": 0}, bonuses=[{"field": "status", "values": ["member", "lead"], "weight": 9}]
    )
    Scheme.objects.filter(pk=alike.pk).update(settings={**alike.settings, "cut": "share"}, name="x")
    services.recalculate(pool=pool, as_of=as_of)
    alike.refresh_from_db()
    assert all(low < high for low, high in pairwise(alike.edges[name] for name in score.BANDS))


def test_a_tick_counts_from_the_same_day_as_the_full_run(pool: Pool, as_of: datetime, alice: Member, bob: Member) -> None:
    asked = scheme(pool, {"source": "event", "weight": 100}, decay="days", half_life=10)
    factories.event(alice, 1, as_of - 12 * DAY)
    factories.event(bob, 2, as_of - 5 * DAY)
    services.recalculate(pool=pool, as_of=as_of)
    before = points(asked)
    touch(pool.pk, [alice.pk])
    later = as_of + 3 * DAY
    services.tick(pool=pool, as_of=later)
    assert points(asked) == before
    factories.event(alice, 3, as_of + DAY)
    touch(pool.pk, [alice.pk])
    services.tick(pool=pool, as_of=later + timedelta(minutes=1))
    assert points(asked) == {**before, alice.pk: (3, before[alice.pk][1] + 100)}


def test_a_tick_days_later_counts_each_day_since(pool: Pool, as_of: datetime, alice: Member) -> None:
    asked = scheme(pool, {"source": "event", "weight": 100, "per": "day"}, decay="days", half_life=10)
    factories.event(alice, 1, as_of - 12 * DAY)
    services.recalculate(pool=pool, as_of=as_of)
    before = points(asked)[alice.pk][1]
    for n, at in enumerate([DAY, DAY, 2 * DAY, 3 * DAY], 2):
        factories.event(alice, n, as_of + at + timedelta(seconds=n))
    touch(pool.pk, [alice.pk])
    services.tick(pool=pool, as_of=as_of + 4 * DAY)
    assert points(asked)[alice.pk][1] == before + 300


def test_the_half_life_that_told_best_who_buys(pool: Pool, as_of: datetime) -> None:
    """Those who looked lately buy; those who looked more, but long ago, do not: points must fade."""
    for n in range(60):
        fresh, stale = factories.member(pool, f"F{n}"), factories.member(pool, f"S{n}")
        factories.event(fresh, n, as_of - 32 * DAY)
        for k in range(3):
            factories.event(stale, 1000 * (k + 1) + n, as_of - 200 * DAY)
        factories.order(fresh, f"O{n}", as_of - 5 * DAY, 100)
    asked = scheme(pool, {"source": "event", "weight": 10}, decay="backtest", half_life=77)
    services.recalculate(pool=pool, as_of=as_of)
    asked.refresh_from_db()
    tried = {each["half_life"]: each["auc"] for each in asked.edges["backtest"]}
    assert (tried[0], tried[7], tried[90]) == (0, 1, 1)
    assert (asked.edges["basis"], asked.edges["half_life"]) == ("backtest", 90)


def test_too_few_buyers_say_nothing_of_half_lives(pool: Pool, as_of: datetime, alice: Member) -> None:
    factories.event(alice, 1, as_of - 40 * DAY)
    asked = scheme(pool, {"source": "event", "weight": 10}, decay="backtest", half_life=77)
    services.recalculate(pool=pool, as_of=as_of)
    asked.refresh_from_db()
    assert (asked.edges["basis"], asked.edges["half_life"]) == ("few", 77)


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": []},
        {"items": [{"source": "order", "weight": 1, "kinds": ["view"]}]},
        {"items": [{"source": "event", "weight": 1, "per": "yuan"}]},
        {"items": [{"source": "event", "weight": 1, "where": [{"name": "n", "op": "gte", "value": "many"}]}]},
        {"bonuses": [{"field": "attribute", "values": ["x"], "weight": 1}]},
        {"bonuses": [{"field": "city", "key": "k", "values": ["x"], "weight": 1}]},
        {"shares": [10, 20, 30]},
        {"points": [5, 5, 6]},
    ],
)
def test_settings_that_make_no_sense_are_refused(pool: Pool, wrong: dict[str, object]) -> None:
    with pytest.raises(Problem):
        standings.save(
            pool=pool, family="score", name="x", settings={"items": [{"source": "order", "weight": 1}], **wrong}, actor=None
        )
