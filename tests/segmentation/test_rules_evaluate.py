"""Rules on real data: hand-worked members, the cache, and what an edit costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyroaring import BitMap

from members.models import Member, Pool
from members.versions import bump
from segmentation import bitmaps, evaluate, leaves
from segmentation.models import Leaf
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)


def who(pool: Pool, rule: dict[str, Any]) -> set[str]:
    """Names of the members a rule selects."""
    return set(Member.objects.filter(pk__in=list(evaluate.count(pool, rule, AS_OF).bitmap)).values_list("name", flat=True))


def ask(fact: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


@pytest.fixture
def shop(pool: Pool, alice: Member, bob: Member) -> Pool:
    """Alice bought three times, Bob once long ago, Carol never."""
    factories.member(pool, "Carol", city="上海")
    for days, amount in ((1, 10000), (40, 5000), (100, 2000)):
        factories.order(alice, f"a{days}", AS_OF - timedelta(days=days), amount)
    factories.order(bob, "b", AS_OF - timedelta(days=400), 900)
    return pool


def test_fewer_than_counts_members_without_any(shop: Pool) -> None:
    last = {"last": 90, "unit": "days"}
    assert who(shop, ask("orders", "gte", 2, window=last)) == {"Alice"}
    assert who(shop, ask("orders", "lt", 2, window=last)) == {"Bob", "Carol"}
    assert who(shop, ask("orders", "none", window=last)) == {"Bob", "Carol"}
    assert who(shop, ask("orders", "between", [0, 1])) == {"Bob", "Carol"}
    assert who(shop, ask("order_amount", "lte", 900)) == {"Bob", "Carol"}


def test_average_of_nothing_is_unknown(shop: Pool) -> None:
    assert who(shop, ask("order_aov", "lt", 100000)) == {"Alice", "Bob"}


def test_nested_groups(shop: Pool) -> None:
    rule = {"all": [{"not": ask("orders", "gte", 3)}, {"any": [ask("city", "in", ["上海"]), ask("name", "contains", "BO")]}]}
    assert who(shop, rule) == {"Bob", "Carol"}


def test_counts_fall_along_the_conditions(shop: Pool) -> None:
    rule = {
        "all": [ask("orders", "any"), ask("orders", "gte", 3), {"any": [ask("city", "in", ["上海"]), ask("name", "is", "Alice")]}]
    }
    found = evaluate.count(shop, rule, AS_OF)
    after = {path: node.after for path, node in found.per_node.items()}
    assert after == {"$": 1, "$.all[0]": 2, "$.all[1]": 1, "$.all[2]": 1, "$.all[2].any[0]": 0, "$.all[2].any[1]": 1}
    assert found.per_node["$.all[2].any[0]"].own == 1
    assert (found.size, found.total) == (1, 3)


def test_editing_one_condition_asks_only_that_one(shop: Pool) -> None:
    rule = {"all": [ask("orders", "gte", 2), ask("city", "not_in", ["上海"]), ask("stage", "in", [0])]}
    assert evaluate.count(shop, rule, AS_OF).asked == 3  # orders, members, states; who lives came with their cities
    assert evaluate.count(shop, rule, AS_OF).from_cache
    rule["all"].append(ask("name", "is", "Alice"))
    assert evaluate.count(shop, rule, AS_OF).asked == 1


def test_new_data_is_seen_once_its_version_is_raised(shop: Pool, bob: Member) -> None:
    rule = ask("orders", "gte", 2)
    assert who(shop, rule) == {"Alice"}
    factories.order(bob, "b2", AS_OF, 900)
    assert who(shop, rule) == {"Alice"}
    bump(shop.pk, "tags")
    assert evaluate.count(shop, rule, AS_OF).from_cache
    bump(shop.pk, "orders")
    assert who(shop, rule) == {"Alice", "Bob"}


def test_merged_members_and_other_pools_are_never_in(shop: Pool, other_pool: Pool, bob: Member) -> None:
    factories.member(other_pool, "Alice")
    Member.objects.filter(pk=bob.pk).update(merged_into=1)
    assert who(shop, {"all": []}) == {"Alice", "Carol"}
    assert who(shop, ask("orders", "gte", 0)) == {"Alice", "Carol"}
    assert who(shop, ask("orders", "any")) == {"Alice"}


def test_ids_of_the_upper_half_survive(pool: Pool) -> None:
    for number in (5, 2**31 - 1, 2**31, 2**32 - 1):
        Member.objects.create(id=number, pool=pool, joined_at=AS_OF, updated_at=AS_OF)
    assert list(evaluate.count(pool, {"all": []}, AS_OF).bitmap) == [5, 2**31 - 1, 2**31, 2**32 - 1]


def test_a_page_of_a_bitmap() -> None:
    found = BitMap([3, 5, 9, 12])
    assert bitmaps.slice_after(found, -1, 2) == [3, 5]
    assert bitmaps.slice_after(found, 5, 2) == [9, 12]
    assert bitmaps.slice_after(found, 12, 2) == []


def test_two_who_ask_the_same_at_once_keep_it_once(shop: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither found it kept when they looked; the second finds it there when it keeps its own, and answers all the same."""
    rule = {"all": [ask("orders", "gte", 2, window={"last": 90, "unit": "days"}), ask("city", "in", ["上海"])]}
    first = evaluate.count(shop, rule, AS_OF).bitmap
    kept = list(Leaf.objects.order_by("key").values_list("key", "size", "bitmap"))
    monkeypatch.setattr(leaves.Shelf, "_recall", lambda self, wanted, pairs: None)
    assert evaluate.count(shop, rule, AS_OF).bitmap == first
    assert list(Leaf.objects.order_by("key").values_list("key", "size", "bitmap")) == kept != []
