"""Keys that personal data is encrypted with: how it stands, a new one, sealing anew, taking an old one away."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from members.privacy import sealing
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem


class Command(BaseCommand):
    help = "status · add a key · reseal every value with it · retire an old one · all three in turn"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", nargs="?", default="status", choices=["status", "new", "add", "reseal", "retire", "all"])
        parser.add_argument("--key", default="", help="the key to retire, as k1")

    def handle(self, *args: Any, act: str, key: str, **options: Any) -> None:
        try:
            getattr(self, f"_{act}")(key)
        except Problem as problem:
            raise CommandError(problem.message) from problem

    def _status(self, key: str = "") -> None:
        for row in sealing.counts():
            mark = "*" if row["is_current"] else " " if row["is_known"] else "!"
            tables = ", ".join(f"{name} {count}" for name, count in row["tables"].items())
            self.stdout.write(f"{mark} {row['key']:<8} {row['total']:>12}  {tables}")

        if left := sealing.unsealed():
            self.stdout.write(f"! in the clear {left:>9}  run reseal")

    def _new(self, key: str) -> None:
        self.stdout.write(sealing.fresh_key())

    def _add(self, key: str) -> None:
        self.stdout.write(f"{sealing.add_key(actor=None)} is the current key")

    def _reseal(self, key: str) -> None:
        """Here and now; a worker that has it already is left to it."""
        job = sealing.start(actor=None)
        status = running.run(job.pk)
        if status is None:
            self.stdout.write(f"job {job.pk} is at work elsewhere")
            return
        done = JobRun.objects.get(pk=job.pk)
        if status != JobRun.Status.DONE:
            raise CommandError(f"job {job.pk}: {status} {done.error}; run it again to go on")
        self.stdout.write(f"{done.result['sealed']} values sealed anew, {done.result['left']} left")

    def _retire(self, key: str) -> None:
        sealing.retire_key(key, actor=None)
        self.stdout.write(f"{key} is gone")

    def _all(self, key: str) -> None:
        before = [row["key"] for row in sealing.counts() if row["is_known"]]
        self._add(key)
        self._reseal(key)
        for name in before:
            self._retire(name)
        self._status()
