"""Load the demo pool with a progress bar; again does nothing."""

import sys
import time
from typing import Any

from django.core.management.base import BaseCommand

from scrm.demo.load import Demo, counts

WIDTH = 32


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        pool = Demo(self.report).load()
        self.stdout.write(f"\n{pool.name}: {counts(pool)['members']:,} members, {time.monotonic() - started:.0f} s")

    def report(self, share: float, text: str) -> None:
        """One line that grows on a terminal, a line per step elsewhere."""
        bar = "█" * round(share * WIDTH) + "·" * (WIDTH - round(share * WIDTH))
        on_terminal = sys.stdout.isatty()
        self.stdout.write(f"{chr(13) if on_terminal else ''}{bar} {share:4.0%} {text}    ", ending="" if on_terminal else "\n")
        self.stdout.flush()
