"""What a load balancer sees."""

import socket
import time

import pytest
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings


def test_alive_without_a_database(client: Client) -> None:
    answer = client.get("/livez")
    assert answer.status_code == 200
    assert answer["Cache-Control"].startswith("max-age=0")


@pytest.mark.django_db(transaction=True)
def test_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.json()["database"] == "ok"
    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_not_ready_before_every_migration(client: Client) -> None:
    recorder = MigrationRecorder(connections["default"])
    recorder.record_unapplied("jobs", "0001_initial")
    try:
        answer = client.get("/readyz")
    finally:
        recorder.record_applied("jobs", "0001_initial")
    assert answer.status_code == 503
    assert answer.json()["database"] == "1 migrations not applied, first jobs.0001_initial"


@pytest.mark.django_db(transaction=True)
def test_the_queue_is_reported_but_not_needed(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["queue"]) == (200, "unreachable")


@pytest.mark.django_db(transaction=True)
def test_a_frozen_database_is_told_and_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers
        monkeypatch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
        monkeypatch.setitem(connections.settings["default"], "PORT", silent.getsockname()[1])
        began = time.monotonic()
        answer = client.get("/readyz")
        assert time.monotonic() - began < 30
    assert (answer.status_code, answer.json()["database"]) == (503, "does not answer")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_down(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
    monkeypatch.setitem(connections.settings["default"], "PORT", 1)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")
