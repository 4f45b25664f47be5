"""Invented pools of any size, for benchmarks and for trying things: repeatable, made by SQL in chunks.

Chance is a hash of a member's number and a salt (`unit_hash` in the database), so the same seed and
instant make the same pool. Only identities pass through Python: they are sealed with keys the database
does not have. Nothing here touches indexes: rows arrive member by member, which is the order of the keys.
"""

import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min

from members import partitions, versions
from members.models import Member, Order, Pool, PoolAccess, Product, Tag, TagGroup
from scrm.lib import crypto, sql

DAYS = 730
MEMBERS_A_CHUNK = 50_000
ORDERS_A_CHUNK = 250_000
CHANNELS = {6: 24, 3: 20, 1: 18, 7: 12, 5: 10, 8: 6, 10: 6, 9: 4}
HOURS = [2, 1, 1, 1, 1, 2, 4, 8, 14, 22, 30, 36, 34, 28, 26, 28, 30, 32, 36, 44, 54, 52, 34, 14]
KINDS = {"view": 60, "search": 14, "click": 12, "add_to_cart": 6, "favourite": 3, "sign_in": 3, "message_open": 1.5, "share": 0.5}
CATEGORIES = ["生鲜", "乳品", "零食", "饮料", "粮油", "母婴", "美妆", "洗护", "家清", "宠物", "服饰", "数码"]
TAG_GROUPS = ["偏好品类", "价格敏感", "活跃时段", "内容兴趣", "家庭阶段", "权益偏好", "会员来源", "服务记录", "活动参与", "其他"]
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏"
    "钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅欣怡子涵宇轩梓豪佳琪思远雨桐浩然诗雅俊熙晨曦嘉宁一诺若"
    "曦天翔文博安琪乐瑶"
)
REPORT = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """What to make."""

    members: int
    orders: int
    as_of: datetime
    seed: int = 1
    identities: tuple[str, ...] = ("phone", "email")
    tags: float = 4.0  # a member, on average
    events: float = 2.0
    lines: bool = False
    consents: bool = True


@dataclass(frozen=True)
class Frame:
    """What all statements of one plan share."""

    plan: Plan
    pool: Pool
    base: int
    params: dict[str, Any]

    def chunks(self, size: int) -> Iterator[tuple[int, int]]:
        for lo in range(1, self.plan.members + 1, size):
            yield lo, min(lo + size - 1, self.plan.members)

    def run(self, name: str, title: str, report: REPORT, size: int = MEMBERS_A_CHUNK, **more: Any) -> int:
        """One statement over all members, a transaction per chunk."""
        made = 0
        for lo, hi in self.chunks(size):
            with transaction.atomic(), sql.planner(**_trusted()):
                made += sql.execute(f"members/{name}", {**self.params, **more, "lo": lo, "hi": hi})
            report(title, hi, self.plan.members)
        return made


def generate(*, pool: Pool, plan: Plan, report: REPORT = lambda title, done, total: None) -> dict[str, int]:
    """Fill a pool with invented members and what they did; how many rows of each kind."""
    frame = _frame(pool, plan)
    made = {"members": frame.run("generate_members", "members", report)}
    made["orders"] = frame.run("generate_orders", "orders", report, _member_chunk(plan))
    made["identities"] = _identities(frame, report)
    if plan.consents:
        made["consents"] = frame.run("generate_consents", "consents", report)
    if plan.tags:
        made["tags"] = frame.run("generate_tags", "tags", report, **_tags(pool), mean=plan.tags)
    if plan.events:
        for back in (180, 90, 0):
            partitions.keep(as_of=plan.as_of - timedelta(back))
        kinds: dict[str, Any] = {"kinds": list(KINDS), "kind_edges": edges(list(KINDS.values()))}
        made["events"] = frame.run("generate_events", "events", report, **kinds, mean=plan.events)
    if plan.lines:
        made["lines"] = frame.run("generate_lines", "lines", report, _member_chunk(plan), products=_products(frame))
    versions.bump(pool.pk, "members", "orders", "events", "tags", "consents")
    return made


def share(pool: Pool) -> None:
    """Whoever may enter some pool may enter this one, in the same role."""
    for user_id, role in PoolAccess.objects.exclude(pool=pool).values_list("user_id", "role"):
        PoolAccess.objects.get_or_create(user_id=user_id, pool=pool, defaults={"role": role})


def tidy() -> None:
    """Statistics and visibility, so that index-only scans are that from the first query on."""
    for table in ("member", "order", "orderline", "identity", "consent", "membertag", "event"):
        sql.run(f"VACUUM (ANALYZE) members_{table}")


def split(*, pool: Pool, as_of: datetime, seed: int = 1, report: REPORT = lambda title, done, total: None) -> int:
    """Give the orders of an invented pool the lines they lack; how many were made. A re-run makes none."""
    found = Member.objects.filter(pool=pool).aggregate(first=Min("pk"), last=Max("pk"))
    base = (found["first"] or 1) - 1
    plan = Plan(members=(found["last"] or 0) - base, orders=Order.objects.filter(pool=pool).count(), as_of=as_of, seed=seed)
    frame = Frame(plan, pool, base, {"seed": seed * 1000, "pool_id": pool.pk, "base": base})
    made = frame.run("generate_lines", "lines", report, _member_chunk(plan), products=_products(frame))
    versions.bump(pool.pk, "orders")
    return made


# -- Chance --------------------------------------------------------------------------------------


def edges(weights: Sequence[float]) -> list[float]:
    """Inner edges of [0, 1) cut by weights: width_bucket gives the place."""
    total = sum(weights)
    return [part / total for part in accumulate(weights)][:-1]


def season(day: datetime) -> float:
    """How much more is bought on this day: weekends, the months, 6.18, 11.11 and 12.12, and slow growth."""
    weight = [0.92, 0.9, 0.94, 0.98, 1.1, 1.25, 1.2][day.weekday()]
    weight *= [0.95, 0.8, 0.95, 0.95, 1.0, 1.15, 0.9, 0.9, 1.0, 1.05, 1.3, 1.15][day.month - 1]
    peak = {(6, 18): 5, (6, 17): 2, (6, 1): 2, (11, 11): 8, (11, 10): 3, (11, 1): 2.5, (12, 12): 3, (9, 9): 1.8}
    return weight * peak.get((day.month, day.day), 1)


def _frame(pool: Pool, plan: Plan) -> Frame:
    start = datetime.combine(plan.as_of.astimezone(ZoneInfo(pool.time_zone)).date(), datetime.min.time(), pool.zone) - timedelta(
        DAYS
    )
    days = [season(start + timedelta(n)) * (1 + 0.25 * n / DAYS) for n in range(DAYS)]
    quiet = max(0.25, 1 - 0.8 * plan.orders / plan.members)
    params: dict[str, Any] = {"seed": plan.seed * 1000, "quiet": quiet, "as_of": plan.as_of, "start": start, "pool_id": pool.pk}
    weighed = sql.row("members/weigh_buyers", {**params, "members": plan.members})
    assert weighed is not None
    places = cities()
    params |= {
        "base": _reserve(plan.members),
        "scale": max(0.0, (plan.orders / 0.998 - weighed["buyers"]) / (weighed["weight"] or 1)),
        "surnames": SURNAMES,
        "given": GIVEN,
        "provinces": [province for province, _ in places],
        "cities": [city for _, city in places],
        "city_edges": edges([1 / (rank + 8) for rank in range(len(places))]),
        "channels": list(CHANNELS),
        "channel_edges": edges(list(CHANNELS.values())),
        "day_edges": edges(days),
        "hour_edges": edges(HOURS),
    }
    return Frame(plan, pool, params["base"], params)


def cities() -> list[tuple[str, str]]:
    """(province, city), the largest first: capitals, then the second cities, and so on."""
    lines = [line.split() for line in (Path(__file__).parent / "cities.txt").read_text().splitlines()]
    found = [(place, number, line[0], city) for number, line in enumerate(lines) for place, city in enumerate(line[1:])]
    return [(province, city) for _, _, province, city in sorted(found)]


def _member_chunk(plan: Plan) -> int:
    return max(1, math.floor(ORDERS_A_CHUNK * plan.members / max(plan.orders, 1)))


def _reserve(count: int) -> int:
    """The number before a block of fresh ids."""
    statement = (
        "SELECT nextval('members_member_id_seq'), setval('members_member_id_seq', currval('members_member_id_seq') + %(count)s)"
    )
    ((first, _last),) = sql.fetch(statement, {"count": count})
    return int(first)


def _trusted() -> dict[str, str]:
    """Ten million look-ups of parents that were made a minute ago can be spared, where the role may."""
    ((superuser,),) = sql.fetch("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return {"session_replication_role": "replica"} if superuser else {}


# -- What is not one statement -------------------------------------------------------------------


def _tags(pool: Pool) -> dict[str, Any]:
    """Twenty tags in each of ten groups."""
    for name in TAG_GROUPS:
        group, _ = TagGroup.objects.get_or_create(pool=pool, name=name)
        Tag.objects.bulk_create([Tag(pool=pool, group=group, name=f"{name}{n + 1}") for n in range(20)], ignore_conflicts=True)
    ids = list(Tag.objects.filter(pool=pool, group__name__in=TAG_GROUPS).order_by("pk").values_list("pk", flat=True))
    return {"tags": ids, "tag_edges": edges([1 / (rank + 3) for rank in range(len(ids))])}


def _products(frame: Frame) -> list[int]:
    sql.execute("members/generate_products", {**frame.params, "categories": CATEGORIES})
    return list(Product.objects.filter(pool=frame.pool, sku__startswith="G").order_by("pk").values_list("pk", flat=True))


def _identities(frame: Frame, report: REPORT) -> int:
    """Phones and e-mail addresses that exist nowhere, sealed and copied in."""
    made = 0
    for lo, hi in frame.chunks(MEMBERS_A_CHUNK) if frame.plan.identities else ():
        numbers = range(frame.base + lo, frame.base + hi + 1)
        made += _name(frame.pool, frame.plan.identities, numbers, frame.plan.as_of)
        report("identities", hi, frame.plan.members)
    return made


def identify(*, pool: Pool, kinds: tuple[str, ...], as_of: datetime, report: REPORT = lambda title, done, total: None) -> int:
    """Give the members of a pool that is there the identities they lack; how many were made. A re-run makes none."""
    made = last = seen = 0
    total = Member.objects.filter(pool=pool).count()
    while True:
        found = sql.rows(
            "members/list_nameless", {"pool_id": pool.pk, "after": last, "limit": MEMBERS_A_CHUNK, "kinds": list(kinds)}
        )
        if not found:
            break
        for kind in kinds:
            made += _name(pool, (kind,), [row["id"] for row in found if kind not in row["known"]], as_of)
        last, seen = found[-1]["id"], seen + len(found)
        report("identities", seen, total)
    versions.bump(pool.pk, "members")
    return made


def _name(pool: Pool, kinds: tuple[str, ...], members: Iterable[int], as_of: datetime) -> int:
    text = "".join(_identity(pool, kind, number, as_of) for number in members for kind in kinds)
    with transaction.atomic(), sql.planner(**_trusted()):
        return sql.copy_in(
            "COPY members_identity (pool_id, kind, value_hash, member_id, value, sealed, hint, tail, seen_at) FROM STDIN",
            io.BytesIO(text.encode()),
        )


def _identity(pool: Pool, kind: str, number: int, as_of: datetime) -> str:
    value = {"phone": f"100{number:08d}", "email": f"m{number}@example.com", "card_no": f"G{number}"}[kind]
    secret = kind != "card_no"
    cells = (
        pool.pk,
        kind,
        f"\\\\x{crypto.fingerprint(f'{kind}:{value}').hex()}",
        number,
        "" if secret else value,
        f"\\\\x{crypto.encrypt(value, kind).hex()}" if secret else "\\N",
        {"phone": f"{value[:3]}****{value[-4:]}", "email": f"{value[:2]}***@example.com"}.get(kind, value),
        value[-4:] if kind == "phone" else "",
        as_of.isoformat(),
    )
    return "\t".join(map(str, cells)) + "\n"
