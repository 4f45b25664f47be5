"""The whole chain – beat, Valkey, Celery worker – while Valkey forgets everything and the worker is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings

from scrm import embedded
from tests.fire.conftest import ROOT, until
from touchpoints.models import Delivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
S = Delivery.Status


@pytest.fixture
def broker() -> redis.Redis:
    data_dir = Path(settings.DATA_DIR)
    if "REDIS_URL" not in os.environ and not embedded.valkey_running(data_dir):
        embedded.start(data_dir, profile="test", postgres=False)
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushall()
    return client


@pytest.fixture
def celery(program, broker, tmp_path):
    """Starts a worker with its own beat on the test's database; a real process group to shoot at."""
    started = []

    def start() -> subprocess.Popen:
        schedule = str(tmp_path / f"beat{len(started)}")
        command = [sys.executable, "-m", "celery", "--app", "scrm.celery", "worker", "--beat", "--schedule", schedule]
        command += ["--concurrency", "2", "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
        made = subprocess.Popen(command, env=program.environment, cwd=ROOT, start_new_session=True)
        started.append(made)
        return made

    yield start
    for each in started:
        shoot(each)


def shoot(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_forgetful_broker_and_a_killed_worker_lose_nothing(celery, broker, postman, mail, planned, pool, settings):
    pool.settings["policy"] = {"quiet_start": "", "quiet_end": ""}  # Celery goes by the real clock
    pool.save()
    postman.delay = 0.01
    step = planned(mail(postman.port), 300)
    worker = celery()
    until(lambda: len(postman.taken) > 20, 60)
    broker.flushall()
    shoot(worker)
    Delivery.objects.filter(status__in=[S.LEASED, S.SENDING]).update(lease_until="2026-01-01T00:00Z")  # sixty seconds go by
    celery()
    time.sleep(1)
    broker.flushall()
    until(lambda: not Delivery.objects.filter(status__in=[S.PLANNED, S.LEASED, S.SENDING]).exists(), 60)
    unknown = Delivery.objects.filter(step=step, status=S.UNKNOWN).count()
    assert set(postman.taken.values()) == {1}
    assert 300 - unknown <= len(postman.taken) <= 300
    assert unknown <= 2 * 10
