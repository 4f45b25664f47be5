"""Measure everything and write it down: `make bench` (sizes by MEMBERS, ORDERS, repeats by RUNS, parts by ONLY).

Every figure is a ratio of two medians taken in the same run, so a slow or busy machine moves both; those of
`growth` are exponents. What ONLY leaves out keeps its figures, with the day and the command of their own run;
NOTE="while others worked" stands beside it. The embedded servers are started for the run when none are up; nothing of
the copy's own pools is touched.
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import page

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
MODULES = (
    "recalculation", "import_speed", "pool_reading", "segments", "portraits", "send", "merging", "events", "tags", "models",
    "nightly", "growth",
)  # fmt: skip
NAMES = ("MEMBERS", "ORDERS", "RUNS", "SIZES", "RECIPIENTS")
Row = dict[str, Any]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    members, orders = (int(os.environ.get(name, size)) for name, size in (("MEMBERS", 1_000_000), ("ORDERS", 10_000_000)))
    runs, only = max(1, int(os.environ.get("RUNS", 5))), os.environ.get("ONLY", "")
    _servers()
    machine, found = _machine(), _kept() if only else {}
    for module in only.split(",") if only else MODULES:
        print(f"{module}: {members:,} members, {orders:,} orders, {runs} runs", flush=True)
        measured = import_module(f"benchmarks.{module}").measure(members, orders, runs)
        about = {"module": module, "on": f"{datetime.now(UTC):%Y-%m-%d}", "command": _command(module), "machine": machine}
        about["note"] = os.environ.get("NOTE", "")
        rest = {name: row for name, row in found.items() if row.get("module") != module}
        found = rest | {name: {"members": members, "orders": orders, **row, **about} for name, row in measured.items()}
        RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        page.write(found)
        for name, row in measured.items():
            print(f"  {name}: {row['ratio']:.3g} × {row['yardstick']} (goal {row['goal']})", flush=True)


def _kept() -> dict[str, Row]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def _servers() -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    from scrm import embedded

    if "DATABASE_URL" not in os.environ:
        embedded.start(settings.DATA_DIR)
    django.setup()
    call_command("migrate", verbosity=0)


def _machine() -> str:
    from scrm.lib import sql

    ((version,),) = sql.fetch("SELECT split_part(version(), ' ', 2)")
    about = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in about if "model name" in line), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Python {platform.python_version()}, PostgreSQL {version}"


def _command(module: str) -> str:
    """What makes these figures again, alone."""
    given = [f"{name}={os.environ[name]}" for name in NAMES if name in os.environ]
    return " ".join([*given, f"ONLY={module}", "make bench"])


if __name__ == "__main__":
    sys.exit(main())
