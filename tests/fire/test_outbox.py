"""The outbox under fire: no message twice, none lost, what is unknown is listed. Each with a way to fail."""

import random
import signal
import time
from datetime import timedelta

import pytest
from django.db.models import Count

from tests.fire.conftest import PACE, until
from touchpoints import outbox, queries, resolving
from touchpoints.models import Connector, Delivery, Recorded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
S = Delivery.Status
LEASE, BUDGET, GRACE = PACE
SHORT = outbox.Pace(timedelta(seconds=LEASE), BUDGET, timedelta(seconds=GRACE))


def statuses() -> dict[int, int]:
    return dict(Delivery.objects.values_list("status").annotate(n=Count("member_id")))


def finish(step, as_of, seconds=300.0):
    """Tick until nothing is open: what beat and one worker would do."""
    end = time.monotonic() + seconds
    while Delivery.objects.filter(status__in=[S.PLANNED, S.LEASED, S.SENDING]).exists():
        assert time.monotonic() < end, statuses()
        resolving.look_after(SHORT)
        outbox.pump(step.pk, as_of=as_of, seconds=2, pace=SHORT, chunk=50)
        time.sleep(0.05)


# -- Killed --------------------------------------------------------------------------------------
def test_workers_killed_in_the_middle_send_nothing_twice_and_lose_nothing(nursery, postman, mail, planned, as_of):
    postman.delay = 0.004
    step = planned(mail(postman.port), 400)
    rng = random.Random(7)
    for _ in range(6):
        pids = [nursery.start(step), nursery.start(step)]
        time.sleep(rng.uniform(0.15, 0.5))
        for pid in pids:
            nursery.signal(pid, signal.SIGKILL)
    time.sleep(LEASE + GRACE)
    finish(step, as_of)
    counts = queries.step_counts([step.pk])[step.pk]
    assert max(postman.taken.values()) == 1
    assert counts.sent + counts.unknown == 400
    assert counts.unknown <= 6 * 2 * 10
    # Nothing is lost in silence: whoever has no message is listed as unknown.
    missing = 400 - len(postman.taken)
    assert missing <= counts.unknown == len(queries.unknown_deliveries(step.pool, limit=500))
    assert counts.unknown > 0, "no kill hit a worker in the middle: the test has no power"


def test_with_look_up_even_the_unknown_are_resolved(nursery, fake, planned, as_of):
    step = planned(fake, 600)
    for _ in range(4):
        pid = nursery.start(step, batch=7, chunk=30)
        time.sleep(0.3)
        nursery.signal(pid, signal.SIGKILL)
    time.sleep(LEASE + GRACE)
    finish(step, as_of)
    assert statuses() == {S.ACCEPTED: 600}
    assert Recorded.objects.filter(times=1).count() == 600 == Recorded.objects.count()


# -- Frozen --------------------------------------------------------------------------------------
def frozen(nursery, step, as_of, **order):
    """A worker stops right after its intent, the others go on past its lease, then it wakes up."""
    pid = nursery.start(step, **order)
    nursery.wait_frozen(pid)
    time.sleep(LEASE + GRACE + 0.1)
    finish(step, as_of)
    assert statuses() == {S.ACCEPTED: Recorded.objects.count()}
    nursery.signal(pid, signal.SIGCONT)
    nursery.wait(pid)
    return Recorded.objects.filter(times__gt=1).count()


POINTS = [{"freeze": "_claim"}, {"freeze": "_intend", "batch": 5, "chunk": 20}]


@pytest.mark.parametrize("point", POINTS, ids=["whole chunk", "micro-batch"])
def test_a_worker_frozen_past_its_lease_sends_nothing_when_it_wakes_up(nursery, fake, planned, as_of, point):
    assert frozen(nursery, planned(fake, 60), as_of, **point) == 0


@pytest.mark.parametrize("sabotage", ["no guard", "clock started after the intent"])
def test_the_freeze_does_harm_without_the_guard(nursery, fake, planned, as_of, sabotage):
    assert frozen(nursery, planned(fake, 60), as_of, sabotage=sabotage, **POINTS[1]) > 0


# -- Two at once ---------------------------------------------------------------------------------
def test_pumps_at_the_same_time_share_the_work(nursery, postman, mail, planned):
    postman.delay = 0.002
    step = planned(mail(postman.port), 200)
    for pid in [nursery.start(step, chunk=20) for _ in range(4)]:
        nursery.wait(pid)
    assert statuses() == {S.ACCEPTED: 200}
    assert set(postman.taken.values()) == {1}
    assert len(postman.taken) == 200


# -- The server misbehaves -----------------------------------------------------------------------
def test_taken_but_never_answered_is_unknown_and_not_sent_again(postman, mail, planned, as_of):
    postman.mute = {"m3@example.com"}
    step = planned(mail(postman.port), 8)
    for _ in range(3):
        outbox.pump(step.pk, as_of=as_of, pace=outbox.PACE)
        resolving.look_after(SHORT)
    assert postman.taken["m3@example.com"] == 1
    assert len(postman.taken) == 8
    assert statuses() == {S.ACCEPTED: 7, S.UNKNOWN: 1}
    assert [row.reason for row in queries.unknown_deliveries(step.pool)] == ["no_answer"]


def test_taking_silence_for_a_no_would_send_twice(nursery, postman, mail, planned):
    postman.mute = {"m3@example.com"}
    step = planned(mail(postman.port), 8)
    nursery.wait(nursery.start(step, sabotage="blind retry", pace=(60, 15, 5), seconds=6))
    assert postman.taken["m3@example.com"] > 1


def test_a_server_that_is_down_costs_no_message_its_attempts(mail, planned, as_of, postman):
    connector = mail(1)  # nobody listens there
    step = planned(connector, 20)
    for _ in range(3):
        assert outbox.pump(step.pk, as_of=as_of).accepted == 0
        Connector.objects.update(open_until=None)
    row = Connector.objects.get()
    assert row.failures == 3
    assert "refused" in row.problem.lower()
    outbox.pump(step.pk, as_of=as_of)
    assert outbox.pump(step.pk, as_of=as_of).stopped == "breaker"
    assert set(Delivery.objects.values_list("status", "attempt")) == {(S.PLANNED, 0)}
    mail_again = Connector.objects.get()
    mail_again.config["port"], mail_again.open_until = postman.port, None
    mail_again.save()
    assert outbox.pump(step.pk, as_of=as_of).accepted == 20
    assert Connector.objects.get().failures == 0


def test_one_refused_address_does_not_hold_up_the_others(mail, planned, as_of, postman):
    postman.refuse = {"m2@example.com": "550 5.1.1 user unknown", "m4@example.com": "451 4.7.1 later please"}
    step = planned(mail(postman.port), 6)
    done = outbox.pump(step.pk, as_of=as_of)
    assert (done.accepted, done.failed, done.retried) == (4, 1, 1)
    assert queries.step_counts([step.pk])[step.pk].failed == {"bad_recipient": 1}
    assert Delivery.objects.get(status=S.FAILED).member.blocks.get().reason == "bounced"
    later = Delivery.objects.get(status=S.PLANNED)
    assert later.attempt == 1
    assert timedelta(seconds=10) < later.next_at - as_of < timedelta(minutes=1)
    assert outbox.pump(step.pk, as_of=as_of).handled == 0, "a retry waits"
    postman.refuse.clear()
    assert outbox.pump(step.pk, as_of=as_of + timedelta(minutes=2)).accepted == 1
    assert set(postman.taken.values()) == {1}
    assert len(postman.taken) == 5


def test_a_slow_server_is_not_overrun(mail, planned, as_of, postman):
    postman.delay = 0.2  # a micro-batch of ten takes longer than the budget
    step = planned(mail(postman.port), 15)
    tight = outbox.Pace(timedelta(seconds=20), 0.5, timedelta(seconds=1))
    until(lambda: outbox.pump(step.pk, as_of=as_of, pace=tight).handled == 0, 30)
    assert statuses() == {S.ACCEPTED: 15}
    assert set(postman.taken.values()) == {1}
