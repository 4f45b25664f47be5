"""Programs are kept running and stopped without leftovers."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from scrm import supervisor
from scrm.supervisor import Program, Supervisor, end_leftovers

SLEEPER = "import time\nprint('up', flush=True)\ntime.sleep(600)"
STUBBORN = "import signal, subprocess, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
STUBBORN += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\nprint('up', flush=True)\ntime.sleep(600)"


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[str], Supervisor]]:
    """Runs one program under a supervisor in the background."""
    running: list[tuple[Supervisor, threading.Thread]] = []

    def begin(code: str) -> Supervisor:
        keeper = Supervisor(tmp_path, [Program("it", [sys.executable, "-c", code])])
        keeper.start()
        thread = threading.Thread(target=keeper.run)
        thread.start()
        running.append((keeper, thread))
        return keeper

    yield begin
    for keeper, thread in running:
        keeper.stopping = True
        thread.join(120)


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def log_of(keeper: Supervisor) -> str:
    file = keeper.home / "log" / "it.log"
    return file.read_text() if file.exists() else ""


def test_a_program_that_dies_starts_again(watch: Callable[[str], Supervisor], capsys: pytest.CaptureFixture[str]) -> None:
    keeper = watch(SLEEPER)
    until(lambda: "up" in log_of(keeper))
    psutil.Process(keeper.programs[0].process.pid).kill()
    until(lambda: log_of(keeper).count("up") == 2)
    assert "it ended (signal SIGKILL); it starts again in 1 s" in capsys.readouterr().out


def test_a_program_that_keeps_dying_is_given_more_time(
    watch: Callable[[str], Supervisor], capsys: pytest.CaptureFixture[str]
) -> None:
    keeper = watch("raise SystemExit(3)")
    until(lambda: keeper.programs[0].failures == 2)
    told = capsys.readouterr().out
    assert "(exit code 3); it starts again in 1 s" in told
    assert "it starts again in 2 s" in told


def test_stopping_ends_also_what_ignores_it_and_its_children(
    watch: Callable[[str], Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "PATIENCE", 0.5)
    keeper = watch(STUBBORN)
    until(lambda: "up" in log_of(keeper))
    leader = psutil.Process(keeper.programs[0].process.pid)
    family = [leader, *leader.children()]
    assert len(family) == 2
    keeper.stopping = True
    until(lambda: not any(_lives(process) for process in family))
    assert not (keeper.home / "programs.json").exists()


def test_leftovers_of_a_killed_supervisor_are_ended(tmp_path: Path) -> None:
    keeper = Supervisor(tmp_path, [Program("it", [sys.executable, "-c", SLEEPER])])
    keeper.start()
    process = keeper.programs[0].process
    assert end_leftovers(tmp_path) == 1
    assert not psutil.pid_exists(process.pid)
    assert end_leftovers(tmp_path) == 0


def test_a_number_that_was_given_to_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "programs.json").write_text(json.dumps([[os.getpid(), 1.0]]))
    assert end_leftovers(tmp_path) == 0


def test_logs_do_not_grow_for_ever(watch: Callable[[str], Supervisor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LARGEST_LOG", 1000)
    keeper = watch("import time\nwhile True:\n    print('x' * 99, flush=True)\n    time.sleep(0.01)")
    until(lambda: len(log_of(keeper)) > 1000)
    until(lambda: len(log_of(keeper)) < 1000)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
