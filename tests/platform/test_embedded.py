"""The servers out of the wheels, each test on a data directory of its own."""

import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from scrm import embedded

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "data"
    yield directory
    embedded.stop(directory)


def ask(home: Path, statement: str) -> object:
    connection = psycopg2.connect(embedded.database_url(home))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split("\n")[0]))


def test_addresses_are_known_before_anything_runs_and_stay(home: Path) -> None:
    addresses = embedded.database_url(home), embedded.redis_url(home)
    embedded.start(home, profile="test")
    assert addresses == (embedded.database_url(home), embedded.redis_url(home))
    assert redis.from_url(addresses[1]).ping()
    assert ask(home, "SELECT current_database()") == "scrm"


def test_data_survive_a_stop_and_a_second_start_starts_nothing(home: Path) -> None:
    assert embedded.start(home, profile="test")
    ask(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert not embedded.start(home, profile="test")
    embedded.stop(home)
    assert not embedded.postgres_running(home)
    assert not embedded.valkey_running(home)
    assert embedded.start(home, profile="test")
    assert ask(home, "SELECT answer FROM kept") == 42


def test_the_product_is_no_superuser_and_nobody_else_gets_in(home: Path) -> None:
    embedded.start(home, profile="test")
    assert ask(home, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(home, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(embedded.socket_dir(home).stat().st_mode) == 0o700
    port = int(embedded.redis_url(home).rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()


def test_chinese_words_are_words_for_trigram_search(home: Path) -> None:
    embedded.start(home, profile="test", valkey=False)
    ask(home, "CREATE EXTENSION pg_trgm")
    assert ask(home, "SELECT cardinality(show_trgm('会员中心'))") == 5
    assert ask(home, "SELECT lower('ÄÖ')") == "äö"


def test_two_copies_do_not_meet(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    try:
        embedded.start(home, profile="test")
        embedded.start(other, profile="test")
        ask(home, "CREATE TABLE only_here (x int)")
        assert ask(other, "SELECT to_regclass('only_here')") is None
        assert embedded.redis_url(home) != embedded.redis_url(other)
        embedded.stop(other)
        assert embedded.running(home)
    finally:
        embedded.stop(other)


def test_a_long_path_with_odd_letters(tmp_path: Path) -> None:
    home = tmp_path / ("a long, 目录 with 'quotes' " + "x" * 100)
    try:
        embedded.start(home, profile="test")
        assert len(os.fsencode(embedded.socket_dir(home))) < 90
        assert ask(home, "SELECT 1") == 1
    finally:
        embedded.stop(home)
        embedded.socket_dir(home).rmdir()


def test_a_start_after_kill_9(home: Path) -> None:
    embedded.start(home)  # durable, as in real use
    ask(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    postmaster(home).kill()
    time.sleep(0.2)
    assert embedded.start(home)
    assert ask(home, "SELECT answer FROM kept") == 42


def test_a_pid_file_that_names_another_process(home: Path) -> None:
    """After a reboot the number belongs to someone else; PostgreSQL alone would refuse to start."""
    embedded.start(home, profile="test", valkey=False)
    kept = (home / "postgres" / "postmaster.pid").read_text()
    embedded.stop(home)
    (home / "postgres" / "postmaster.pid").write_text(kept.replace(kept.split("\n")[0], str(os.getpid()), 1))
    assert not embedded.postgres_running(home)
    assert embedded.start(home, profile="test", valkey=False)


def test_an_interrupted_first_start_leaves_nothing_half_made(home: Path) -> None:
    (home / "postgres.new" / "base").mkdir(parents=True)
    assert embedded.start(home, profile="test", valkey=False)


def test_valkey_moves_when_its_port_is_taken(home: Path) -> None:
    embedded.redis_url(home)
    port = json.loads((home / "ports.json").read_text())["valkey"]
    with socket.create_server(("127.0.0.1", port)):
        embedded.start(home, postgres=False)
        assert json.loads((home / "ports.json").read_text())["valkey"] != port
        assert redis.from_url(embedded.redis_url(home)).ping()


def test_nothing_is_thrown_away_when_valkey_is_full(home: Path) -> None:
    embedded.start(home, postgres=False)
    assert redis.from_url(embedded.redis_url(home)).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_what_went_wrong_is_said(home: Path) -> None:
    embedded.start(home, profile="test", valkey=False)
    embedded.stop(home)
    with (home / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = 1\n")
    with pytest.raises(embedded.CannotStart, match="no_such_setting"):
        embedded.start(home, profile="test", valkey=False)


def test_a_cluster_of_another_version_is_refused(home: Path) -> None:
    embedded.start(home, profile="test", valkey=False)
    embedded.stop(home)
    (home / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(embedded.CannotStart, match="made by PostgreSQL 15"):
        embedded.start(home, profile="test", valkey=False)


def test_an_open_session_does_not_hold_up_the_stop(home: Path) -> None:
    embedded.start(home, profile="test", valkey=False)
    connection = psycopg2.connect(embedded.database_url(home))
    began = time.monotonic()
    embedded.stop(home)
    assert time.monotonic() - began < 50  # an hour if it waited for the session
    connection.close()
