"""Tags at full size: a rule's tag given to 300,000 members for the first time, brought up to date, and run out.

    MEMBERS=1000000 ORDERS=10000000 RUNS=3 ONLY=tags make bench

Ten member-tags a member lie beside it. The yardstick writes the same 300,000 rows to the same table with one bare
INSERT … SELECT, without history, checks of rivals or a run. What the report counts is held against two seconds.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import generated

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
SHARE, GOAL, SECONDS = 0.6, 4.0, 2.0
BARE = """
INSERT INTO members_membertag (member_id, tag_id, at)
SELECT m.id, %(tag)s, %(at)s FROM members_member AS m WHERE m.id = ANY(%(ids)s::bigint[]) ORDER BY m.id"""


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """First application, a tenth changed, nothing changed, and expiry; each over the bare insert."""
    from pyroaring import BitMap

    from members.models import Member

    pool = generated.pool(members, orders)
    ids = list(Member.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True))
    size = min(int(len(ids) * SHARE), 300_000)
    first, second = BitMap(ids[:size]), BitMap(ids[size : size + size // 10])
    changed = (first - BitMap(list(first)[: size // 10])) | second
    times: dict[str, list[float]] = {name: [] for name in ("bare", "first", "tenth", "nothing", "expiry", "figures", "likeness")}
    for _run in range(runs):
        for name, took in (_one(pool, first, changed) | _counted(pool)).items():
            times[name].append(took)
    print(f"tags at {len(ids):,} members, {size:,} carriers: {times}")
    bare = statistics.median(times["bare"])
    entries = {
        f"tag_{name}": {
            "ratio": statistics.median(times[name]) / SECONDS,
            "yardstick": f"{SECONDS:g} s",
            "goal": 1.0,
            "runs": runs,
            "seconds": statistics.median(times[name]),
        }
        for name in ("figures", "likeness")
    }
    return entries | {
        f"tag_{name}": {
            "ratio": statistics.median(times[name]) / bare,
            "yardstick": f"bare INSERT of the same {size:,} rows",
            "goal": GOAL,
            "runs": runs,
            "seconds": statistics.median(times[name]),
        }
        for name in ("first", "tenth", "nothing", "expiry")
    }


def _one(pool: Any, first: Any, changed: Any) -> dict[str, float]:
    from members import tagging
    from members.models import MemberTag, Tag, TagChange, TagGroup
    from members.sets import array
    from members.tagging.expiring import expire
    from scrm.lib import sql

    group, _made = TagGroup.objects.get_or_create(pool=pool, name="压测规则", defaults={"is_exclusive": True})
    tag = Tag.objects.create(pool=pool, group=group, name=str(time.time_ns()), source=Tag.Source.RULE)
    took, rule = {}, TagChange.How.RULE

    def clock(name: str, act: Any) -> None:
        sql.fetch("SELECT 1")
        began = time.perf_counter()
        act()
        took[name] = time.perf_counter() - began

    clock("bare", lambda: sql.run(BARE, {"tag": tag.pk, "at": AS_OF, "ids": array(first)}))
    sql.run("DELETE FROM members_membertag WHERE tag_id = %(tag)s", {"tag": tag.pk})
    sql.run("VACUUM ANALYZE members_membertag")
    clock("first", lambda: tagging.keep(tag=tag, wanted=first, how=rule, as_of=AS_OF))
    clock("tenth", lambda: tagging.keep(tag=tag, wanted=changed, how=rule, as_of=AS_OF + timedelta(days=1)))
    clock("nothing", lambda: tagging.keep(tag=tag, wanted=changed, how=rule, as_of=AS_OF + timedelta(days=2)))
    MemberTag.objects.filter(tag=tag).update(due=AS_OF + timedelta(days=3))
    clock("expiry", lambda: expire(as_of=AS_OF + timedelta(days=3)))
    sql.run("DELETE FROM members_tagchange WHERE tag_id = %(tag)s", {"tag": tag.pk})
    Tag.everything.filter(pk=tag.pk).delete()
    return took


def _counted(pool: Any) -> dict[str, float]:
    """What the pages of tags show: carriers and coverage, and the pairs that are alike."""
    from members.tagging import figures

    counted, likely = figures.read(pool, AS_OF)
    return {"figures": counted.seconds, "likeness": likely.seconds}
