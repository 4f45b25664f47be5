"""Long work survives whatever happens to the worker that does it."""

import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connections
from django.utils import timezone

from scrm.jobs import running, services
from scrm.jobs.kinds import Kind, kinds
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from tests.children import environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kind(monkeypatch):
    """Declare a job for one test: kind(function) → its key."""

    def declare(function, attempts=5):
        monkeypatch.setitem(kinds._items, "test.job", Kind("test", function, attempts))
        return "test.job"

    return declare


def enqueue(kind, **more):
    return services.enqueue(kind=kind, pool_id=None, **more)


def elsewhere(work):
    """Over another connection."""

    def do():
        work()
        connections.close_all()

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def test_a_job_runs_once_and_keeps_its_result(kind):
    job = enqueue(kind(lambda job: {"rows": 3}))
    assert running.run(job.pk, heart=False) == "done"
    assert running.run(job.pk, heart=False) is None
    job.refresh_from_db()
    assert (job.result, job.attempts) == ({"rows": 3}, 1)


def test_an_open_job_of_the_same_key_is_not_asked_for_twice(kind):
    key = kind(lambda job: None)
    first, second = enqueue(key, key="one"), enqueue(key, key="one")
    assert first.pk == second.pk
    running.run(first.pk, heart=False)
    assert enqueue(key, key="one").pk != first.pk


def test_a_key_let_go_of_while_it_is_looked_for_is_asked_for_again(kind, monkeypatch):
    key, create = kind(lambda job: None), JobRun.objects.create
    other = enqueue(key, key="one")

    def too_late(**fields):
        try:
            return create(**fields)
        except IntegrityError:
            elsewhere(lambda: running.run(other.pk, heart=False))  # the one in the way ends before it is looked for
            raise

    monkeypatch.setattr(JobRun.objects, "create", too_late)
    made = enqueue(key, key="one")
    assert (made.pk != other.pk, made.status, made.key) == (True, "queued", "one")


def test_a_problem_fails_the_job_with_its_sentence_and_it_can_be_retried(kind):
    def refuse(job):
        raise Problem("no", "the file is gone")

    job = enqueue(kind(refuse))
    assert running.run(job.pk, heart=False) == "failed"
    job.refresh_from_db()
    assert job.error == "the file is gone"
    services.ask(job=job, what="retry", actor=None)
    assert running.due() == [job.pk]


def test_pause_resume_and_cancel_are_obeyed_at_the_next_checkpoint(kind):
    seen = []

    def work(job):
        for n in range(job.watermark.get("n", 0), 5):
            seen.append(n)
            if n == 1 and len(seen) == 2:
                services.ask(job=JobRun.objects.get(pk=job.id), what="pause", actor=None)
            job.checkpoint(done=n + 1, watermark={"n": n + 1})

    job = enqueue(kind(work))
    assert running.run(job.pk, heart=False) == "paused"
    assert running.due() == []
    services.ask(job=job, what="resume", actor=None)
    assert running.run(job.pk, heart=False) == "done"
    assert seen == [0, 1, 2, 3, 4]


def test_pausing_often_is_no_failure(kind):
    def work(job):
        services.ask(job=JobRun.objects.get(pk=job.id), what="pause", actor=None)
        job.checkpoint()

    job = enqueue(kind(work, attempts=2))
    for _again in range(4):
        assert running.run(job.pk, heart=False) == "paused"
        services.ask(job=job, what="resume", actor=None)


def test_a_job_that_loses_the_database_goes_on_after_its_lease(kind):
    def work(job):
        if not job.watermark:
            job.checkpoint(watermark={"n": 1})
            raise OperationalError("server closed the connection unexpectedly")
        return {"from": job.watermark["n"]}

    job = enqueue(kind(work))
    assert running.run(job.pk, heart=False) == "running"
    assert running.due() == []
    JobRun.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert running.run(job.pk, heart=False) == "done"
    job.refresh_from_db()
    assert (job.result, job.error) == ({"from": 1}, "")


def test_a_job_that_loses_the_database_each_time_says_so(kind):
    def work(job):
        raise OperationalError("could not extend file: no space left on device")

    job = enqueue(kind(work, attempts=1))
    running.run(job.pk, heart=False)
    JobRun.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    running.run(job.pk, heart=False)
    job.refresh_from_db()
    assert job.status == "failed"
    assert "no space left" in job.error


def test_a_second_worker_leaves_a_leased_job_alone_until_the_lease_runs_out(kind):
    job = enqueue(kind(lambda job: None))
    JobRun.objects.filter(pk=job.pk).update(
        status="running", lease_until=timezone.now() + timedelta(minutes=1), lease_token="0" * 32
    )
    assert running.run(job.pk, heart=False) is None
    JobRun.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert running.run(job.pk, heart=False) == "done"


def test_a_worker_that_lost_its_lease_cannot_report(kind):
    def slow(job):
        JobRun.objects.filter(pk=job.id).update(lease_token="1" * 32)  # somebody else took it over
        job.checkpoint(done=1)
        raise AssertionError("went on without a lease")

    job = enqueue(kind(slow))
    running.run(job.pk, heart=False)
    job.refresh_from_db()
    assert (job.status, job.done) == ("running", 0)


def test_a_job_whose_worker_always_dies_is_given_up(kind):
    job = enqueue(kind(lambda job: None, attempts=2))
    JobRun.objects.filter(pk=job.pk).update(
        status="running", attempts=2, lease_until=timezone.now() - timedelta(seconds=1), lease_token="0" * 32
    )
    running.run(job.pk, heart=False)
    job.refresh_from_db()
    assert job.status == "failed"
    assert "died" in job.error


def test_the_heart_keeps_the_lease_while_one_statement_takes_long(kind, monkeypatch):
    monkeypatch.setattr(running, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(running, "BEAT", 0.2)
    thieves = []

    def long_statement(job):
        thief = threading.Timer(2.6, lambda: thieves.append(running.run(job.id, heart=False)))
        thief.start()
        time.sleep(3)
        thief.join()

    job = enqueue(kind(long_statement))
    assert running.run(job.pk) == "done"
    assert thieves == [None]


def test_a_heartbeat_that_is_missed_is_not_the_last(kind, monkeypatch):
    beats, now = [], running.Now

    def hiccup():
        beats.append(len(beats))
        if len(beats) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return now()

    job = enqueue(kind(lambda job: None))
    JobRun.objects.filter(pk=job.pk).update(status="running", lease_token="0" * 32)
    monkeypatch.setattr(running, "BEAT", 0.02)
    monkeypatch.setattr(running, "Now", hiccup)
    heart = running._Heart(job.pk, "0" * 32)
    heart.start()
    deadline = time.monotonic() + 30
    while JobRun.objects.get(pk=job.pk).lease_until is None and time.monotonic() < deadline and heart.is_alive():
        time.sleep(0.02)
    heart.stop.set()
    heart.join()
    assert JobRun.objects.get(pk=job.pk).lease_until > timezone.now()


WORKER = """
import django, os, sys, time
django.setup()
from scrm.jobs import running
from scrm.jobs.kinds import Kind, kinds
def work(job):
    for n in range(job.watermark.get("n", 0), 10):
        job.checkpoint(done=n + 1, watermark={"n": n + 1})
        time.sleep(0.1)
    return {"from": n}
kinds._items["test.job"] = Kind("test", work, 5)
from datetime import timedelta
running.LEASE = timedelta(seconds=2)
running.BEAT = 0.3
running.run(int(sys.argv[1]))
"""


def test_kill_minus_nine_delays_a_job_and_loses_nothing(kind):
    job = enqueue(kind(lambda job: None))
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(job.pk)]
    first = subprocess.Popen(command, env=environment(), cwd=settings.BASE_DIR)
    deadline = time.monotonic() + 300
    while JobRun.objects.get(pk=job.pk).done < 3:
        assert time.monotonic() < deadline, "the worker never began"
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    reached = JobRun.objects.get(pk=job.pk).done
    assert reached < 10
    while not running.due():
        assert time.monotonic() < deadline, "the lease never ran out"
        time.sleep(0.1)
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORKER, str(job.pk)],
        env=environment(),
        cwd=settings.BASE_DIR,
        check=True,
        timeout=300,
    )
    job.refresh_from_db()
    assert (job.status, job.done, job.attempts) == ("done", 10, 2)
