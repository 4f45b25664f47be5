"""A worker killed in the middle of merging or undoing many: nothing is half done, and the next one ends it."""

import random
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings

from members.merging import work
from members.models import Member, Merge, Order
from scrm.jobs import running
from scrm.jobs.models import JobRun
from tests import factories
from tests.children import environment

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PAIRS, CHUNK = 60, 4
WORKER = f"""
import django, sys
django.setup()
from datetime import timedelta
from members.merging import work
from scrm.jobs import running
work.CHUNK = {CHUNK}
running.LEASE, running.BEAT = timedelta(seconds=1), 0.2
running.run(int(sys.argv[1]))
"""


def crowd(pool, as_of):
    people = [factories.member(pool, f"M{n}", card=f"C{n}") for n in range(2 * PAIRS)]
    for member in people:
        factories.order(member, f"O{member.pk}", as_of, 100)
    return [(winner.pk, loser.pk) for winner, loser in zip(people[::2], people[1::2], strict=True)]


def whole():
    """Each member's order, identity and merge tell the same story; how many are merged away."""
    into = dict(Member.objects.values_list("pk", "merged_into"))
    owner = dict(Order.objects.values_list("number", "member_id"))
    cards = dict(Member.objects.filter(identities__isnull=False).values_list("identities__value", "pk"))
    standing = dict(Merge.objects.filter(undone_at=None).values_list("loser_id", "winner_id"))
    assert standing == {pk: up for pk, up in into.items() if up}
    assert owner == {f"O{pk}": up or pk for pk, up in into.items()}
    assert len(cards) == len(into)
    return len(standing)


def killed_at(job, done):
    """Start a worker on the job and kill it a moment after it has reported so many."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WORKER, str(job.pk)], env=environment(), cwd=settings.BASE_DIR
    )
    deadline = time.monotonic() + 300
    while JobRun.objects.get(pk=job.pk).done < done and child.poll() is None:
        assert time.monotonic() < deadline, "the worker never began"
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.15))
    child.send_signal(signal.SIGKILL)
    child.wait()


def ended(job):
    while not running.due() and JobRun.objects.get(pk=job.pk).status == "running":
        time.sleep(0.1)
    return running.run(job.pk, heart=False) or JobRun.objects.get(pk=job.pk).status


def test_killed_while_merging_and_while_undoing(pool, as_of):
    pairs = crowd(pool, as_of)
    job = work.request_merge(pool=pool, pairs=pairs, actor=None)
    for done in (8, 24):
        killed_at(job, done)
        assert 0 < whole() <= PAIRS
        JobRun.objects.filter(pk=job.pk).update(lease_until=None, status="queued")
    assert ended(job) == "done"
    assert whole() == PAIRS
    job = work.request_undo(pool=pool, merges=list(Merge.objects.values_list("pk", flat=True)), actor=None)
    killed_at(job, 12)
    assert whole() < PAIRS
    assert ended(job) == "done"
    assert whole() == 0
    assert JobRun.objects.get(pk=job.pk).result["left"] == 0
