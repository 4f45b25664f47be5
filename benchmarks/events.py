"""Events over the API, in batches of 1,000, against the bare statement that inserts the same rows.

    MEMBERS=100000 RUNS=5 python -m benchmarks.events

One process, through the whole of the web stack: address, token, checks, look-up of identities, the insert, the list of
touched members. The yardstick writes the same rows to the same table with the product's own INSERT and nothing else.
"""

import json
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
BATCH, BATCHES, GOAL = 1000, 20, 4.0
MEMBERS = """
INSERT INTO members_member (id, pool_id, status, name, gender, province, city, attributes, joined_at, updated_at, is_demo)
SELECT nextval('members_member_id_seq'), %(pool)s, 2, '会员' || i, 0, '', '', '{}', %(at)s, %(at)s, false
FROM generate_series(1, %(n)s) AS i"""
IDENTITIES = "COPY members_identity (pool_id, kind, value_hash, member_id, value, hint, tail, seen_at) FROM STDIN"


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Time of the API over the bare insert's; events a second of one process beside it."""
    pool = _pool(min(members, 100_000))
    client, known = _client(pool), _known(pool)
    bare, full = [], []
    for _run in range(runs):
        salt = str(time.time_ns())  # the same events again would be known
        bare.append(_bare(pool, known, f"bare-{salt}"))
        full.append(_full(client, known, f"full-{salt}"))
    rows = BATCH * BATCHES
    print(f"events full {full} bare {bare}")
    return {
        "events_api": {
            "ratio": statistics.median(full) / statistics.median(bare),
            "yardstick": f"bare INSERT of the same {rows:,} events",
            "goal": GOAL,
            "runs": runs,
            "seconds": statistics.median(full),
            "events_per_second": round(rows / statistics.median(full)),
        }
    }


def _pool(n: int) -> Any:
    """A pool whose members are known by a card number; made once per size."""
    import io

    from members import partitions
    from members.models import Member, Pool
    from scrm.lib import crypto, sql

    pool, made = Pool.objects.get_or_create(slug=f"bench-events-{n}", defaults={"name": "压测"})
    if made:
        sql.run(MEMBERS, {"pool": pool.pk, "n": n, "at": AS_OF})
        lines = io.BytesIO()
        for number in Member.objects.filter(pool=pool).values_list("pk", flat=True).iterator():
            mark = crypto.fingerprint(f"card_no:B{number}").hex()
            lines.write(f"{pool.pk}\tcard_no\t\\\\x{mark}\t{number}\tB{number}\tB***\t\t{AS_OF.isoformat()}\n".encode())
        lines.seek(0)
        sql.copy_in(IDENTITIES, lines)
        sql.run("ANALYZE members_member, members_identity")
        partitions.keep(as_of=AS_OF)
    return pool


def _client(pool: Any) -> Any:
    from rest_framework.test import APIClient

    from members.models import PoolAccess
    from scrm.staff import tokens
    from scrm.staff.models import User

    user, _ = User.objects.get_or_create(username=f"bench-{pool.slug}")
    PoolAccess.objects.get_or_create(user=user, pool=pool, defaults={"role": "operator"})
    _token, secret = tokens.issue(user=user, pool_id=pool.pk, role="operator", name="bench", scopes=["members.edit"])
    client = APIClient(SERVER_NAME="localhost")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def _known(pool: Any) -> list[int]:
    from members.models import Member

    return list(Member.objects.filter(pool=pool).order_by("id").values_list("pk", flat=True))


def _events(known: list[int], salt: str, batch: int) -> list[dict[str, Any]]:
    at = [(AS_OF - timedelta(seconds=batch * BATCH + n)).isoformat() for n in range(BATCH)]
    return [
        {
            "id": f"{salt}-{batch}-{n}",
            "kind": "view",
            "occurred_at": at[n],
            "identity": {"kind": "card_no", "value": f"B{known[(batch * BATCH + n) * 7919 % len(known)]}"},
            "properties": {"path": f"/p/{n}", "title": "婴儿奶粉 三段"},
        }
        for n in range(BATCH)
    ]


def _full(client: Any, known: list[int], salt: str) -> float:
    bodies = [json.dumps({"events": _events(known, salt, batch)}) for batch in range(BATCHES)]
    began = time.perf_counter()
    for body in bodies:
        answer = client.post("/api/events/", body, content_type="application/json")
        assert answer.status_code == 201, answer.content[:300]
        assert answer.json()["added"] == BATCH, answer.json()
    return time.perf_counter() - began


def _bare(pool: Any, known: list[int], salt: str) -> float:
    from members.events import event_id
    from scrm.lib import sql

    batches = [
        json.dumps(
            [
                {
                    **event,
                    "id": event_id(pool.pk, event["id"]),
                    "member_id": int(event["identity"]["value"][1:]),
                    "channel_id": None,
                }
                for event in _events(known, salt, batch)
            ]
        )
        for batch in range(BATCHES)
    ]
    began = time.perf_counter()
    for events in batches:
        sql.rows("members/insert_events", {"pool_id": pool.pk, "events": events})
    return time.perf_counter() - began


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    from benchmarks.__main__ import _servers

    _servers()
    found = measure(int(os.environ.get("MEMBERS", 100_000)), 0, int(os.environ.get("RUNS", 5)))
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
