"""Everything a copy needs before its programs start: tables, translations, static files, the demo."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import BaseCommand

ROLES = ("admin", "operator", "marketer", "analyst")


class Command(BaseCommand):
    """`manage.py prepare [--demo]`: harmless to repeat."""

    help = "Migrate, compile translations, collect static files and, with --demo, load the demo."
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="load the demo unless it is there already")
        parser.add_argument("--logins", type=Path, help="write the demo's logins to this file, as JSON")

    def handle(self, *args: Any, demo: bool, logins: Path | None, **options: Any) -> None:
        self.step("Tables")
        call_command("migrate", interactive=False, verbosity=0, skip_checks=False)
        self.step("Translations")
        call_command("messages", compile=True)
        self.step("Static files")
        call_command("collectstatic", interactive=False, verbosity=0)
        if demo:
            self.step("Demo")
            call_command("demo")
        if logins:
            logins.write_text(json.dumps(demo_logins()))

    def step(self, name: str) -> None:
        """Say what comes next."""
        self.stdout.write(f"{name} …")
        self.stdout.flush()


def demo_logins() -> list[dict[str, str]]:
    """The demo's accounts that still have the demo's password; nobody else's."""
    pairs = [(role, f"demo-{role}") for role in ROLES]
    return [{"username": name, "password": word} for name, word in pairs if authenticate(username=name, password=word)]
