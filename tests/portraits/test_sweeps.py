"""What a sweep says of order lines and events is what the statements of the facts say, whoever bought what."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from pyroaring import BitMap

from members.models import Member, Order, Pool
from scrm.lib import sql
from segmentation.portraits import sweeps
from segmentation.portraits.dimensions import SUMMED, SWEPT
from segmentation.rules.normalise import Asked
from segmentation.rules.statements import bound, measured
from tests import factories
from tests.portraits.drawing import AS_OF

NUMBERS = [key for key in SWEPT if key not in ("category", "subcategory", "brand", "event")]
BOUGHT = """
    SELECT DISTINCT l.member_id, p.{column} FROM members_orderline l
    JOIN members_order o ON o.member_id = l.member_id AND o.id = l.order_id AND o.status = 1
    JOIN members_product p ON p.id = l.product_id AND p.pool_id = %(pool)s AND p.{column} <> '' WHERE l.pool_id = %(pool)s"""


@pytest.fixture
def market(pool: Pool) -> Pool:
    """Members with orders of every state, lines of nothing, for nothing and of products without a brand, and events."""
    chance = random.Random(7)
    goods = [
        factories.product(
            pool,
            f"P{n}",
            category=f"c{n % 3}" if n % 5 else "",
            subcategory=f"s{n % 4}" if n % 3 else "",
            brand=f"b{n % 3}" if n % 4 else "",
        )
        for n in range(14)
    ]
    for n in range(40):
        member = factories.member(pool, f"M{n}")
        for k in range(chance.randrange(6)):
            at = AS_OF - timedelta(days=chance.randrange(400), minutes=chance.randrange(1440))
            status = chance.choice([1, 1, 1, 2, 3])
            order = factories.order(
                member, f"O{n}-{k}", at, chance.randrange(100_000), status=status, discount=chance.choice([0, 500])
            )
            if chance.random() < 0.2:
                Order.objects.filter(pk=order.pk).update(refunded=100)
            for line in range(chance.randrange(4)):
                pieces = chance.choice([0, 1, 1, 2, 7])
                factories.line(order, line + 1, chance.choice(goods), chance.randrange(20_000), quantity=pieces)
        for k in range(chance.randrange(9)):
            at = AS_OF - timedelta(days=chance.randrange(4), hours=chance.randrange(24))
            factories.event(member, n * 100 + k, at, chance.choice(["view", "share", "打卡"]))
    return pool


def by_fact(pool: Pool, key: str) -> dict[int, int]:
    """By the fact's own statement, whole numbers below."""
    asked = Asked(key)
    rows = sql.fetch(f"SELECT id, floor(v0) FROM ({measured(asked)}) AS found", bound(asked, pool.pk, pool.zone))
    return {number: int(value) for number, value in rows if value is not None}


def swept(pool: Pool, name: str) -> sweeps.Found:
    return sweeps.SWEEPS[name](pool, lambda: None)


@pytest.mark.parametrize("part", [100_000, 3])
def test_numbers_are_those_of_the_facts(market: Pool, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PART", part)
    for name in ("lines", "events"):
        found = swept(market, name)
        for key in (key for key in NUMBERS if SWEPT[key] == name):
            ids, values = found.all_of(key)
            told = {
                number: value
                for number, value in by_fact(market, key).items()
                if value or key not in ("goods_units", "active_days")
            }
            assert dict(zip(ids.tolist(), values.tolist(), strict=True)) == told, key
            assert len(ids) == len(told), "nobody is in two parts"
            assert len(set(told.values())) > 2, key


@pytest.mark.parametrize("part", [100_000, 3])
def test_whoever_bought_or_did_it_is_found(market: Pool, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PART", part)
    found, events = swept(market, "lines"), swept(market, "events")
    statements = {key: BOUGHT.format(column=key) for key in ("category", "subcategory", "brand")}
    statements["event"] = "SELECT DISTINCT member_id, kind FROM members_event WHERE pool_id = %(pool)s"
    for key, statement in statements.items():
        told: dict[Any, BitMap] = {}
        for number, value in sql.fetch(statement, {"pool": market.pk}):
            told.setdefault(value, BitMap()).add(number)
        assert (events if key == "event" else found).values[key] == told
        assert len(told) == 3 or key == "subcategory"


def test_one_scan_of_orders_says_what_three_facts_say(market: Pool) -> None:
    rows = sql.rows("segmentation/portraits/sum_orders", {"pool": market.pk, "zone": market.time_zone})
    for key, column in SUMMED.items():
        found = {row["id"]: int(row[column]) for row in rows if row[column] is not None}
        told = by_fact(market, key)
        assert {number: value for number, value in found.items() if value or key == "discount_share"} == told, key


def test_a_pool_without_members_or_lines_says_nothing(pool: Pool) -> None:
    assert swept(pool, "lines").values == {}
    factories.event(factories.member(pool, "A"), 1, AS_OF, "view")
    assert swept(pool, "lines").numbers == {}
    ids, values = swept(pool, "events").all_of("active_days")
    assert (len(ids), values.tolist()) == (1, [1])
    assert np.array_equal(ids, [Member.objects.get().pk])
