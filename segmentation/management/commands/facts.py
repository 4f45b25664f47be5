"""The page about facts, with those that upper apps declare: manage.py facts > docs/facts.md"""

from typing import Any

from django.core.management.base import BaseCommand

from segmentation.rules.document import document


class Command(BaseCommand):
    help = "Writes docs/facts.md from the catalogue of facts."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(document(), ending="")
