"""docs/benchmarks.md: every figure with its goal, and which run it is of."""

from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, PLOT = DOCS / "benchmarks.md", DOCS / "growth.svg"
Row = dict[str, Any]
Run = tuple[str, ...]  # day, command, machine, note
GROWTH = "growth_"  # how figures begin that are exponents


def write(found: dict[str, Row]) -> None:
    """Write the page anew from all figures."""
    runs = list(dict.fromkeys(_run(row) for row in found.values()))
    number = {run: place for place, run in enumerate(runs, start=1)}
    ratios = {name: row for name, row in found.items() if not name.startswith(GROWTH)}
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Each figure is a ratio to what the third column names: mostly another measurement of",
        "the same run, else a fixed limit. The goal is what we set out to reach, and a miss is marked as one.",
        "Sizes: `MEMBERS=… ORDERS=… RUNS=… make bench`;",
        "one part: `ONLY=recalculation`. The last column names the run, of those listed below.",
        "",
        "| figure | ratio | of what | goal | met | runs | members | orders | run |",
        "|---|---:|---|---:|---|---:|---:|---:|---:|",
        *(_line(name, row, number) for name, row in ratios.items()),
        "",
        *_growth({name: row for name, row in found.items() if name.startswith(GROWTH)}, number),
        "## Runs",
        "",
        *(_told(place, *run) for run, place in number.items()),
    ]
    PAGE.write_text("\n".join([*lines, ""]))


def _growth(found: dict[str, Row], number: dict[Run, int]) -> list[str]:
    if not found:
        return []
    sizes = next(iter(found.values()))["sizes"]
    heads = [f"{size:,}" for size in sizes]
    return [
        "## Growth",
        "",
        "How the time of each grows with the number of members, everything else being as dense: the exponent that fits",
        "the medians best on logarithmic scales (1: twice the members, twice the time).",
        "",
        "![Time by number of members, both on logarithmic scales](growth.svg)",
        "",
        f"| figure | exponent | goal | met | runs | {' | '.join(f'{head} members' for head in heads)} | run |",
        f"|---|---:|---:|---|---:|{'---:|' * len(heads)}---:|",
        *(_grown(name, row, number) for name, row in found.items()),
        "",
    ]


def _line(name: str, row: Row, number: dict[Run, int]) -> str:
    sign = "≥" if _is_more(row) else "≤"
    return (
        f"| {name} | {row['ratio']:.3g} | {row['yardstick']} | {sign} {row['goal']:g} | {_met(row)} "
        f"| {row['runs']} | {row['members']:,} | {row['orders']:,} | {number[_run(row)]} |"
    )


def _grown(name: str, row: Row, number: dict[Run, int]) -> str:
    took = " | ".join(f"{seconds:.3g} s" for seconds in row["seconds"])
    exponent = f"{row['ratio']:.2f} | ≤ {row['goal']:g} | {_met(row)}"
    return f"| {name.removeprefix(GROWTH)} | {exponent} | {row['runs']} | {took} | {number[_run(row)]} |"


def _is_more(row: Row) -> bool:
    return row.get("goal_is", "at most") == "at least"


def _met(row: Row) -> str:
    met = row["ratio"] >= row["goal"] if _is_more(row) else row["ratio"] <= row["goal"]
    return "yes" if met else "**no**"


def _run(row: Row) -> Run:
    return row["on"], row["command"], row["machine"], row.get("note", "")


def _told(place: int, on: str, command: str, machine: str, note: str) -> str:
    return f"{place}. {on}: `{command}` on {machine}" + (f" ({note})" if note else "")
