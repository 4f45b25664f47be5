"""A whole import against a bare INSERT … SELECT of the same clean rows into the same indexed tables.

Runs in a database of its own, made by the migrations and dropped at the end. The files are generated
by SQL; the clean rows of the yardstick are those the import produced, in the order of the file.

    MEMBERS=100000 ORDERS=500000 RUNS=3 python -m benchmarks.import_speed
"""

import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GOAL, MEMORY_GOAL, AGAIN_GOAL = 1.6, 500, 0.6
TABLES = (
    "members_touchedmember, members_orderline, members_order, members_identity, members_memberstate, members_member, "
    "members_importreject, members_importrun"
)

PEOPLE = """
COPY (
    SELECT '138' || lpad(i::text, 8, '0') AS "手机号", 'C' || i AS "会员卡号", '会员' || i AS "姓名",
        CASE i % 3 WHEN 0 THEN '男' WHEN 1 THEN '女' ELSE '' END AS "性别", date '1960-01-01' + (i * 7919 % 16000)::int AS "生日",
        (ARRAY['上海', '北京', '广州', '成都', '杭州', '武汉'])[(1 + i % 6)::int] AS "城市",
        to_char(timestamp '2023-01-01' + (i * 104729 % 900)::int * interval '1 day', 'YYYY-MM-DD HH24:MI:SS') AS "注册时间"
    FROM generate_series(1::bigint, {members}) AS i
) TO STDOUT (FORMAT csv, HEADER)"""
# A few members place most of the orders; the file is in the order of time, as exports are.
ORDERS = """
COPY (
    SELECT 'T' || i AS "订单号", '138' || lpad((1 + floor({members} * power(random(), 2.2)))::bigint::text, 8, '0') AS "手机号",
        to_char(timestamp '2024-10-01' + i::float * (interval '730 days' / {orders}), 'YYYY-MM-DD HH24:MI:SS') AS "下单时间",
        round((5 + 300 * random() * random())::numeric, 2) AS "实付金额",
        CASE WHEN random() < 0.88 THEN '交易成功' WHEN random() < 0.5 THEN '退款成功' ELSE '交易关闭' END AS "订单状态",
        CASE WHEN random() < 0.2 THEN '5.00' END AS "优惠金额"
    FROM generate_series(1::bigint, {orders}) AS i
) TO STDOUT (FORMAT csv, HEADER)"""
CLEAN = {
    "members_member": "SELECT * FROM members_member ORDER BY id",
    "members_identity": "SELECT * FROM members_identity ORDER BY member_id, kind",
    "members_order": "SELECT * FROM members_order ORDER BY placed_at, id",
}


@contextmanager
def _database() -> Iterator[None]:
    """A fresh database beside the configured one."""
    from django.db import connections

    connection = connections["default"]
    name = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"] = {**connection.settings_dict.get("TEST", {}), "NAME": f"{name}_bench_import"}
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


class _Memory(threading.Thread):
    """The most memory this process had, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.stop = 0.0, threading.Event()

    def run(self) -> None:
        import psutil

        me = psutil.Process()
        while not self.stop.wait(0.05):
            self.peak = max(self.peak, me.memory_info().rss / 2**20)


def _timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _files(folder: Path, members: int, orders: int) -> dict[str, Path]:
    from scrm.lib import sql

    made = {}
    for kind, statement in (("members", PEOPLE), ("orders", ORDERS)):
        made[kind] = folder / f"{kind}.csv"
        with made[kind].open("wb") as file:
            sql.copy_out(statement.format(members=members, orders=orders), file)
    return made


def _empty() -> None:
    from scrm.lib import sql

    # The points ledger refuses to be emptied, though nothing of it is in this database.
    guarded = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 32 > 0"
    for (table,) in sql.fetch(guarded):
        sql.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    sql.run(f"TRUNCATE {TABLES} CASCADE")
    sql.run("CHECKPOINT")


def _import(files: dict[str, Path], pool: Any) -> dict[str, int]:
    from members.importing import pipeline, services
    from members.models import Channel

    new = {}
    for kind, path in files.items():
        with path.open("rb") as file:
            run = services.upload(
                pool=pool, kind=kind, file=file, file_name=path.name, actor=None, channel=Channel.objects.get(code="pos")
            )
        new[kind] = pipeline.run(run, _progress if os.environ.get("TRACE") else None)["new"]
        services.forget_file(run=run)
    return new


_seen: list[Any] = ["", 0.0]


def _progress(done: int, total: int | None, phase: str) -> None:
    if phase != _seen[0]:
        print(f"    {time.perf_counter() - _seen[1]:6.1f} s after {_seen[0]}; {phase}")
        _seen[:] = [phase, time.perf_counter()]


def _keep_clean() -> None:
    from scrm.lib import sql

    for table, rows in CLEAN.items():
        sql.run(f"CREATE UNLOGGED TABLE clean_{table} AS {rows}")
        sql.run(f"ANALYZE clean_{table}")


def _bare() -> None:
    from django.db import transaction

    from scrm.lib import sql

    with transaction.atomic():
        for table in CLEAN:
            columns = ", ".join(
                name
                for (name,) in sql.fetch(
                    "SELECT attname FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attnum > 0"
                    " AND attgenerated = '' AND NOT attisdropped",
                    {"table": table},
                )
            )
            sql.run(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM clean_{table}")


def measure(members: int, orders: int, runs: int) -> dict[str, dict[str, Any]]:
    """Ratios of one run of the benchmark, medians over `runs` interleaved repetitions."""
    from members.models import Pool

    with _database(), tempfile.TemporaryDirectory() as folder:
        pool = Pool.objects.create(slug="bench", name="bench")
        files = _files(Path(folder), members, orders)
        memory = _Memory()
        memory.start()
        whole, again, bare = [], [], []
        for number in range(runs):
            _empty()
            whole.append(_timed(lambda: _import(files, pool)))
            again.append(_timed(lambda: _import(files, pool)))
            if not number:
                _keep_clean()
            _empty()
            bare.append(_timed(_bare))
        memory.stop.set()
        print(f"import {whole} again {again} bare {bare} peak {memory.peak:.0f} MB")
    rows = f"bare INSERT … SELECT of the same {members:,} members, their identities and {orders:,} orders into the same tables"
    return {
        "import": {
            "ratio": _ratio(whole, bare),
            "yardstick": rows,
            "goal": GOAL,
            "runs": runs,
            "seconds": statistics.median(whole),
        },
        "import_again": {
            "ratio": _ratio(again, whole),
            "yardstick": "the first import of the same files",
            "goal": AGAIN_GOAL,
            "runs": runs,
        },
        "import_memory": {"ratio": memory.peak / MEMORY_GOAL, "yardstick": f"{MEMORY_GOAL} MB", "goal": 1.0, "runs": runs},
    }


def _ratio(some: list[float], yardstick: list[float]) -> float:
    return statistics.median(each / base for each, base in zip(some, yardstick, strict=True))


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    django.setup()
    sizes = [int(os.environ.get(name, default)) for name, default in (("MEMBERS", "100000"), ("ORDERS", "500000"), ("RUNS", "3"))]
    print(json.dumps(measure(*sizes), ensure_ascii=False, indent=2))
