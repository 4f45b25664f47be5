"""Runs enter once, advance in waves and end; whatever is doubled or late does no harm."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from campaigns import engine, launching
from campaigns.models import Campaign, Participant, Run
from campaigns.sources import steps_of
from members.models import Member
from touchpoints.models import Delivery

Later = Callable[[float], datetime]
Status, Phase = Campaign.Status, Run.Phase


def launched(draft: Campaign, as_of: datetime) -> Run:
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    return draft.runs.get()


def test_a_launched_campaign_enters_sends_waits_and_ends(draft: Campaign, as_of: datetime, later: Later) -> None:
    run = launched(draft, as_of)
    assert engine.tick(as_of) == {"entered": 1, "moved": 40, "ended": 0, "summed": 1}
    run.refresh_from_db()
    draft.refresh_from_db()
    assert (run.phase, run.entered, run.entered_at, draft.status) == (Phase.ADVANCING, 40, as_of, Status.RUNNING)
    treated = set(run.participants.filter(arm=1).values_list("member_id", flat=True))
    (step,) = steps_of(run)
    assert set(step.deliveries.values_list("member_id", flat=True)) == treated
    assert set(run.participants.values_list("node", "due_at")) == {("window", later(14))}

    assert engine.tick(later(13.9))["ended"] == 0
    assert engine.tick(later(14))["ended"] == 1
    run.refresh_from_db()
    draft.refresh_from_db()
    assert (run.phase, draft.status, draft.finished_at) == (Phase.DONE, Status.FINISHED, later(14))
    assert set(run.participants.values_list("node", "due_at")) == {("exit", None)}


def test_every_member_has_one_arm_and_the_layer_that_fits(draft: Campaign, people: list[Member], as_of: datetime) -> None:
    launched(draft, as_of)
    engine.tick(as_of)
    names = dict(Participant.objects.values_list("member_id", "layer__name"))
    assert names == {member.pk: "重要" if n % 4 == 0 else "其余" for n, member in enumerate(people)}
    held = Participant.objects.filter(arm=0).count()
    assert 3 <= held <= 17  # a quarter of forty, give or take


def test_the_held_out_are_never_planned(draft: Campaign, as_of: datetime) -> None:
    launched(draft, as_of)
    engine.tick(as_of)
    held = Participant.objects.filter(arm=0).values_list("member_id", flat=True)
    assert held
    assert not Delivery.objects.filter(member_id__in=list(held)).exists()


def test_each_layer_gets_its_own_content(draft: Campaign, as_of: datetime) -> None:
    launched(draft, as_of)
    engine.tick(as_of)
    contents = {layer.pk: layer.content_id for layer in draft.layers.all()}
    for member, layer in Participant.objects.filter(arm=1).values_list("member_id", "layer_id"):
        assert Delivery.objects.get(member_id=member).content_id == contents[layer]


def test_a_doubled_tick_adds_nobody_and_sends_nothing_twice(draft: Campaign, as_of: datetime) -> None:
    launched(draft, as_of)
    engine.tick(as_of)
    before = (Participant.objects.count(), Delivery.objects.count())
    again = engine.tick(as_of + timedelta(seconds=5))
    assert (again["entered"], again["moved"]) == (0, 0)
    assert (Participant.objects.count(), Delivery.objects.count()) == before


def test_nothing_happens_before_the_slot(draft: Campaign, as_of: datetime) -> None:
    Campaign.objects.filter(pk=draft.pk).update(scheduled_at=as_of + timedelta(minutes=2))
    draft.refresh_from_db()
    launched(draft, as_of)
    assert engine.tick(as_of + timedelta(minutes=1, seconds=59))["entered"] == 0
    assert engine.tick(as_of + timedelta(minutes=2))["entered"] == 1


def test_a_slot_past_its_grace_is_missed_not_sent_late(draft: Campaign, as_of: datetime) -> None:
    run = launched(draft, as_of)
    engine.tick(as_of + engine.GRACE + timedelta(seconds=1))
    run.refresh_from_db()
    draft.refresh_from_db()
    assert (run.phase, draft.status) == (Phase.MISSED, Status.MISSED)
    assert "120" in run.note
    assert not Participant.objects.exists()
    assert not Delivery.objects.exists()
    launching.reopen(campaign=draft, actor=None)
    assert draft.status == Status.DRAFT


def test_waves_are_bounded_and_finish(draft: Campaign, as_of: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "WAVE", 7)
    launched(draft, as_of)
    assert engine.tick(as_of)["moved"] == 40
    assert Delivery.objects.count() == Participant.objects.filter(arm=1).count()


def test_a_wave_that_fails_is_undone_whole_and_tried_again(
    draft: Campaign, as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launched(draft, as_of)
    real = engine.touchpoints.plan_deliveries
    monkeypatch.setattr(engine.touchpoints, "plan_deliveries", lambda **given: (real(**given), 1 / 0))
    engine.tick(as_of)
    run.refresh_from_db()
    assert "ZeroDivisionError" in run.note
    assert not Delivery.objects.exists()
    assert set(run.participants.values_list("node", flat=True)) == {"send"}
    monkeypatch.undo()
    engine.tick(as_of + timedelta(seconds=5))
    assert Delivery.objects.count() == run.participants.filter(arm=1).count()


def test_pause_keeps_a_scheduled_run_from_entering_and_resume_starts_it(draft: Campaign, as_of: datetime) -> None:
    run = launched(draft, as_of)
    launching.pause(campaign=draft, actor=None)
    assert engine.tick(as_of)["entered"] == 0
    launching.resume(campaign=draft, actor=None, as_of=as_of + timedelta(hours=5))
    assert engine.tick(as_of + timedelta(hours=5))["entered"] == 1
    run.refresh_from_db()
    assert run.phase == Phase.ADVANCING


def test_pause_resume_and_cancel_reach_the_outbox(draft: Campaign, as_of: datetime) -> None:
    run = launched(draft, as_of)
    engine.tick(as_of)
    (step,) = steps_of(run)
    launching.pause(campaign=draft, actor=None)
    step.refresh_from_db()
    assert step.is_paused
    launching.resume(campaign=draft, actor=None, as_of=as_of)
    step.refresh_from_db()
    assert not step.is_paused
    launching.cancel(campaign=draft, actor=None, as_of=as_of)
    step.refresh_from_db()
    run.refresh_from_db()
    assert step.is_cancelled
    assert set(Delivery.objects.values_list("status", flat=True)) == {Delivery.Status.CANCELLED}
    assert (run.phase, draft.status) == (Phase.CANCELLED, Status.CANCELLED)
    assert not run.participants.filter(due_at__isnull=False).exists()


def test_a_run_that_somebody_else_holds_is_left_alone(draft: Campaign, as_of: datetime, transactional_db: None) -> None:
    # Two workers' ticks at once: the lock decides, the other passes by.
    import threading

    run, seen = launched(draft, as_of), []
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)

        def other() -> None:
            from django.db import connection

            seen.append(engine.tick(as_of))
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(120)
    assert seen[0]["entered"] == 0
    assert engine.tick(as_of)["entered"] == 1


def test_a_segment_of_nobody_ends_at_once(draft: Campaign, as_of: datetime) -> None:
    draft.segment.versions.update(rule={"fact": "order_count", "op": "gte", "value": 99})
    run = launched(draft, as_of)
    assert engine.tick(as_of)["ended"] == 1
    run.refresh_from_db()
    assert (run.phase, run.entered) == (Phase.DONE, 0)
