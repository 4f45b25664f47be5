from datetime import timedelta

import pytest

from members.models import TouchedMember
from tests.touchpoints.conftest import agree
from touchpoints import outbox, queries, resolving, services
from touchpoints.models import Delivery, Recorded

pytestmark = pytest.mark.django_db
S = Delivery.Status


@pytest.fixture
def planned(open_step, alice, bob, content, as_of):
    agree(alice)
    agree(bob)
    step = open_step()
    services.plan_deliveries(step=step, candidates=services.Candidates.of([alice.pk, bob.pk], content.pk), as_of=as_of)
    return step


def test_a_message_reaches_each_member_once(planned, as_of, alice):
    done = outbox.pump(planned.pk, as_of=as_of)
    assert (done.accepted, done.stopped) == (2, "done")
    assert outbox.pump(planned.pk, as_of=as_of).handled == 0
    assert Recorded.objects.count() == 2
    kept = Recorded.objects.get(key=f"d{planned.pk}-{alice.pk}")
    assert kept.times == 1
    assert kept.subject == "Alice，您好"
    assert "/t/c/" in kept.body
    row = Delivery.objects.get(member=alice)
    assert row.status == S.ACCEPTED
    assert row.sent_at == as_of
    assert row.attempt == 1
    assert row.lease_token is None


def test_who_was_written_to_is_looked_at_where_that_counts(planned, as_of, alice, bob, monkeypatch):
    step = Delivery.objects.filter(member=bob)
    step.update(next_at=as_of + timedelta(hours=1))
    outbox.pump(planned.pk, as_of=as_of)
    assert not TouchedMember.objects.exists()
    step.update(next_at=as_of)
    monkeypatch.setattr("members.touching._readers", [lambda pool_id: {"sent"}])
    outbox.pump(planned.pk, as_of=as_of)
    assert TouchedMember.objects.get().member_id == bob.pk


def test_whose_doubt_is_resolved_is_looked_at_where_that_counts(planned, as_of, alice, bob, monkeypatch):
    monkeypatch.setattr("members.touching._readers", [lambda pool_id: {"sent"}])
    token = "00000000-0000-0000-0000-000000000001"
    Delivery.objects.update(status=S.UNKNOWN, lease_token=token, tried_at=as_of)
    answers = [(alice.pk, S.ACCEPTED, "", False), (bob.pk, S.PLANNED, "", False)]
    assert resolving._write(planned, token, answers) == 2
    assert Delivery.objects.get(member=alice).sent_at == as_of
    assert TouchedMember.objects.get().member_id == alice.pk


def test_a_paused_step_sends_nothing_and_goes_on_when_resumed(planned, as_of):
    services.pause_step(step=planned)
    assert outbox.pump(planned.pk, as_of=as_of).stopped == "paused"
    services.resume_step(step=planned)
    assert outbox.pump(planned.pk, as_of=as_of).accepted == 2


def test_a_cancelled_step_never_sends(planned, as_of):
    assert services.cancel_step(step=planned) == 2
    assert outbox.pump(planned.pk, as_of=as_of).handled == 0
    assert queries.step_counts([planned.pk])[planned.pk].cancelled == 2


def test_who_leaves_after_planning_is_not_written_to(planned, as_of, alice):
    alice.consents.update(granted=False)
    assert outbox.pump(planned.pk, as_of=as_of).accepted == 1
    row = Delivery.objects.get(member=alice)
    assert (row.status, row.reason, row.attempt, row.day) == (S.SUPPRESSED, "unsubscribed", 0, None)


def test_quiet_hours_delay_what_is_waiting(planned, as_of):
    night = as_of + timedelta(hours=10)  # 22:00 in Shanghai
    assert outbox.pump(planned.pk, as_of=night).stopped == "quiet"
    assert set(Delivery.objects.values_list("next_at", flat=True)) == {night + timedelta(hours=11)}


def test_nothing_leaves_after_the_step_has_closed(planned, as_of):
    planned.closes_at = as_of
    planned.save()
    assert outbox.pump(planned.pk, as_of=as_of).stopped == "closed"
    assert set(Delivery.objects.values_list("status", "reason")) == {(S.CANCELLED, "closed")}
