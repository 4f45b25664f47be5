"""Measure everything and write it down: `make bench` (sizes by MEMBERS, ORDERS, repeats by RUNS, one by ONLY).

Every figure is a ratio of two medians taken in the same run, so a slow or busy machine moves both.
The embedded servers are started for the run when none are up; nothing of the copy's own pools is touched.
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS, PAGE = HERE / "results.json", HERE.parent / "docs" / "benchmarks.md"
MODULES = ("recalculation", "import_speed", "pool_reading", "segments", "send", "merging", "events", "models")
Row = dict[str, Any]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    members, orders = (int(os.environ.get(name, size)) for name, size in (("MEMBERS", 1_000_000), ("ORDERS", 10_000_000)))
    runs, only = max(1, int(os.environ.get("RUNS", 5))), os.environ.get("ONLY", "")
    _servers()
    found = _kept() if only else {}
    for module in MODULES:
        if only and module not in only.split(","):
            continue
        print(f"{module}: {members:,} members, {orders:,} orders, {runs} runs", flush=True)
        measured = import_module(f"benchmarks.{module}").measure(members, orders, runs)
        sizes = {"members": members, "orders": orders}
        found |= {name: {**row, **sizes} for name, row in measured.items()}
        RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        for name, row in measured.items():
            print(f"  {name}: {row['ratio']:.3g} × {row['yardstick']} (goal {row['goal']})", flush=True)
    PAGE.write_text(_page(found))


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


def _page(found: dict[str, Row]) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Each figure is a ratio of two medians taken in the same run; the goal is what we set",
        "out to reach, and a miss is marked as one. Sizes: `MEMBERS=… ORDERS=… RUNS=… make bench`;",
        "one part: `ONLY=recalculation`.",
        "",
        f"Last run {datetime.now(UTC):%Y-%m-%d} on {_machine()}: `{_command()}`.",
        "",
        "| figure | ratio | of what | goal | met | runs | members | orders |",
        "|---|---:|---|---:|---|---:|---:|---:|",
    ]
    lines += [_line(name, row) for name, row in found.items()]
    return "\n".join([*lines, ""])


def _command() -> str:
    given = [f"{name}={os.environ[name]}" for name in ("MEMBERS", "ORDERS", "RUNS", "ONLY") if name in os.environ]
    return " ".join([*given, "make bench"])


def _line(name: str, row: Row) -> str:
    more = row.get("goal_is", "at most") == "at least"
    met = row["ratio"] >= row["goal"] if more else row["ratio"] <= row["goal"]
    sign = "≥" if more else "≤"
    return (
        f"| {name} | {row['ratio']:.3g} | {row['yardstick']} | {sign} {row['goal']:g} | {'yes' if met else '**no**'} "
        f"| {row['runs']} | {row['members']:,} | {row['orders']:,} |"
    )


if __name__ == "__main__":
    sys.exit(main())
