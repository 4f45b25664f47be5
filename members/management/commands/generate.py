"""`manage.py generate`: a pool of invented members, orders and events, of any size."""

import sys
import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from members import generating
from members.models import Pool
from scrm.jobs import services as jobs
from scrm.lib import clock

RECALCULATE = "segmentation.recalculate"  # a kind an upper app declares


class Command(BaseCommand):
    help = "Fill a pool with invented members, orders, events, tags and consents (repeatable by seed)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--members", type=int, default=10_000)
        parser.add_argument("--orders", type=int, default=100_000)
        parser.add_argument("--pool", default="generated", help="slug; made when there is none")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--as-of", type=datetime.fromisoformat, help="an instant with its offset; default: now")
        parser.add_argument("--identities", default="phone,email", help="phone, email, card_no; empty for none")
        parser.add_argument("--tags", type=float, default=4, help="a member, on average")
        parser.add_argument("--events", type=float, default=2, help="a member, on average")
        parser.add_argument("--lines", action="store_true", help="order lines and products too")
        parser.add_argument("--no-consents", action="store_true")
        parser.add_argument("--only-identities", action="store_true", help="give the members that are there what they lack")
        parser.add_argument("--no-recalculation", action="store_true", help="do not queue the first full recalculation")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["members"] < 1 or options["orders"] < 0:
            raise CommandError("--members must be at least 1 and --orders at least 0")
        pool, _ = Pool.objects.get_or_create(
            slug=options["pool"], defaults={"name": f"{options['members']:,} 名虚拟会员", "is_demo": True}
        )
        started = time.perf_counter()
        if options["only_identities"]:
            return self._identify(pool, options)
        made = generating.generate(pool=pool, plan=_plan(options), report=self._report)
        generating.share(pool)
        generating.tidy()
        rows = ", ".join(f"{count:,} {kind}" for kind, count in made.items())
        self.stdout.write(f"\r{pool.slug}: {rows} in {time.perf_counter() - started:.0f} s")
        if not options["no_recalculation"]:
            jobs.enqueue(kind=RECALCULATE, pool_id=pool.pk, key=f"recalculate:{pool.pk}")

    def _identify(self, pool: Pool, options: dict[str, Any]) -> None:
        plan = _plan(options)
        made = generating.identify(pool=pool, kinds=plan.identities, as_of=plan.as_of, report=self._report)
        generating.tidy()
        self.stdout.write(f"\r{pool.slug}: {made:,} identities")

    def _report(self, title: str, done: int, total: int) -> None:
        if sys.stdout.isatty():
            self.stdout.write(f"\r{title:<12}{done / total:>5.0%}", ending="")


def _plan(options: dict[str, Any]) -> generating.Plan:
    kinds = tuple(kind for kind in options["identities"].split(",") if kind)
    if unknown := set(kinds) - {"phone", "email", "card_no"}:
        raise CommandError(f"--identities knows phone, email and card_no, not {', '.join(sorted(unknown))}")
    return generating.Plan(
        members=options["members"],
        orders=options["orders"],
        as_of=options["as_of"] or clock.now(),
        seed=options["seed"],
        identities=kinds,
        tags=options["tags"],
        events=options["events"],
        lines=options["lines"],
        consents=not options["no_consents"],
    )
