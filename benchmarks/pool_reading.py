"""Searching and listing a big pool while eight people do so: whole answers of the page, rendered, by processes of their own.

The yardstick is a count over the pool's members, taken alone in the same run: what one look at everybody costs.

    MEMBERS=100000 ORDERS=1000000 ONLY=pool_reading make bench
"""

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import generated

READERS = 8
ROUNDS = 3  # of every question, per reader and run
GOALS = {"search": {50: 1.0, 95: 2.0}, "list": {50: 1.0, 95: 3.0}}
WORDS = ("王", "王敏", "李伟", "思远", "刘子涵", "欣怡", "龚瑶")
LISTS = (
    "",
    "sort=-amount",
    "sort=-orders",
    "sort=-last_order",
    "sort=amount",
    "stage=1",
    "stage=0&sort=-amount",
    "city=杭州",
    "city=杭州&stage=1&gender=2",
    "tag={tag}",
    "tag={tag}&tag_not={other}&sort=-amount",
    "rfm=7&orders_min=3&sort=-last_order",
    "age_min=30&age_max=35&channel=6",
    "amount_min=5000&joined_min=2026-01-01&sort=-amount",
    "consent=sms&identity=phone&sort=-last_order",
    "rfm=1&tag={rare}&city=杭州&sort=-amount",
    "stage=0&orders_min=3",
)


def questions(pool: Any, chance: random.Random) -> list[tuple[str, str]]:
    """(kind, query string): names, ends of phones, whole identities; filters and orders."""
    from members.models import Member, Tag

    tags = list(Tag.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True))
    first = Member.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True)[0]
    total = Member.objects.filter(pool=pool).count()
    numbers = [first + chance.randrange(total) for _ in range(5)]
    searches = [f"q={word}" for word in WORDS]
    searches += [f"q={numbers[0] % 10_000:04d}", f"q={numbers[1] % 1_000_000:06d}"]
    searches += [f"q=100{numbers[2]:08d}", f"q=m{numbers[3]}@example.com", f"q={numbers[4]}"]
    lists = [text.format(tag=tags[0], other=tags[9], rare=tags[25]) for text in LISTS]
    return [("search", text) for text in searches] + [("list", text) for text in lists]


def read(slug: str, seed: int, rounds: int) -> dict[str, list[float]]:
    """One reader: every question in an order of its own; seconds per answer. The first round warms up."""
    from django.test import Client

    from members.models import Member, Pool
    from scrm.staff.models import User

    pool, chance = Pool.objects.get(slug=slug), random.Random(seed)  # noqa: S311 - which members are asked for
    client, took = Client(headers={"HX-Request": "true", "Host": "localhost"}), dict[str, list[float]]()
    client.force_login(User.objects.get(username="bench-reader"))
    for n in range(rounds + 1):
        asked = questions(pool, chance)
        chance.shuffle(asked)
        for kind, query in asked:
            started = time.perf_counter()
            answer = client.get(f"/p/{slug}/members/?{query}")
            seconds = time.perf_counter() - started
            if answer.status_code != 200:
                raise RuntimeError(f"{query}: {answer.status_code}")
            _note(took, n, kind, query, seconds)
        _note(took, n, "key", "", _timed(lambda: Member.objects.filter(pk=chance.randrange(2**31)).first()))
    return took


def _note(took: dict[str, list[float]], n: int, kind: str, query: str, seconds: float) -> None:
    if n:
        took.setdefault(kind, []).append(seconds)
        if kind == "list":
            took.setdefault(f"list?{query}", []).append(seconds)


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """The median and the slowest twentieth of searches and lists, as ratios to a count over the pool."""
    pool = generated.pool(members, orders)
    _prepare(pool)
    from members.models import Member

    def count() -> None:
        Member.objects.filter(pool=pool, merged_into=None).count()

    count()
    scan, took = list[float](), dict[str, list[float]]()
    for run in range(runs):
        scan += [_timed(count) for _ in range(3)]
        for kind, seconds in _crowd(pool.slug, run).items():
            took.setdefault(kind, []).extend(seconds)
    return {f"pool_{kind}_p{part}": _entry(took, scan, kind, part) for kind in ("search", "list") for part in (50, 95)}


def _prepare(pool: Any) -> None:
    """Identities where the pool has none, and somebody who may read it."""
    from members import generating
    from members.models import Identity, PoolAccess
    from scrm.staff.models import User

    if not Identity.objects.filter(pool=pool).exists():
        generating.identify(pool=pool, kinds=("phone", "email"), as_of=generated.AS_OF)
        generating.tidy()
    user, _made = User.objects.get_or_create(username="bench-reader")
    PoolAccess.objects.get_or_create(user=user, pool=pool, defaults={"role": "analyst"})


def _crowd(slug: str, run: int) -> dict[str, list[float]]:
    """All readers at once; every answer of all of them."""
    home = Path(__file__).resolve().parent.parent
    readers = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.pool_reading", slug, str(run * READERS + n), str(ROUNDS)],
            cwd=home,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(READERS)
    ]
    found: dict[str, list[float]] = {}
    for reader in readers:
        said, _ = reader.communicate()
        for kind, seconds in json.loads(said.splitlines()[-1]).items():
            found.setdefault(kind, []).extend(seconds)
    return found


def _entry(took: dict[str, list[float]], scan: list[float], kind: str, part: int) -> dict[str, Any]:
    ours, yardstick = _share(took[kind], part), statistics.median(scan)
    slow = {name.removeprefix("list?"): round(_share(took[name], 95), 4) for name in took if name.startswith("list?")}
    return {
        "ratio": round(ours / yardstick, 4),
        "yardstick": f"a count over the pool, alone: {yardstick * 1000:.0f} ms ({READERS} readers wait {ours * 1000:.0f} ms)",
        "goal": GOALS[kind][part],
        "runs": len(took[kind]),
        "seconds": round(ours, 4),
        "by_key": round(_share(took["key"], part), 5),
        **({"each_p95": slow} if kind == "list" and part == 95 else {}),
    }


def _share(seconds: list[float], part: int) -> float:
    """The time that so many percent of the answers stay below."""
    return sorted(seconds)[min(len(seconds) - 1, len(seconds) * part // 100)]


def _timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    django.setup()
    print(json.dumps(read(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
