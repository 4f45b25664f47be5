"""kill -9 in the middle: the job starts over, everything is there, nothing twice."""

import subprocess
import sys
import textwrap
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from members.models import MemberState, StateChange, TouchedMember
from scrm.jobs import running
from scrm.jobs.models import JobRun
from segmentation.models import RecalculationRun
from segmentation.recalculation import services
from tests import factories
from tests.children import environment

VICTIM = textwrap.dedent(
    """
    import sys, time
    import django
    django.setup()
    from scrm.jobs import running
    from segmentation.recalculation import steps

    def stopping(original, place):
        def wrapped(*args, **kwargs):
            original(*args, **kwargs)
            if args[place] == sys.argv[2]:
                print("here", flush=True)
                time.sleep(600)
        return wrapped

    steps.Chain.write = stopping(steps.Chain.write, 1)
    steps.Chain.keep = stopping(steps.Chain.keep, 2)
    running.run(int(sys.argv[1]))
    """
)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["gather_facts", "find_changes", "insert_state_changes", "drop_merged_states"])
def test_a_killed_full_run_starts_over_and_writes_once(pool, alice, bob, step):
    now = timezone.now()
    factories.order(alice, "A1", now - timedelta(days=3), 500)
    factories.order(bob, "B1", now - timedelta(days=100), 500)
    TouchedMember.objects.create(member=alice, pool=pool)
    job = services.ask(pool=pool, as_of=now)
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(job.pk), step], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout.readline() == "here\n"
    victim.kill()
    victim.wait()

    assert not StateChange.objects.exists()
    assert not MemberState.objects.exists()
    assert RecalculationRun.objects.get().finished_at is None
    # The lease is still running: nobody takes it yet. Then it runs out.
    assert running.run(job.pk) is None
    JobRun.objects.filter(pk=job.pk).update(lease_until=now - timedelta(hours=1))
    assert running.run(job.pk) == JobRun.Status.DONE
    assert sorted(StateChange.objects.values_list("member_id", "kind", "from_code", "to_code")) == [
        (alice.pk, 1, None, 1), (alice.pk, 2, None, 4), (bob.pk, 1, None, 3), (bob.pk, 2, None, 0),
    ]  # fmt: skip
    assert RecalculationRun.objects.get().finished_at is not None
    assert not TouchedMember.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'recalculation_%%' AND relkind = 'r'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_a_full_run_that_never_finished_is_asked_for_again_by_the_minute_run(pool, alice, as_of):
    services.recalculate(pool=pool, as_of=as_of)
    services._begin(pool, as_of, None)
    assert services.tick(pool=pool, as_of=as_of + timedelta(minutes=1)) is None
    assert services.tick(pool=pool, as_of=as_of + timedelta(minutes=2)) is None
    assert JobRun.objects.get().kind == services.KIND
