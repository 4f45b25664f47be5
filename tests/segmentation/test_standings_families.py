"""Each family against a small table worked by hand."""

from datetime import timedelta

import pytest

from members.models import Event, MemberStanding, Order, TouchedMember
from segmentation.models import Scheme
from segmentation.recalculation import services
from segmentation.standings import services as standings
from segmentation.standings.following import followed
from tests import factories
from tests.factories import days_before
from touchpoints import links, receipts
from touchpoints.connectors.base import Receipt
from touchpoints.models import Connector, Delivery, Step

pytestmark = pytest.mark.django_db


def make(pool, family, **settings):
    return standings.save(pool=pool, family=family, name=family, settings=settings, actor=None)


def event(member, n, at, kind="view"):
    return Event.objects.create(member=member, id=n, occurred_at=at, pool_id=member.pool_id, kind=kind, properties={})


def rows(scheme, *columns):
    found = MemberStanding.objects.filter(scheme_id=scheme.pk).values_list("member_id", *columns)
    return {pk: rest[0] if len(rest) == 1 else tuple(rest) for pk, *rest in found}


# -- Ladder --------------------------------------------------------------------------------------
def test_the_ladder_counts_days_with_orders_and_knows_how_long_a_step_takes(pool, as_of, alice, bob, monkeypatch):
    monkeypatch.setattr("segmentation.standings.ladder.ENOUGH", 1)
    for n, days in enumerate([100, 100, 70, 10]):  # two orders on the first day
        factories.order(alice, f"A{n}", days_before(as_of, days) + timedelta(minutes=n), 100)
    factories.order(bob, "B0", days_before(as_of, 50), 100)
    factories.order(bob, "B1", days_before(as_of, 20), 100, status=Order.Status.CANCELLED)
    scheme = make(pool, "ladder", steps=3)
    services.recalculate(pool=pool, as_of=as_of)
    scheme.refresh_from_db()
    month = 30 * 86_400
    first, second, third = scheme.edges["steps"]
    assert (first["reached"], first["advanced"], second["reached"], second["advanced"], third["reached"]) == (2, 1, 1, 1, 1)
    assert first["wait"][1] == month + 120
    assert (third["advanced"], third["wait"]) == (0, None)
    assert rows(scheme, "code", "value", "since", "expected_at") == {
        alice.pk: (3, 3, days_before(as_of, 10) + timedelta(minutes=3), None),
        bob.pk: (1, 1, days_before(as_of, 50), days_before(as_of, 20) + timedelta(minutes=2)),
    }
    factories.order(bob, "B2", days_before(as_of, 40), 100)  # late news
    TouchedMember.objects.create(member=bob, pool=pool)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert rows(scheme, "code", "since")[bob.pk] == (2, days_before(as_of, 40))


def test_without_same_day_every_order_is_a_purchase(pool, as_of, alice):
    for n in range(4):
        factories.order(alice, f"A{n}", days_before(as_of, 5), 100)
    scheme = make(pool, "ladder", steps=3, same_day=False)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code", "value") == {alice.pk: (3, 4)}


# -- State of use --------------------------------------------------------------------------------
def test_active_days_of_the_window_make_the_class_and_leave_it_at_midnight(pool, as_of, alice, bob):
    charlie = factories.member(pool, "Charlie")
    for n in range(12):
        event(alice, n, days_before(as_of, n // 2))  # two a day: six days
    event(bob, 50, days_before(as_of, 40))
    factories.order(charlie, "C1", days_before(as_of, 29), 100)
    event(charlie, 60, days_before(as_of, 30))  # the day before the window
    scheme = make(pool, "usage", window_days=30, lookback_days=60, regular=4, frequent=7)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code", "value") == {alice.pk: (2, 6), bob.pk: (0, 0), charlie.pk: (1, 1)}
    midnight = (as_of + timedelta(days=1)).replace(hour=16) - timedelta(days=1)  # in Shanghai
    due = rows(scheme, "due")
    assert due[charlie.pk] == midnight
    assert due[alice.pk] == midnight + timedelta(days=24)
    assert due[bob.pk] == midnight + timedelta(days=19)
    services.tick(pool=pool, as_of=midnight - timedelta(seconds=1))
    assert rows(scheme, "code")[charlie.pk] == 1
    services.tick(pool=pool, as_of=midnight)
    assert rows(scheme, "code", "value")[charlie.pk] == (0, 0)


def test_thirds_of_the_active_make_the_edges(pool, as_of):
    people = [factories.member(pool, f"M{n}") for n in range(3)]
    for n, member in enumerate(people):
        for day in range(2 + 2 * n):  # 2, 4 and 6 days
            event(member, day, days_before(as_of, day))
    scheme = make(pool, "usage", cut="quantile")
    services.recalculate(pool=pool, as_of=as_of)
    scheme.refresh_from_db()
    assert scheme.edges == {"regular": 2, "frequent": 6, "active": 3}
    assert list(rows(scheme, "code").values()) == [2, 2, 3]


def test_only_chosen_kinds_count(pool, as_of, alice, bob):
    event(alice, 1, as_of, "sign_in")
    event(bob, 1, as_of, "view")
    scheme = make(pool, "usage", sources=["event"], kinds=["sign_in"])
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code") == {alice.pk: 1}


# -- AIPL ----------------------------------------------------------------------------------------
STEPS = [
    {"step": 1, "source": "event", "days": 30},
    {"step": 2, "source": "event", "kinds": ["search", "favourite"], "times": 2, "days": 20},
    {"step": 3, "source": "order", "days": 60},
    {"step": 4, "source": "order", "times": 2, "days": 50},
    {"step": 4, "source": "order", "amount": 1000, "days": 40},
]


def test_the_highest_step_with_evidence_counts_until_it_is_too_old(pool, as_of, alice, bob):
    people = {name: factories.member(pool, name) for name in ("looks", "wants", "buys", "spends", "gone")}
    event(people["looks"], 1, days_before(as_of, 25))
    for n, days in enumerate([2, 8, 19]):
        event(people["wants"], n, days_before(as_of, days), "search" if n else "favourite")
    factories.order(people["buys"], "1", days_before(as_of, 59), 100)
    factories.order(people["spends"], "2", days_before(as_of, 39), 900)
    factories.order(people["spends"], "3", days_before(as_of, 5), 100)
    event(people["gone"], 9, days_before(as_of, 31))
    scheme = make(pool, "aipl", evidence=STEPS)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code", "due") == {
        people["looks"].pk: (1, days_before(as_of, 25 - 30)),
        people["wants"].pk: (2, days_before(as_of, 8 - 20)),  # the second newest leaves
        people["buys"].pk: (3, days_before(as_of, 59 - 60)),
        people["spends"].pk: (4, days_before(as_of, 39 - 50)),  # as two orders; as money only one day more
    }
    for days in (1, 5, 11, 12):
        services.tick(pool=pool, as_of=as_of + timedelta(days=days))
    assert rows(scheme, "code") == {people["wants"].pk: 1, people["spends"].pk: 3}


def test_a_step_once_reached_may_be_kept_and_is_dated(pool, as_of, alice, bob):
    for n, days in enumerate([300, 290, 285]):
        event(alice, n, days_before(as_of, days), "search")
    factories.order(bob, "1", days_before(as_of, 200), 600)
    factories.order(bob, "2", days_before(as_of, 150), 300)
    factories.order(bob, "3", days_before(as_of, 120), 800)
    kept = [{"step": 2, "source": "event", "times": 2, "days": 7}, {"step": 4, "source": "order", "amount": 1000, "days": 40}]
    scheme = make(pool, "aipl", evidence=kept, may_fall=False)
    services.recalculate(pool=pool, as_of=as_of)
    # two within a week: the third came five days after the second; 300 + 800 within 40 days
    assert rows(scheme, "code", "since", "due") == {
        alice.pk: (2, days_before(as_of, 285), None),
        bob.pk: (4, days_before(as_of, 120), None),
    }


def test_evidence_beside_events_and_orders(pool, as_of, alice, bob):
    from members.models import Community, CommunityEvent, CommunityMember

    group = Community.objects.create(pool=pool, external_id="g", name="群", created_at=days_before(as_of, 90))
    CommunityMember.objects.create(member=alice, community=group, n=1, joined_at=days_before(as_of, 80))
    for n in range(2):
        CommunityEvent.objects.create(member=bob, community=group, at=days_before(as_of, n + 1), id=n, kind=3)
    chosen = [{"step": 2, "source": "community"}, {"step": 3, "source": "spoke", "times": 2, "days": 7}]
    chosen += [{"step": 1, "source": "joined", "days": 3650}]
    newcomer = factories.member(pool, "New", joined_at=days_before(as_of, 3))
    scheme = make(pool, "aipl", evidence=chosen)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code") == {alice.pk: 2, bob.pk: 3, newcomer.pk: 1}


def test_who_left_a_group_was_in_it_where_steps_are_kept(pool, as_of, alice):
    from members.models import Community, CommunityMember

    group = Community.objects.create(pool=pool, external_id="g", name="群", created_at=days_before(as_of, 90))
    CommunityMember.objects.create(member=alice, community=group, n=1, joined_at=days_before(as_of, 80), left_at=as_of)
    chosen = [{"step": 2, "source": "community"}]
    scheme = make(pool, "aipl", evidence=chosen, may_fall=False)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code", "since") == {alice.pk: (2, days_before(as_of, 80))}
    standings.save(pool=pool, scheme=scheme, family="aipl", name="aipl", settings={"evidence": chosen}, actor=None)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code") == {}


@pytest.mark.parametrize("family", ["aipl", "usage", "ladder", "value"])
def test_the_usual_settings_do(pool, as_of, alice, family):
    factories.order(alice, "A1", days_before(as_of, 3), 500)
    scheme = make(pool, family)
    services.recalculate(pool=pool, as_of=as_of)
    assert list(rows(scheme, "code")) == [alice.pk]
    TouchedMember.objects.create(member=alice, pool=pool)
    run = services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    changed = [step["rows"] for step in run.steps if step["step"].startswith("standings/find")]
    assert changed == [0]


def test_a_message_counts_within_a_minute_of_its_arrival_where_schemes_count_it(pool, as_of, alice, bob):
    connector = Connector.objects.create(pool=pool, key="fake", name="M", config={})
    step = Step.objects.create(pool=pool, source="t", connector=connector, due_at=as_of)
    for member in (alice, bob):
        Delivery.objects.create(member=member, step=step, pool=pool, status=40, next_at=as_of, sent_at=as_of)

    def arrives(member):
        ahead = as_of + timedelta(hours=1)  # a clock that runs fast
        receipts.record([Receipt(links.key_of(member.pk, step.pk), "delivered", ahead)], as_of=as_of)

    make(pool, "usage", sources=["opened"])
    arrives(bob)
    assert not TouchedMember.objects.exists()
    scheme = make(pool, "aipl", evidence=[{"step": 1, "source": "received", "days": 180}])
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code") == {bob.pk: 1}
    arrives(alice)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert rows(scheme, "code", "due") == {pk: (1, as_of + timedelta(days=180)) for pk in (alice.pk, bob.pk)}


@pytest.mark.parametrize(
    ("family", "settings", "facts"),
    [
        ("aipl", {}, {"delivered"}),
        ("aipl", {"evidence": [{"step": 1, "source": "opened"}]}, set()),
        ("preferred_channel", {}, {"sent"}),
        ("preferred_hour", {}, set()),
        ("rfm", {"categories": ["C"]}, {"goods"}),
        ("scene", {"categories": ["C"]}, {"goods"}),
        ("score", {"items": [{"source": "received", "weight": 1}]}, {"delivered"}),
        (
            "score",
            {
                "items": [{"source": "order", "weight": 1}],
                "bonuses": [{"field": "attribute", "key": "a", "values": ["x"], "weight": 1}],
            },
            {"values"},
        ),
    ],
)
def test_schemes_say_which_facts_they_count(pool, other_pool, family, settings, facts):
    scheme = make(pool, family, **settings)
    assert followed(pool.pk) == facts
    assert followed(other_pool.pk) == set()
    Scheme.objects.filter(pk=scheme.pk).update(settings={"unknown": 1}, applied=scheme.settings)
    assert followed(pool.pk) == facts
    Scheme.objects.filter(pk=scheme.pk).update(is_active=False)
    assert followed(pool.pk) == set()


def test_what_happens_in_groups_counts_within_a_minute(pool, as_of, alice, bob):
    from members.communities import services as groups
    from members.communities.people import Person
    from members.models import Community

    group = Community.objects.create(pool=pool, external_id="g", name="群", created_at=days_before(as_of, 90))
    scheme = make(pool, "aipl", evidence=[{"step": 2, "source": "community"}, {"step": 3, "source": "spoke", "days": 7}])
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(scheme, "code") == {}
    told = [
        groups.Happening("join", as_of, Person(member=alice.pk)),
        groups.Happening("message", as_of, Person(member=bob.pk)),
    ]
    groups.record(community=group, happenings=told, actor=None, as_of=as_of)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert rows(scheme, "code") == {alice.pk: 2, bob.pk: 3}
