"""`python -m scrm.up [up|down|reset]`: the whole product on this machine, from one terminal.

Reads the settings but loads no app: the programs it starts do.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import psutil

from scrm import embedded
from scrm.supervisor import Program, Supervisor, end_leftovers, say

BASE_DIR = Path(__file__).resolve().parent.parent
READY_WITHIN = 90.0


class Refused(Exception):
    """Why nothing was started; shown as one sentence."""


def main() -> int:
    """Run the command named on the command line; the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "up"
    run = {"up": up, "down": down, "reset": reset}.get(command)
    if run is None:
        say("Use one of: up, down, reset")
        return 2
    try:
        return run()
    except (Refused, embedded.CannotStart) as error:
        say(f"Not started: {error}" if command == "up" else str(error))
        return 2


def _settings() -> Any:
    """The settings, or one sentence about what is wrong with the environment."""
    from environs import EnvError

    from scrm.lib.dsn import BadAddress

    try:
        from django.conf import settings

        settings.DATA_DIR  # noqa: B018  (settings are read on first use)
        return settings
    except (EnvError, BadAddress) as error:
        raise Refused(str(error)) from error


# -- up ------------------------------------------------------------------------------------------


def up() -> int:
    """Start everything, say where it is, keep it running until told to stop."""
    settings = _settings()
    home = Path(settings.DATA_DIR)
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home) as first:
        if not first:
            raise Refused(f"this copy already runs at {settings.BASE_URL} (`make down` stops it).")
        if ended := end_leftovers(home):
            say(f"Ended {ended} programs left by a copy that was killed.")
        _free(settings.PORT, "PORT")
        _free(settings.INBOX_PORT, "INBOX_PORT")
        return _run(settings, home)


def _run(settings: Any, home: Path) -> int:
    supervisor = Supervisor(home, _programs(settings, home), _environment())
    supervisor.listen()
    own = _own_servers()
    try:
        if own.postgres or own.valkey:
            _step("Starting PostgreSQL and Valkey", lambda: embedded.start(home, postgres=own.postgres, valkey=own.valkey))
        logins = _prepare(supervisor, home)
        if not supervisor.stopping:
            supervisor.start()
            if _wait_ready(settings, supervisor):
                _welcome(settings, home, logins)
            supervisor.run()
    finally:
        say("Stopping …")
        supervisor.stop()
        if own.postgres or own.valkey:
            embedded.stop(home, postgres=own.postgres, valkey=own.valkey)
    say("Stopped. The data is kept; `make up` goes on from here.")
    return 0


class OwnServers(NamedTuple):
    """Which servers are ours to start: those no address was given for."""

    postgres: bool
    valkey: bool


def _own_servers() -> OwnServers:
    return OwnServers(not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL"))


def _environment() -> dict[str, str]:
    # Files are UTF-8 whatever the terminal's locale says, or does not say.
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "scrm.settings"}


def _programs(settings: Any, home: Path) -> list[Program]:
    python, bind = sys.executable, os.environ.get("BIND", "127.0.0.1")
    workers, tasks = os.environ.get("WEB_WORKERS", "2"), os.environ.get("TASK_WORKERS", "2")
    web = f"scrm.wsgi --bind {bind}:{settings.PORT} --workers {workers} --worker-class gthread --threads 8"
    web += " --timeout 180 --graceful-timeout 8 --no-control-socket"
    worker = f"worker --concurrency {tasks} --loglevel INFO --hostname scrm-{settings.PORT}@%h --without-gossip --without-mingle"
    celery = [python, "-m", "celery", "--app", "scrm.celery", "--workdir", str(BASE_DIR)]
    schedule = ["beat", "--loglevel", "INFO", "--pidfile", "", "--schedule", str(home / "beat-schedule")]
    return [
        Program("web", [python, "-m", "gunicorn", *web.split(), "--chdir", str(BASE_DIR)]),
        Program("worker", [*celery, *worker.split()]),
        Program("beat", [*celery, *schedule]),
        Program("inbox", [python, "-m", "scrm.inbox"]),
    ]


def _prepare(supervisor: Supervisor, home: Path) -> list[dict[str, str]]:
    """Tables, translations, static files and the demo, in one process of its own; the demo's logins."""
    answer = home / "logins.json"
    command = [sys.executable, str(BASE_DIR / "manage.py"), "prepare", "--logins", str(answer)]
    if os.environ.get("DEMO", "1") not in {"0", "no", "false"}:
        command.append("--demo")
    child = subprocess.Popen(command, env=_environment(), cwd=BASE_DIR, start_new_session=True)
    while child.poll() is None:
        time.sleep(0.1)
        if supervisor.stopping:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
            return []
    if child.returncode:
        raise Refused("the preparation failed; the reason is above.")
    logins: list[dict[str, str]] = json.loads(answer.read_text())
    answer.unlink()
    return logins


def _wait_ready(settings: Any, supervisor: Supervisor) -> bool:
    """Whether the web answers that it is ready; what is wrong is said while it waits."""
    address, deadline = f"http://127.0.0.1:{settings.PORT}/readyz", time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and not supervisor.stopping:
        try:
            with urllib.request.urlopen(address, timeout=3):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
            if supervisor.programs[0].process and supervisor.programs[0].process.poll() is not None:
                break
    if not supervisor.stopping:
        say(f"The web does not answer yet. See {supervisor.home / 'log' / 'web.log'}")
    return False


def _welcome(settings: Any, home: Path, logins: list[dict[str, str]]) -> None:
    say(f"\n  Ready: {settings.BASE_URL}/\n")
    if logins:
        width = max(len(login["username"]) for login in logins)
        say("  Log in as")
        for login in logins:
            say(f"    {login['username']:<{width}}   password {login['password']}")
        say("")
    else:
        say("  No demo logins here. Make the first account with: .venv/bin/python manage.py createsuperuser\n")
    say(f"  Catch-all mail server on 127.0.0.1:{settings.INBOX_PORT}; logs in {home / 'log'}. Ctrl-C stops everything.\n")


def _step(text: str, action: Any) -> None:
    began = time.monotonic()
    sys.stdout.write(f"{text} … ")
    sys.stdout.flush()
    action()
    say(f"{time.monotonic() - began:.1f} s")


def _free(port: int, name: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("BIND", "127.0.0.1"), port))
        except OSError as error:
            raise Refused(f"port {port} is taken ({error.strerror}); choose another with {name}=… make up.") from error


# -- down and reset ------------------------------------------------------------------------------


def down() -> int:
    """Stop this copy from outside, also what a killed one left running."""
    home = Path(_settings().DATA_DIR)
    if not home.exists():
        say(f"Nothing runs: there is no {home}.")
        return 0
    stopped = _end_supervisor(home)
    stopped = bool(end_leftovers(home)) or stopped
    stopped = embedded.postgres_running(home) or embedded.valkey_running(home) or stopped
    embedded.stop(home)
    say("Stopped." if stopped else "Nothing was running.")
    return 0


def reset() -> int:
    """Stop and remove every byte of this copy, after asking."""
    home = Path(_settings().DATA_DIR)
    if not home.exists():
        say(f"Nothing to remove: there is no {home}.")
        return 0
    if not _looks_ours(home):
        raise Refused(f"{home} does not look like a data directory of this product; nothing was removed.")
    if os.environ.get("FORCE", "") not in {"1", "yes", "true"} and not _agreed(home):
        say("Nothing was removed.")
        return 1
    down()
    embedded.stop(home / "test")  # the tests' servers, should a test run have been killed
    shutil.rmtree(home)
    socket_dir = embedded.socket_dir(home)
    if socket_dir.exists() and not socket_dir.is_symlink():
        shutil.rmtree(socket_dir)
    say(f"Removed {home}." + ("" if _own_servers().postgres else " The database of DATABASE_URL was not touched."))
    return 0


def _looks_ours(home: Path) -> bool:
    forbidden = {BASE_DIR, *BASE_DIR.parents, Path.home()}
    # Not the keys: merely reading the settings makes those, in whatever directory was named.
    made_here = (home / "up.pid").exists() or (home / "postgres" / "PG_VERSION").exists()
    return home not in forbidden and made_here and not (home / "manage.py").exists()


def _agreed(home: Path) -> bool:
    try:
        return input(f"Remove {home} with all members, orders and files in it? Type yes: ").strip() == "yes"
    except EOFError:
        return False


@contextmanager
def _only_one(home: Path) -> Iterator[bool]:
    """Hold the lock of this data directory; the kernel gives it back however this process ends."""
    with (home / "up.pid").open("a+") as file:
        held = _locked(file)
        if held:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield held


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _end_supervisor(home: Path) -> bool:
    record = home / "up.pid"
    if not record.exists():
        return False
    with record.open("a+") as file:
        if _locked(file):
            return False  # nobody holds it: the number inside is of the past
        file.seek(0)
        pid = int(file.read() or 0)
    try:
        process = psutil.Process(pid)
        process.terminate()
        process.wait(timeout=60)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        process.kill()
    return True


if __name__ == "__main__":
    sys.exit(main())
