"""Tags at full size: a rule's tag given to 300,000 members for the first time, brought up to date, and run out.

    MEMBERS=1000000 RUNS=3 python -m benchmarks.tags

Ten member-tags a member lie beside it. The yardstick writes the same 300,000 rows to the same table with one bare
INSERT … SELECT, without history, checks of rivals or a run.
"""

import json
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
SHARE, GOAL = 0.6, 4.0
MEMBERS = """
INSERT INTO members_member (id, pool_id, status, name, gender, province, city, attributes, joined_at, updated_at, is_demo)
SELECT nextval('members_member_id_seq'), %(pool)s, 2, '会员' || i, 0, '', '', '{}', %(at)s, %(at)s, false
FROM generate_series(1, %(n)s) AS i"""
CARRIED = """
INSERT INTO members_membertag (member_id, tag_id, at)
SELECT m.id, t.tag, %(at)s FROM members_member AS m CROSS JOIN unnest(%(tags)s::bigint[]) AS t (tag)
WHERE m.pool_id = %(pool)s"""
BARE = """
INSERT INTO members_membertag (member_id, tag_id, at)
SELECT m.id, %(tag)s, %(at)s FROM members_member AS m WHERE m.id = ANY(%(ids)s::bigint[]) ORDER BY m.id"""


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """First application, a tenth changed, nothing changed, and expiry; each over the bare insert."""
    from pyroaring import BitMap

    from members.models import Member

    pool = _pool(members)
    ids = list(Member.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True))
    size = min(int(len(ids) * SHARE), 300_000)
    first, second = BitMap(ids[:size]), BitMap(ids[size : size + size // 10])
    changed = (first - BitMap(list(first)[: size // 10])) | second
    times: dict[str, list[float]] = {name: [] for name in ("bare", "first", "tenth", "nothing", "expiry")}
    for _run in range(runs):
        for name, took in _one(pool, first, changed).items():
            times[name].append(took)
    print(f"tags at {len(ids):,} members, {size:,} carriers: {times}")
    bare = statistics.median(times["bare"])
    return {
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


def _pool(members: int) -> Any:
    """Members and ten tags on each; made once per size."""
    from members.models import Pool, Tag, TagGroup
    from scrm.lib import sql

    pool, made = Pool.objects.get_or_create(slug=f"bench-tags-{members}", defaults={"name": "压测"})
    if made:
        sql.run(MEMBERS, {"pool": pool.pk, "n": members, "at": AS_OF})
        group = TagGroup.objects.create(pool=pool, name="压测")
        tags = [Tag.objects.create(pool=pool, group=group, name=str(n)).pk for n in range(10)]
        for tag in tags:
            sql.run(CARRIED, {"pool": pool.pk, "tags": [tag], "at": AS_OF})
        sql.run("VACUUM ANALYZE members_member")
        sql.run("VACUUM ANALYZE members_membertag")
    return pool


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    from benchmarks.__main__ import _servers

    _servers()
    found = measure(int(os.environ.get("MEMBERS", 1_000_000)), 0, int(os.environ.get("RUNS", 3)))
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
