"""Why somebody is in or not: each condition with the member's own value beside what was wanted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from members.models import Member, MemberTag, Pool, Tag, TagGroup
from segmentation.reasons import explain_values
from segmentation.rules.catalog import facts
from tests import factories
from tests.segmentation.test_rule_facts import sample

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)


def ask(fact: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


@pytest.fixture
def shop(pool: Pool, alice: Member) -> Pool:
    factories.order(alice, "a", AS_OF - timedelta(days=5), 123_450)
    group = TagGroup.objects.create(pool=pool, name="g")
    MemberTag.objects.create(member=alice, tag=Tag.objects.create(pool=pool, group=group, name="新客"), at=AS_OF)
    return pool


def told(pool: Pool, rule: Any, member: Member, language: str = "zh-hans") -> list[tuple[bool, str, str, str]]:
    return [
        (each.holds, each.label, each.value, each.wanted)
        for each in explain_values(pool, rule, member.pk, AS_OF, language)
        if not each.join
    ]


def test_each_condition_shows_the_value_and_what_was_wanted(shop: Pool, alice: Member, bob: Member) -> None:
    last = {"last": 90, "unit": "days"}
    rule = {"all": [ask("orders", "gte", 2, window=last), ask("order_amount", "gte", 100_000), ask("orders", "none")]}
    assert told(shop, rule, alice) == [
        (False, "近 90 天下单次数", "1 单", "不少于 2 单"),
        (True, "消费金额", "¥1,234.5", "不少于 ¥1,000"),
        (False, "下单次数", "1 单", "少于 1"),
    ]
    assert told(shop, rule, bob, "en") == [
        (False, "orders in the last 90 days", "0 orders", "at least 2"),
        (False, "spending", "¥0", "at least ¥1,000"),
        (True, "orders", "0 orders", "fewer than 1"),
    ]


def test_amounts_are_in_the_currency_of_the_pool(shop: Pool, alice: Member) -> None:
    shop.currency = "USD"
    assert told(shop, {"all": [ask("order_amount", "gte", 100_000)]}, alice, "en") == [
        (True, "spending", "US$1,234.5", "at least US$1,000")
    ]


def test_sets_dates_and_choices_are_named(shop: Pool, alice: Member, bob: Member) -> None:
    tag = Tag.objects.get().pk
    rule = {
        "any": [
            ask("tag", "none", [tag]),
            ask("city", "in", ["上海"]),
            ask("order_last_at", "within", window={"last": 3, "unit": "days"}),
            ask("order_aov", "gte", 1),
        ]
    }
    found = told(shop, rule, alice)
    assert found[0][2] == "「新客」"
    assert found[2] == (False, "最近下单", "2026-10-27 12:00", "在近 3 天内")
    assert [each[2] for each in told(shop, rule, bob, "en")] == ["none", bob.city or "unknown", "unknown", "unknown"]


def test_the_rule_is_walked_with_its_groups(shop: Pool, alice: Member) -> None:
    found = explain_values(shop, {"all": [{"not": ask("orders", "any")}]}, alice.pk, AS_OF)
    assert [(each.path, each.depth, each.join, each.holds) for each in found] == [
        ("$", 0, "all", False),
        ("$.all[0]", 1, "none", False),
        ("$.all[0].not", 2, "", True),
    ]


def test_every_fact_shows_a_value(shop: Pool, alice: Member) -> None:
    for about in facts().values():
        for op in about.operators:
            (found,) = explain_values(shop, sample(about, op), alice.pk, AS_OF)
            assert all([found.value, found.wanted, found.label]), (about.key, op)
