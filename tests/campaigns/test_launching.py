"""Two clicks are one launch; a killed worker loses nothing and doubles nothing."""

import subprocess
import sys
import textwrap
import threading
from datetime import datetime

import pytest
from django.db import connection

from campaigns import engine, launching, retrying, services
from campaigns.models import Campaign, Participant, Run
from campaigns.sources import steps_of
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from tests.children import environment
from touchpoints.models import Delivery

VICTIM = textwrap.dedent(
    """
    import sys, time
    from datetime import datetime
    import django
    django.setup()
    from campaigns import engine

    place, as_of = sys.argv[1], datetime.fromisoformat(sys.argv[2])
    engine.WAVE = 9

    def stop() -> None:
        print("here", flush=True)
        time.sleep(600)

    execute, plan, seen = engine.sql.execute, engine.touchpoints.plan_deliveries, []

    def executing(name, *args, **given):
        answer = execute(name, *args, **given)
        if name == place:
            stop()
        return answer

    def planning(**given):
        plan(**given)
        seen.append(1)
        if place == f"plan {len(seen)}":
            stop()

    engine.sql.execute, engine.touchpoints.plan_deliveries = executing, planning
    engine.tick(as_of)
    """
)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", ["campaigns/insert_participants", "plan 1", "plan 3", "campaigns/advance_participants"])
def test_a_worker_killed_anywhere_leaves_nothing_undone_and_nothing_twice(draft: Campaign, as_of: datetime, place: str) -> None:
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, place, as_of.isoformat()], env=environment(), stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline().strip() == "here"
        victim.kill()
        victim.wait()
    for _again in range(3):
        engine.tick(as_of)
    run = Run.objects.get()
    treated = set(run.participants.filter(arm=1).values_list("member_id", flat=True))
    (step,) = steps_of(run)
    assert (run.entered, run.participants.count()) == (40, 40)
    assert sorted(Delivery.objects.values_list("member_id", flat=True)) == sorted(treated)
    assert set(Delivery.objects.values_list("step_id", flat=True)) == {step.pk}
    assert set(run.participants.values_list("node", flat=True)) == {"window"}


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_launch_once(draft: Campaign, as_of: datetime) -> None:
    start, answers = threading.Barrier(2), []

    def click() -> None:
        try:
            mine = Campaign.objects.get(pk=draft.pk)
            start.wait(120)
            answers.append(launching.launch(campaign=mine, actor=None, as_of=as_of))
        finally:
            connection.close()

    hands = [threading.Thread(target=click) for _hand in range(2)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(300)
    assert sorted(answers) == [False, True]
    assert Run.objects.count() == 1
    assert AuditEntry.objects.filter(action="campaign.launch").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_pause_during_the_first_wave_holds_it_back(draft: Campaign, as_of: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wave opens its step in a transaction the pause cannot see into: the pause must wait for it."""
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    planned, go_on, plan = threading.Event(), threading.Event(), engine.touchpoints.plan_deliveries

    def slowly(**given: object) -> object:
        report = plan(**given)
        planned.set()
        go_on.wait(120)
        return report

    monkeypatch.setattr(engine.touchpoints, "plan_deliveries", slowly)

    def hand(act: object) -> threading.Thread:
        def run() -> None:
            try:
                act()  # type: ignore[operator]
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    wave = hand(lambda: engine.tick(as_of))
    assert planned.wait(120)
    pause = hand(lambda: launching.pause(campaign=Campaign.objects.get(pk=draft.pk), actor=None))
    pause.join(1)
    go_on.set()
    wave.join(300)
    pause.join(300)
    draft.refresh_from_db()
    assert draft.status == Campaign.Status.PAUSED
    (step,) = steps_of(Run.objects.get())
    assert step.is_paused


def test_an_incomplete_draft_is_not_launched(draft: Campaign, as_of: datetime) -> None:
    services.save(campaign=draft, actor=None, connector=None)
    with pytest.raises(Problem, match="渠道"):
        launching.launch(campaign=draft, actor=None, as_of=as_of)
    draft.refresh_from_db()
    assert draft.is_draft
    assert not Run.objects.exists()


def test_a_time_that_has_passed_is_not_launched(draft: Campaign, as_of: datetime, later: object) -> None:
    services.save(campaign=draft, actor=None, scheduled_at=as_of.replace(year=2020))
    with pytest.raises(Problem, match="已过"):
        launching.launch(campaign=draft, actor=None, as_of=as_of)


def test_a_cancelled_campaign_cannot_be_launched_again(draft: Campaign, as_of: datetime) -> None:
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    launching.cancel(campaign=draft, actor=None, as_of=as_of)
    with pytest.raises(services.Closed):
        launching.launch(campaign=draft, actor=None, as_of=as_of)


def test_a_reopened_campaign_can_be_launched_for_the_same_time(draft: Campaign, as_of: datetime) -> None:
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    launching.reopen(campaign=draft, actor=None)
    assert engine.tick(as_of)["entered"] == 0
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    assert engine.tick(as_of)["entered"] == 1
    assert Run.objects.count() == 1


def test_nobody_goes_back_to_the_draft_once_somebody_entered(draft: Campaign, as_of: datetime) -> None:
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    engine.tick(as_of)
    with pytest.raises(services.Closed):
        launching.reopen(campaign=draft, actor=None)


def test_failed_messages_of_one_cause_are_tried_again(draft: Campaign, as_of: datetime) -> None:
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    engine.tick(as_of)
    draft.refresh_from_db()
    bad, bounced, unsure = Delivery.objects.order_by("member_id")[:3]
    for row, reason, more in (
        (bad, "bad_recipient", {}),
        (bounced, "bounced", {}),
        (unsure, "bad_recipient", {"unsure_since": as_of}),
    ):
        Delivery.objects.filter(member_id=row.member_id).update(status=90, reason=reason, failed_at=as_of, **more)
    assert retrying.retry(campaign=draft, reason="bad_recipient", actor=None, as_of=as_of) == 1
    bad.refresh_from_db()
    assert (bad.status, bad.reason, bad.failed_at) == (Delivery.Status.PLANNED, "", None)
    with pytest.raises(Problem):
        retrying.retry(campaign=draft, reason="bounced", actor=None, as_of=as_of)


def test_layers_of_the_launched_keep_what_they_said_when_the_clone_changes(draft: Campaign, as_of: datetime) -> None:
    made = services.clone(campaign=draft, actor=None)
    layer = made.layers.first()
    assert layer is not None
    services.save_layer(campaign=made, layer=layer, actor=None, name="x", rule=None, subject="新", body="新", link="")
    assert {each.content.body for each in draft.layers.all() if each.content} == {"[去看看]({{campaign.link}})"}


def test_participants_are_assigned_before_anything_looks_at_them(draft: Campaign, as_of: datetime) -> None:
    # Somebody without consent is assigned all the same; only the outbox's policy holds the message back.
    from members.models import Consent

    Consent.objects.all().delete()
    launching.launch(campaign=draft, actor=None, as_of=as_of)
    engine.tick(as_of)
    assert Participant.objects.count() == 40
    assert set(Delivery.objects.values_list("status", "reason")) == {(95, "no_consent")}
