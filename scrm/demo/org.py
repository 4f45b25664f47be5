"""Stores, people and groups of the demo, made of its own baskets, through the product's own doors.

Real are the stores, who bought where and when. Made up are names of stores, shopping guides, and the groups: each big
store has one, its regulars join after their first visits there, speak on days they shop, and leave when they stop coming.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pandas as pd

from members.communities import services as communities
from members.communities import watch
from members.communities.people import Person
from members.communities.services import Happening
from members.models import Community, Identity, Member, Pool, StaffProfile, Store
from members.ownership import services as ownership
from members.stores import services as stores
from members.team import profiles
from scrm.demo.people import person
from scrm.demo.source import Source
from scrm.jobs import running
from scrm.lib import clock
from scrm.staff.models import User

SEED = 20260101
STORES, GUIDES = 24, 2  # registered stores, guides in each
GROUPS = 14  # stores that run a group
DAYS = 140  # how far back the groups go
CITIES = ("上海", "北京", "广州", "深圳", "杭州", "成都", "武汉", "南京")
PROVINCES = {
    "上海": "上海",
    "北京": "北京",
    "广州": "广东",
    "深圳": "广东",
    "杭州": "浙江",
    "成都": "四川",
    "武汉": "湖北",
    "南京": "江苏",
}
REGIONS = {
    "上海": "华东",
    "杭州": "华东",
    "南京": "华东",
    "北京": "华北",
    "广州": "华南",
    "深圳": "华南",
    "成都": "西南",
    "武汉": "华中",
}
ROADS = ("南京路", "中山路", "人民路", "解放路", "建设路", "和平路", "新华路", "文化路", "长江路", "黄河路", "滨江路", "学院路")
LAYERS = ("福利群", "VIP 群", "新客群", "门店群")


@dataclass(frozen=True)
class Fading:
    """How a group goes: the part of shopping days somebody speaks on, at its beginning and now."""

    first: float
    last: float


# Most groups hold, some fade, a few are dying.
COURSES = (
    Fading(0.5, 0.45),
    Fading(0.6, 0.5),
    Fading(0.7, 0.25),
    Fading(0.7, 0.04),
    Fading(0.4, 0.4),
    Fading(0.6, 0.02),
    Fading(0.5, 0.3),
)


def load(pool: Pool, source: Source) -> None:
    """Everything; what is there already is left as it is."""
    if Community.objects.filter(pool=pool).exists():
        return
    now = clock.now()
    stores.notice(pool=pool, as_of=now)
    biggest = list(source.transactions.drop_duplicates("basket_id").store_id.value_counts().index[:STORES])
    shops = _stores(pool, biggest, now)
    running.run(stores.start_homes(pool=pool, actor=None).pk, heart=False)
    guides = _guides(pool, shops)
    _owners(pool, guides, now)
    _groups(pool, source, shops[:GROUPS], guides, now)
    watch.measure(pool=pool, as_of=now)


def _stores(pool: Pool, numbers: Sequence[int], now: datetime) -> list[Store]:
    """The biggest stores as a file would bring them; the others stay codes that nobody registered."""
    rows: list[dict[str, Any]] = []
    for place, number in enumerate(numbers):
        city = CITIES[place % len(CITIES)]
        road = ROADS[(place * 5) % len(ROADS)]
        rows.append(
            {
                "code": f"S{number}",
                "name": f"{city}{road}{'二' if place >= len(ROADS) else ''}店",
                "city": city,
                "province": PROVINCES[city],
                "region": REGIONS[city],
                "opened_on": f"20{10 + place % 12}-0{1 + place % 9}-15",
            }
        )
    stores.import_stores(pool=pool, rows=rows, actor=None, as_of=now)
    known = {row.code: row for row in Store.objects.filter(pool=pool)}
    return [known[row["code"]] for row in rows]


def _guides(pool: Pool, shops: Sequence[Store]) -> dict[int, list[User]]:
    """Two in each store; one of them has left and still has members."""
    found: dict[int, list[User]] = {}
    for place, shop in enumerate(shops):
        for nth in range(GUIDES):
            name = f"guide{place * GUIDES + nth + 1:02d}"
            row = profiles.add_colleague(
                pool=pool,
                username=name,
                display_name=person(90_000 + place * GUIDES + nth).name,
                facts={
                    "store_id": shop.pk,
                    "job_title": "店长" if not nth else "导购",
                    "wecom_userid": name,
                    "capacity": 120,
                },
                phone=f"1390000{place * GUIDES + nth:04d}",
                actor=None,
            )
            found.setdefault(shop.pk, []).append(row.user)
        stores.save_store(pool=pool, store=shop, facts={"manager_id": found[shop.pk][0].pk}, actor=None, as_of=clock.now())
    return found


def _owners(pool: Pool, guides: dict[int, list[User]], now: datetime) -> None:
    """Members belong to the guides of their home store, in turn."""
    homes: dict[int, list[int]] = {}
    for member, store in Member.objects.filter(pool=pool, store__isnull=False).order_by("pk").values_list("pk", "store_id"):
        homes.setdefault(store or 0, []).append(member)
    for store, members in homes.items():
        for nth, guide in enumerate(guides.get(store, [])):
            mine = members[nth :: len(guides[store])]
            ownership.assign(pool=pool, members=mine, to=guide, reason="门店会员", actor=None, as_of=now - timedelta(days=60))
    leaver = StaffProfile.objects.filter(pool=pool, job_title="导购").order_by("pk")[3]
    profiles.leave(pool=pool, user=leaver.user, on=(now - timedelta(days=3)).date(), actor=None)


# -- Groups ---------------------------------------------------------------------------------------
def _groups(pool: Pool, source: Source, shops: Sequence[Store], guides: dict[int, list[User]], now: datetime) -> None:
    cards = dict(Identity.objects.filter(pool=pool, kind=Identity.Kind.CARD).values_list("value", "member_id"))
    baskets = source.transactions.drop_duplicates("basket_id")
    since = pd.Timestamp(now.astimezone(pool.zone).date() - timedelta(days=DAYS))
    recent = baskets[baskets.placed_at >= since]
    for place, shop in enumerate(shops):
        born = datetime.combine(since.date(), datetime.min.time(), pool.zone) + timedelta(days=place % 5)
        group = communities.save_community(
            pool=pool,
            community=None,
            facts={
                "name": f"{shop.name}{LAYERS[place % len(LAYERS)]}",
                "external_id": f"wrDemo{place + 1:03d}",
                "layer": LAYERS[place % len(LAYERS)],
                "owner_id": guides[shop.pk][0].pk,
                "store_id": shop.pk,
                "capacity": 200,
                "created_at": born,
            },
            actor=None,
            as_of=now,
        )
        mine = recent[recent.store_id == int(shop.code[1:])]
        dice = Random(SEED + place)  # noqa: S311  (the same demo each time)
        told = list(_story(mine, cards, COURSES[place % len(COURSES)], dice, born, now))
        told += _strangers(dice, born, now, place)
        for start in range(0, len(told), communities.LIMIT):
            communities.record(community=group, happenings=told[start : start + communities.LIMIT], actor=None, as_of=now)


def _story(
    baskets: pd.DataFrame, cards: dict[str, int], course: Fading, dice: Random, born: datetime, now: datetime
) -> Iterator[Happening]:
    """Regulars join at their second visit, speak after some of their visits, and some leave after their last."""
    zone = born.tzinfo
    for household, visits in baskets.sort_values("placed_at").groupby("household_id").placed_at:
        member = cards.get(f"CJ{household:05d}")
        days = [pd.Timestamp(visit).to_pydatetime().replace(tzinfo=zone) for visit in visits]
        days = [day for day in days if born < day < now]
        if member is None or len(days) < 2 or dice.random() > 0.75:
            continue
        who = Person(member=member)
        yield Happening("join", days[1], who, how="scan", nick=person(household).name)
        for day in days[1:]:
            share = (day - born) / (now - born)
            if dice.random() < course.first + (course.last - course.first) * share:
                for n in range(1 + int(dice.random() * 2.4)):
                    at = min(day + timedelta(minutes=9 + 23 * n), now)
                    yield Happening("message", at, who, id=f"{household}-{day:%Y%m%d%H%M}-{n}")
        quiet = now - days[-1]
        if quiet > timedelta(days=28) and dice.random() < 0.55 - course.last / 2:
            yield Happening("leave", days[-1] + timedelta(days=14 + dice.randrange(10)), who)


def _strangers(dice: Random, born: datetime, now: datetime, place: int) -> list[Happening]:
    """A few whom only the platform knows: they become leads."""
    found: list[Happening] = []
    for n in range(4):
        at = born + (now - born) * dice.random() * 0.8
        name = person(80_000 + place * 10 + n).name
        who = Person(None, "external_userid", f"wmDemo{place:02d}{n:02d}", name, at.astimezone(UTC))
        found.append(Happening("join", at, who, how="invite", nick=name))
    return found
