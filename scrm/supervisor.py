"""Keeps a few programs running: starts them, restarts those that die, stops all of them cleanly."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PATIENCE = 10.0  # seconds between TERM and KILL
LARGEST_LOG = 20 * 1024**2


@dataclass
class Program:
    """One long-running command with a log file and a back-off."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0


@dataclass
class Supervisor:
    """Programs of one data directory. `run` returns when it is told to stop."""

    home: Path
    programs: list[Program]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stopping: bool = False
    impatient: bool = False

    def listen(self) -> None:
        """Ctrl-C, `kill` and a closed terminal all mean: stop. A second Ctrl-C means: at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._told)

    def _told(self, number: int, frame: object) -> None:
        self.impatient = self.stopping and number == signal.SIGINT
        self.stopping = True

    def start(self) -> None:
        """Start every program."""
        (self.home / "log").mkdir(exist_ok=True)
        for program in self.programs:
            self._launch(program)

    def run(self) -> None:
        """Watch until told to stop, then stop everything."""
        while not self.stopping:
            for program in self.programs:
                self._watch(program)
            time.sleep(0.3)
        self.stop()

    def stop(self) -> None:
        """TERM to all at once, KILL to the groups of those that are still there after a while."""
        living = [program.process for program in self.programs if program.process and program.process.poll() is None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + PATIENCE
        while any(process.poll() is None for process in living) and time.monotonic() < deadline and not self.impatient:
            time.sleep(0.05)
        for program in self.programs:
            self._kill_group(program)
        self._pids().unlink(missing_ok=True)

    def _kill_group(self, program: Program) -> None:
        if program.process is None:
            return
        # Each program leads its own group; what it left behind goes with it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.process.pid, signal.SIGKILL)
        program.process.wait()

    def _launch(self, program: Program) -> None:
        with self._log(program).open("ab") as log:
            program.process = subprocess.Popen(
                program.command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        program.started = time.monotonic()
        self._remember()

    def _watch(self, program: Program) -> None:
        now = time.monotonic()
        if program.process is None:
            if now >= program.due:
                self._launch(program)
        elif program.process.poll() is not None:
            self._died(program, now)
        elif self._log(program).stat().st_size > LARGEST_LOG:
            os.truncate(self._log(program), 0)  # opened for appending, so writing goes on at the start

    def _died(self, program: Program, now: float) -> None:
        assert program.process is not None
        code = program.process.returncode
        self._kill_group(program)
        program.failures = 1 if now - program.started > 60 else program.failures + 1
        wait = min(2 ** (program.failures - 1), 30)
        program.process, program.due = None, now + wait
        say(f"{program.name} ended ({_reason(code)}); it starts again in {wait} s. See {self._log(program)}")

    def _log(self, program: Program) -> Path:
        return self.home / "log" / f"{program.name}.log"

    def _pids(self) -> Path:
        return self.home / "programs.json"

    def _remember(self) -> None:
        """Which processes are ours, for whoever cleans up should this one be killed."""
        living = [p.process.pid for p in self.programs if p.process and p.process.poll() is None]
        ours = [(pid, psutil.Process(pid).create_time()) for pid in living]
        self._pids().write_text(json.dumps(ours))


def end_leftovers(home: Path) -> int:
    """End the programs of a supervisor that was killed; the number that were still running."""
    record, ended = home / "programs.json", 0
    try:
        remembered = json.loads(record.read_text())
    except (OSError, ValueError):
        return 0
    for pid, created in remembered:
        ended += _end(pid, created)
    record.unlink(missing_ok=True)
    return ended


def _end(pid: int, created: float) -> bool:
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - created) > 1:
            return False  # the number has been given to someone else
        family = [process, *process.children(recursive=True)]
        process.terminate()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    except psutil.Error:
        return False
    for member in alive:
        member.kill()
    return True


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def say(text: str) -> None:
    """A line to the person at the terminal."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
