"""A campaign rendered per member into a null sink, against the bare loop of claiming and recording the same rows.

    RECIPIENTS=300000 RUNS=5 python -m benchmarks.send

Both run in a process of their own on deliveries planned afresh; the worker's peak memory is that process's.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

GOAL, MEMORY_GOAL = 2.0, 500  # half the speed of the bare loop is twice its time
AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
CHUNK = 500
BODY = """{{member.name|default:"您"}}，您好！

您在**{{pool.name}}**已消费 {{order.total}} 元，共 {{order.count}} 单。最近一次是 {{order.last_date}}。

[领取回归礼]({{campaign.link}}) 使用券码 {{coupon.code}}，全场可用。更多活动见 https://shop.example/events

{{member.city|default:"您所在城市"}}的门店同享。"""

MEMBERS = """
INSERT INTO members_member (id, pool_id, status, name, gender, province, city, attributes, joined_at, updated_at, is_demo)
SELECT nextval('members_member_id_seq'), %(pool)s, 2, '会员' || i, 0, '', (ARRAY['上海', '北京', ''])[1 + i %% 3], '{}',
  %(at)s, %(at)s, false
FROM generate_series(1, %(n)s) AS i"""
STATES = """
INSERT INTO members_memberstate
  (member_id, pool_id, order_count, amount_total, first_order_at, last_order_at, window_count, window_amount, stage)
SELECT id, pool_id, 1 + id %% 9, id %% 100000, joined_at, joined_at, 0, 0, 1 FROM members_member WHERE pool_id = %(pool)s"""
CONSENTS = """
INSERT INTO members_consent (member_id, carrier, purpose, granted, at, source, wording)
SELECT id, 'email', 'marketing', true, joined_at, 'bench', '' FROM members_member WHERE pool_id = %(pool)s"""
ADDRESSES = """
COPY members_identity (pool_id, kind, value_hash, member_id, value, sealed, hint, tail, seen_at) FROM STDIN"""
CLAIM = """
UPDATE touchpoints_delivery SET status = 20, lease_token = gen_random_uuid(), lease_until = clock_timestamp() + interval '60 s'
WHERE step_id = %(step)s AND member_id = ANY (ARRAY(
  SELECT member_id FROM touchpoints_delivery WHERE step_id = %(step)s AND status IN (10, 20) AND next_at <= %(now)s
  AND (status = 10 OR lease_until < clock_timestamp()) ORDER BY next_at LIMIT %(n)s FOR UPDATE SKIP LOCKED))
RETURNING member_id"""
RECORD = """
UPDATE touchpoints_delivery SET status = 40, sent_at = %(now)s, lease_token = NULL, lease_until = NULL
WHERE step_id = %(step)s AND member_id = ANY(%(members)s::bigint[])"""


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Deliveries a second of one worker, as a share of the bare loop's; the worker's peak memory."""
    n = int(os.environ.get("RECIPIENTS", min(members, 300_000)))
    pool = _pool(n)
    bare, full, memory = [], [], []
    for run in range(runs):
        bare.append(_timed("bare", _planned(pool, n, f"bare:{run}"))["seconds"])
        done = _timed("full", _planned(pool, n, f"full:{run}"))
        full.append(done["seconds"])
        memory.append(done["mb"])
    speed = {"deliveries_per_second": round(n / statistics.median(full)), "recipients": n}
    print(f"send {full} bare {bare} peak {max(memory):.0f} MB, {speed}")
    return {
        "send": {
            "ratio": statistics.median(full) / statistics.median(bare),
            "yardstick": f"bare claim + record loop over the same {n:,} deliveries, one process",
            "goal": GOAL,
            "runs": runs,
            "seconds": statistics.median(full),
            **speed,
        },
        "send_memory": {"ratio": max(memory) / MEMORY_GOAL, "yardstick": f"{MEMORY_GOAL} MB", "goal": 1.0, "runs": runs},
    }


def _timed(what: str, step_id: int) -> dict[str, float]:
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.send", what, str(step_id)], check=True, capture_output=True, text=True
    )
    return json.loads(found.stdout.strip().splitlines()[-1])


def _pool(n: int) -> Any:
    """A pool of members with sealed addresses, made once per size."""
    import io

    from members.models import Member, Pool
    from scrm.lib import crypto, sql

    quiet = {"policy": {"quiet_start": "", "quiet_end": "", "cap_day": 20, "cap_week": 100}}
    pool, made = Pool.objects.get_or_create(slug=f"bench-send-{n}", defaults={"name": "压测", "settings": quiet})
    if made:
        params = {"pool": pool.pk, "n": n, "at": AS_OF}
        for statement in (MEMBERS, STATES, CONSENTS):
            sql.run(statement, params)
        lines = io.BytesIO()
        for number in Member.objects.filter(pool=pool).values_list("pk", flat=True).iterator():
            address = f"m{number}@example.com"
            mark, sealed = crypto.fingerprint(f"email:{address}").hex(), crypto.encrypt(address, "email").hex()
            lines.write(f"{pool.pk}\temail\t\\\\x{mark}\t{number}\t\t\\\\x{sealed}\tm***\t\t{AS_OF.isoformat()}\n".encode())
        lines.seek(0)
        sql.copy_in(ADDRESSES, lines)
        sql.run("ANALYZE members_member, members_identity, members_memberstate, members_consent")
    return pool


def _planned(pool: Any, n: int, source: str) -> int:
    """A step whose deliveries are planned by the product itself; those of earlier runs are gone."""
    from psycopg2 import sql as pg

    from scrm.lib import sql
    from touchpoints import services
    from touchpoints.models import Connector, Content, Step

    sql.run("DELETE FROM touchpoints_delivery WHERE pool_id = %(pool)s", {"pool": pool.pk})
    Step.objects.filter(pool=pool).delete()
    connector = Connector.objects.filter(pool=pool).first() or services.save_connector(
        pool=pool, key="fake", name="null", config={"mode": "null"}
    )
    content = Content.objects.filter(pool=pool).first() or services.save_content(
        pool=pool, carrier="email", name="c", subject="{{member.name}}，好久不见", body=BODY, link="https://shop.example/back"
    )
    shared = {"campaign.name": "老客回归", "coupon.code": "BACK20"}
    step = services.open_step(pool=pool, source=f"{source}:{time.time_ns()}", connector=connector, due_at=AS_OF, variables=shared)
    everybody = pg.SQL(
        "SELECT id AS member_id, %(content)s::bigint AS content_id FROM members_member WHERE pool_id = %(bench_pool)s"
    )
    candidates = services.Candidates(everybody, {"content": content.pk, "bench_pool": pool.pk})
    report = services.plan_deliveries(step=step, candidates=candidates, as_of=AS_OF)
    assert report.planned == n, report
    sql.run("VACUUM (ANALYZE) touchpoints_delivery")
    return step.pk


# -- In the process of its own -------------------------------------------------------------------
def _bare(step_id: int) -> None:
    from scrm.lib import sql

    while found := sql.fetch(CLAIM, {"step": step_id, "n": CHUNK, "now": AS_OF}):
        sql.run(RECORD, {"step": step_id, "now": AS_OF, "members": [member for (member,) in found]})


def _full(step_id: int) -> None:
    from touchpoints import outbox

    done = outbox.pump(step_id, as_of=AS_OF, seconds=3600, chunk=CHUNK)
    assert done.stopped == "done", done


def _child(what: str, step_id: int) -> None:
    import django

    django.setup()
    from scrm.lib import sql

    sql.fetch("SELECT 1")
    began = time.perf_counter()
    {"bare": _bare, "full": _full}[what](step_id)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    if len(sys.argv) == 3:
        _child(sys.argv[1], int(sys.argv[2]))
        return
    from benchmarks.__main__ import _servers

    _servers()
    found = measure(int(os.environ.get("MEMBERS", 300_000)), 0, int(os.environ.get("RUNS", 5)))
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
