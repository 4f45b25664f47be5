"""Preferred channel and hour against small tables worked by hand."""

from datetime import datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest

from members.models import Consent, Member, MemberStanding, Pool
from members.touching import touch
from scrm.lib.problems import Problem
from segmentation.models import Scheme
from segmentation.recalculation import services
from segmentation.standings import services as standings
from segmentation.standings.preferred_channel import CARRIERS, PreferredChannel
from segmentation.standings.preferred_hour import PreferredHour
from tests import factories
from touchpoints.models import Connector, Delivery, Step

pytestmark = pytest.mark.django_db
EMAIL, SMS = CARRIERS[Consent.Carrier.EMAIL], CARRIERS[Consent.Carrier.SMS]
DAY = timedelta(days=1)


@pytest.fixture
def ways(pool: Pool) -> dict[str, Connector]:
    """An e-mail account and one for text messages."""
    return {
        "email": Connector.objects.create(pool=pool, key="fake", name="M", config={"carrier": "email"}),
        "sms": Connector.objects.create(pool=pool, key="fake", name="S", config={"carrier": "sms"}),
    }


def send(connector: Connector, member: Member, at: datetime, *, opened: datetime | None = None) -> Delivery:
    """One message that left, and when it was opened."""
    step = Step.objects.create(pool=connector.pool, source=f"t:{Step.objects.count()}", connector=connector, due_at=at)
    return Delivery.objects.create(
        member=member, step=step, pool=connector.pool, status=60 if opened else 40, next_at=at, sent_at=at, opened_at=opened
    )


def scheme(pool: Pool, family: str, **settings: object) -> Scheme:
    return standings.save(pool=pool, family=family, name=family, settings=settings, actor=None)


def rows(found: Scheme) -> dict[int, tuple[int, int | None, datetime | None]]:
    kept = MemberStanding.objects.filter(scheme_id=found.pk).values_list("member_id", "code", "value", "due")
    return {member: (code, value, due) for member, code, value, due in kept}


def test_own_answers_weigh_against_the_rate_of_the_pool(
    pool: Pool, as_of: datetime, alice: Member, bob: Member, ways: dict[str, Connector]
) -> None:
    asked = scheme(pool, "preferred_channel", window_days=30, strength=2, untried=False)
    for n in range(1, 5):
        send(ways["email"], alice, as_of - n * DAY, opened=as_of - n * DAY + timedelta(hours=1) if n < 3 else None)
    send(ways["sms"], alice, as_of - 3 * DAY)
    send(ways["email"], bob, as_of - 29 * DAY)
    send(ways["sms"], bob, as_of - DAY, opened=as_of)
    send(ways["sms"], bob, as_of - 30 * DAY, opened=as_of - 30 * DAY)  # just outside
    services.recalculate(pool=pool, as_of=as_of)
    asked.refresh_from_db()
    # e-mail: 2 of 5 answered; text messages: 1 of 2
    assert asked.edges == {"carriers": [EMAIL, SMS], "sent": [5, 2], "answered": [2, 1], "rates": [400_000, 500_000]}
    # Alice: e-mail (2 + 2·0.4) / (4 + 2) = 46.66 %, text (0 + 2·0.5) / (1 + 2) = 33.33 %
    # Bob: e-mail (0 + 0.8) / 3 = 26.66 %, text (1 + 1) / 3 = 66.66 %
    assert rows(asked) == {
        alice.pk: (EMAIL, 4666, as_of + 26 * DAY),
        bob.pk: (SMS, 6666, as_of + DAY),
    }


def test_a_channel_never_tried_is_offered_when_the_pool_answers_there(
    pool: Pool, as_of: datetime, ways: dict[str, Connector]
) -> None:
    deaf, keen = factories.member(pool, "D", email="d@x.cn"), factories.member(pool, "K", email="k@x.cn")
    Connector.objects.filter(pk=ways["sms"].pk).update(key="email_smtp", config={"carrier": "sms"})
    asked = scheme(pool, "preferred_channel", window_days=30, strength=2)
    for n in range(1, 9):
        send(ways["email"], deaf, as_of - n * DAY)
    send(ways["sms"], keen, as_of - DAY, opened=as_of)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(asked)[deaf.pk][:2] == (SMS, 10000)
    assert standings.save(pool=pool, scheme=asked, family="preferred_channel", name="x", settings={"least": 9}, actor=None)
    services.recalculate(pool=pool, as_of=as_of)
    assert rows(asked) == {}


def test_three_hours_in_a_row_on_a_round_day(
    pool: Pool, as_of: datetime, alice: Member, bob: Member, ways: dict[str, Connector]
) -> None:
    asked = scheme(pool, "preferred_hour", window_days=30, strength=1, sources=["responses", "orders", "events"])
    midnight = (as_of - 3 * DAY).astimezone(ZoneInfo(pool.time_zone)).replace(hour=0, minute=5, second=0, microsecond=0)
    for n, hours in enumerate((-1, 0, 1)):  # 23:05, 00:05, 01:05
        factories.order(alice, f"A{n}", midnight + timedelta(hours=hours), 100)
    factories.event(alice, 1, midnight + timedelta(hours=12))
    send(ways["email"], bob, midnight, opened=midnight + timedelta(hours=9))
    factories.order(bob, "B1", midnight + timedelta(hours=10), 100)
    factories.event(bob, 2, midnight + timedelta(hours=10, minutes=30))
    services.recalculate(pool=pool, as_of=as_of)
    asked.refresh_from_db()
    # by stretch, of 7 facts: 22–23–0: 2, 23–0–1: 3, 8–9–10: 3, 9–10–11: 3 …
    shares = {hour: share for hour, share in enumerate(asked.edges["shares"]) if share >= 428_571}
    assert shares == {8: 428_571, 9: 428_571, 10: 428_571, 23: 428_571}
    assert asked.edges["best"] == 8
    # Alice (3 + 3/7) / 5; Bob (3 + 3/7) / 4 from eight o'clock on: the earliest of equals
    assert {pk: row[:2] for pk, row in rows(asked).items()} == {alice.pk: (23, 6857), bob.pk: (8, 8571)}
    assert rows(asked)[alice.pk][2] == midnight + timedelta(days=30, hours=-1)


def test_an_answer_after_a_month_says_nothing_of_the_hour(
    pool: Pool, as_of: datetime, alice: Member, bob: Member, ways: dict[str, Connector]
) -> None:
    asked = scheme(pool, "preferred_hour", window_days=30, least=1, sources=["responses"])
    sent = as_of - 40 * DAY
    send(ways["email"], alice, sent, opened=sent + 30 * DAY)
    send(ways["email"], bob, sent, opened=sent + 30 * DAY + timedelta(seconds=1))
    services.recalculate(pool=pool, as_of=as_of)
    assert list(rows(asked)) == [alice.pk]
    MemberStanding.objects.filter(scheme_id=asked.pk).delete()
    touch(pool.pk, [alice.pk, bob.pk])
    services.tick(pool=pool, as_of=as_of)
    assert list(rows(asked)) == [alice.pk]


def test_a_tick_says_the_same_as_a_full_run_by_its_edges(
    pool: Pool, as_of: datetime, alice: Member, bob: Member, ways: dict[str, Connector]
) -> None:
    asked = [scheme(pool, "preferred_channel", strength=1, untried=False), scheme(pool, "preferred_hour", least=1, strength=1)]
    send(ways["email"], alice, as_of - DAY)
    send(ways["sms"], bob, as_of - DAY, opened=as_of - DAY)
    factories.order(bob, "B1", as_of - DAY, 100)
    services.recalculate(pool=pool, as_of=as_of)
    later = as_of + timedelta(minutes=5)
    for n in range(3):
        send(ways["sms"], alice, as_of - timedelta(hours=6), opened=as_of - timedelta(hours=6) + n * timedelta(seconds=1))
    touch(pool.pk, [alice.pk])
    services.tick(pool=pool, as_of=later)
    ticked = [rows(each) for each in asked]
    assert ticked[0][alice.pk][0] == SMS
    with (
        patch.object(PreferredChannel, "edges", lambda *_: Scheme.objects.get(pk=asked[0].pk).edges),
        patch.object(PreferredHour, "edges", lambda *_: Scheme.objects.get(pk=asked[1].pk).edges),
    ):
        services.recalculate(pool=pool, as_of=later)
    assert [rows(each) for each in asked] == ticked


@pytest.mark.parametrize(
    ("family", "settings"),
    [("preferred_hour", {"sources": []}), ("preferred_hour", {"sources": ["dreams"]}), ("preferred_channel", {"window_days": 1})],
)
def test_settings_that_make_no_sense_are_refused(pool: Pool, family: str, settings: dict[str, object]) -> None:
    with pytest.raises(Problem) as refused:
        scheme(pool, family, **settings)
    assert refused.value.code == "bad_settings"
