"""`make up`, `make down`, `make reset` as a newcomer types them, without the demo."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from scrm import embedded, up

ROOT = Path(settings.BASE_DIR)
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Almost nothing in the environment: no locale, no home of Python."""
    home = tmp_path / "data"
    found = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "DATA_DIR": str(home), "DEMO": "0"}
    yield found | {"PORT": str(free_port()), "INBOX_PORT": str(free_port())}
    subprocess.run(command("down"), env=found, cwd=ROOT, capture_output=True, check=False)


def command(word: str) -> list[str]:
    return [sys.executable, "-m", "scrm.up", word]


def call(word: str, env: dict[str, str], answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(word), env=env, cwd=ROOT, input=answer, capture_output=True, text=True, timeout=600, check=False
    )


def begin(env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        process = subprocess.Popen(command("up"), env=env, cwd=ROOT, stdout=file, stderr=file)
    deadline = time.monotonic() + 600
    while "Ready:" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    return process


def test_up_and_ctrl_c_and_up_again(env: dict[str, str], tmp_path: Path) -> None:
    home, log = Path(env["DATA_DIR"]), tmp_path / "up.log"
    process = begin(env, log)
    with urllib.request.urlopen(f"http://127.0.0.1:{env['PORT']}/readyz", timeout=60) as answer:
        assert json.load(answer) == {"status": "ok", "database": "ok", "queue": "ok"}
    assert f"Ready: http://127.0.0.1:{env['PORT']}/" in log.read_text()
    second = call("up", env)
    assert second.returncode == 2
    assert "already runs" in second.stdout

    process.send_signal(signal.SIGINT)
    assert process.wait(300) == 0
    assert not embedded.postgres_running(home)
    assert not embedded.valkey_running(home)
    assert up._locked((home / "up.pid").open("a+"))

    process = begin(env, log)
    assert call("down", env).stdout == "Stopped.\n"
    assert process.wait(60) == 0
    assert call("down", env).stdout == "Nothing was running.\n"


def test_a_taken_port_is_named(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(env["PORT"]))):
        found = call("up", env)
    assert found.returncode == 2
    assert f"port {env['PORT']} is taken" in found.stdout
    assert "PORT=" in found.stdout


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "eighty", 'PORT" invalid'),
        ("DATABASE_URL", "mysql://root@127.0.0.1/scrm", "DATABASE_URL must start with postgresql://"),
        ("FIELD_KEYS", "k1:short", "FIELD_KEYS is not a list"),
        ("BASE_URL", "scrm.example.com", "BASE_URL is"),
    ],
)
def test_a_bad_setting_stops_the_start_with_a_sentence(env: dict[str, str], name: str, value: str, sentence: str) -> None:
    found = call("up", env | {name: value})
    assert found.returncode == 2
    assert sentence in found.stdout + found.stderr
    assert "Traceback" not in found.stdout + found.stderr
    assert not embedded.postgres_running(Path(env["DATA_DIR"]))


def test_reset_asks_and_only_removes_what_is_ours(env: dict[str, str], tmp_path: Path) -> None:
    home = Path(env["DATA_DIR"])
    home.mkdir()
    (home / "diary.txt").write_text("mine")
    assert "does not look like a data directory" in call("reset", env, "yes\n").stdout
    assert (home / "diary.txt").exists()
    embedded.start(home, profile="test")
    assert call("reset", env, "no\n").returncode == 1
    assert home.exists()
    assert call("reset", env | {"FORCE": "1"}).returncode == 0
    assert not home.exists()


def test_reset_spares_a_clone(env: dict[str, str]) -> None:
    home = Path(env["DATA_DIR"])
    home.mkdir()
    for name in ("manage.py", "up.pid"):
        (home / name).touch()
    assert call("reset", env | {"FORCE": "1"}).returncode == 2
    assert (home / "manage.py").exists()
