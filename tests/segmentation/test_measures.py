"""Measures: what is fetched once answers every threshold, exactly, until its data changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty import services as loyalty
from members.models import Consent, Event, Member, Order, Pool, Tag, TagGroup
from members.models import MemberTag as Carried
from members.versions import DOMAINS, bump
from scrm.staff.models import User
from segmentation import bitmaps, columns, evaluate, leaves
from segmentation.models import Leaf
from segmentation.rules.catalog import facts
from segmentation.rules.normalise import holds
from segmentation.rules.parse import RuleError
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
SEASON = {"last": 90, "unit": "days"}


def ask(fact: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


def who(pool: Pool, *rules: dict[str, Any]) -> set[str]:
    found = evaluate.count(pool, {"all": list(rules)}, AS_OF).bitmap
    return set(Member.objects.filter(pk__in=list(found)).values_list("name", flat=True))


@contextmanager
def passes(expected: int, *tables: str) -> Iterator[None]:
    """So many statements over these tables run inside."""
    with CaptureQueriesContext(connection) as queries:
        yield
    over = [each["sql"] for each in queries if any(table in each["sql"] for table in tables or ("members_", "loyalty_"))]
    over = [text for text in over if "members_dataversion" not in text and not text.startswith("EXPLAIN")]
    assert len(over) == expected, over


@pytest.fixture
def shop(pool: Pool, alice: Member, bob: Member) -> Pool:
    """Alice bought three times, Bob once long ago, Carol never."""
    factories.member(pool, "Carol", city="上海")
    for days, amount in ((1, 10000), (40, 5001), (100, 2000)):
        factories.order(alice, f"a{days}", AS_OF - timedelta(days=days), amount)
    factories.order(bob, "b", AS_OF - timedelta(days=400), 900)
    return pool


def names(pool: Pool, rule: dict[str, Any]) -> set[str]:
    found = evaluate.members_of(rule, pool, AS_OF)
    return set(Member.objects.filter(pk__in=list(found)).values_list("name", flat=True))


def test_another_threshold_reads_no_orders(shop: Pool) -> None:
    assert who(shop, ask("orders", "gte", 2, window=SEASON)) == {"Alice"}
    with passes(0):
        for op, value in (("gte", 3), ("lt", 1), ("between", [0, 2]), ("eq", 2), ("none", None), ("any", None)):
            assert evaluate.count(shop, ask("orders", op, value, window=SEASON), AS_OF).from_cache
    assert who(shop, ask("orders", "gte", 3, window=SEASON)) == set()
    assert who(shop, ask("orders", "lt", 1, window=SEASON)) == {"Bob", "Carol"}
    assert who(shop, ask("orders", "between", [0, 2], window=SEASON)) == {"Alice", "Bob", "Carol"}
    assert who(shop, ask("orders", "between", [1, 2], window=SEASON)) == {"Alice"}


def test_amount_and_mean_come_with_the_count_of_the_same_window(shop: Pool) -> None:
    with passes(1, "members_order"):
        who(shop, ask("orders", "gte", 2, window=SEASON))
    with passes(0, "members_order"):
        assert who(shop, ask("order_amount", "gte", 15001, window=SEASON)) == {"Alice"}
        assert who(shop, ask("order_amount", "gt", 15001, window=SEASON)) == set()
        assert who(shop, ask("order_aov", "gt", 7500, window=SEASON)) == {"Alice"}  # 7500.5
        assert who(shop, ask("order_aov", "lt", 7501, window=SEASON)) == {"Alice"}
        assert who(shop, ask("order_aov", "eq", 7500, window=SEASON)) == set()
        assert who(shop, ask("order_aov", "unknown", window=SEASON)) == {"Bob", "Carol"}
    with passes(1, "members_order"):
        who(shop, ask("orders", "gte", 2))  # another window is another measure
    with passes(1, "members_order"):
        who(shop, ask("orders", "gte", 2, window=SEASON, of=[1]))  # and so is another channel


def test_conditions_over_the_same_rows_share_one_pass(shop: Pool) -> None:
    with passes(1, "members_order"):
        who(shop, ask("orders", "gte", 2), ask("order_amount", "between", [1, 900000]), ask("order_aov", "lt", 900000))
    with passes(1, "members_memberstate"):
        who(shop, ask("r_score", "gte", 2), ask("order_count", "any"), ask("aov", "gt", 100))


def test_other_choices_read_no_members(shop: Pool, alice: Member) -> None:
    Member.objects.filter(pk=alice.pk).update(city="杭州", channel_id=3)
    Member.objects.exclude(pk=alice.pk).update(city="", channel_id=None)
    assert names(shop, ask("city", "in", ["上海"])) == set()
    with passes(0):
        assert evaluate.count(shop, ask("city", "in", ["杭州", "nowhere"]), AS_OF).size == 1
        assert evaluate.count(shop, ask("city", "not_in", ["上海"]), AS_OF).size == 3
    assert names(shop, ask("channel", "in", [3])) == {"Alice"}
    with passes(0):
        assert evaluate.count(shop, ask("channel", "in", [1, 2]), AS_OF).size == 0
        assert evaluate.count(shop, ask("channel", "not_in", [3]), AS_OF).size == 2


def test_another_threshold_of_a_share_reads_no_orders(shop: Pool, alice: Member) -> None:
    Order.objects.filter(member=alice, number="a1").update(discount=5)  # one of three
    share = {"where": [{"field": "discounted", "op": "yes"}]}
    assert who(shop, ask("order_share", "gte", 33, **share)) == {"Alice"}
    with passes(0, "members_order"):
        assert who(shop, ask("order_share", "gte", 33.3, **share)) == {"Alice"}
        assert who(shop, ask("order_share", "gte", 33.34, **share)) == set()
        assert who(shop, ask("order_share", "lt", 33.34, **share)) == {"Alice", "Bob"}
        assert who(shop, ask("order_share", "between", [0, 12.5], **share)) == {"Bob"}
        assert who(shop, ask("order_share", "unknown", **share)) == {"Carol"}
    with passes(1, "members_order"):
        assert who(shop, ask("order_share", "gte", 33.333333333, **share)) == {"Alice"}  # too fine for whole numbers
    with passes(1, "members_order"):
        assert who(shop, ask("order_share", "lt", 33, where=[{"field": "discounted", "op": "no"}])) == set()


def test_what_only_others_are_made_of_cannot_be_asked_for(shop: Pool) -> None:
    with pytest.raises(RuleError):
        who(shop, ask("order_share.part", "gte", 1))


def test_rows_are_counted_alike_wherever_that_is_done(shop: Pool, alice: Member, bob: Member, monkeypatch: Any) -> None:
    for n, member in enumerate([bob, alice, bob, bob]):
        Event.objects.create(pool=shop, member=member, id=n, occurred_at=AS_OF - timedelta(days=n), kind="view")
    rule = ask("events", "gte", 2, window=SEASON)
    sent = bitmaps.tallied
    with monkeypatch.context() as patched:
        patched.setattr(bitmaps, "tallied", None)
        patched.setattr(leaves, "MOST_SENT", -1)
        assert who(shop, rule) == {"Bob"}
    Leaf.objects.all().delete()
    asked: list[str] = []
    monkeypatch.setattr(bitmaps, "tallied", lambda text, *more: asked.append(text) or sent(text, *more))
    assert who(shop, rule) == {"Bob"}
    assert asked
    assert who(shop, ask("events", "eq", 1, window=SEASON)) == {"Alice"}
    assert who(shop, ask("events", "none", window=SEASON)) == {"Carol"}


@pytest.mark.parametrize("far", [0, 4_000_000_000])
def test_tallies_of_ids_near_and_far(db: None, far: int) -> None:
    rows = "SELECT n AS id FROM unnest(ARRAY[3, 5, 3, 9, 3, 5]::bigint[] || %(far)s::bigint) AS n (n)"
    ids, (counts,) = bitmaps.tallied(rows, {"far": far})
    assert dict(zip(ids.tolist(), counts.tolist(), strict=True)) == {3: 3, 5: 2, 9: 1, far: 1}
    none, (nothing,) = bitmaps.tallied(f"{rows} WHERE false", {"far": far})
    assert len(none) == len(nothing) == 0


def test_who_can_be_reached_shares_what_was_agreed_to(shop: Pool, alice: Member, bob: Member) -> None:
    for member in (alice, bob):
        Consent.objects.create(member=member, carrier="push", purpose="marketing", granted=True, at=AS_OF)
    factories.identity(bob, "device_id", "device-1")
    assert names(shop, ask("consent", "any", ["push"])) == {"Alice", "Bob"}
    with passes(1, "members_identity", "members_consent"):
        assert names(shop, ask("reachable", "any", ["push"])) == {"Bob"}
    with passes(0, "members_identity", "members_consent"):
        assert names(shop, ask("reachable", "none", ["push"])) == {"Alice", "Carol"}


def test_tags_of_one_rule_are_read_at_once(shop: Pool, alice: Member, bob: Member) -> None:
    group = TagGroup.objects.create(pool=shop, name="g")
    tags = [Tag.objects.create(pool=shop, group=group, name=f"t{n}") for n in range(3)]
    for member, tag in ((alice, 0), (bob, 0), (bob, 1)):
        Carried.objects.create(member=member, tag=tags[tag], at=AS_OF)
    with passes(1, "members_membertag"):
        assert evaluate.count(shop, ask("tag", "any", [tag.pk for tag in tags]), AS_OF).size == 2
    with passes(0, "members_membertag"):
        assert names(shop, ask("tag", "all", [tags[0].pk, tags[1].pk])) == {"Bob"}
        assert names(shop, ask("tag", "none", [tags[1].pk, tags[2].pk])) == {"Alice", "Carol"}


def test_a_changed_domain_is_read_again(shop: Pool, bob: Member) -> None:
    assert who(shop, ask("orders", "gte", 2)) == {"Alice"}
    factories.order(bob, "b2", AS_OF, 900)
    assert who(shop, ask("orders", "eq", 2)) == set()
    bump(shop.pk, "orders")
    assert who(shop, ask("orders", "eq", 2)) == {"Bob"}
    assert who(shop, ask("order_amount", "eq", 1800)) == {"Bob"}


def test_every_domain_of_a_fact_is_counted() -> None:
    assert {domain for about in facts().values() for domain in about.domains} <= {*DOMAINS, *leaves.UNCOUNTED}


def test_points_are_kept_until_some_are_booked(shop: Pool, alice: Member, staff: Any) -> None:
    actor = User.objects.first() or staff("operator")
    rule = ask("points", "gte", 50)
    assert who(shop, rule) == set()
    with passes(0):
        assert evaluate.count(shop, rule, AS_OF).from_cache
    loyalty.adjust(member=alice, amount=80, key="k", at=AS_OF, reason="test", actor=actor)
    assert who(shop, rule) == {"Alice"}
    loyalty.spend(member=alice, amount=40, key="s", at=AS_OF, reason="test", actor=actor)
    assert who(shop, rule) == set()
    assert who(shop, ask("points", "eq", 40)) == {"Alice"}


def test_old_measures_are_swept(shop: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in (10, 20, 30):
        who(shop, ask("orders", "gte", 2, window={"last": days, "unit": "days"}))
    measures = Leaf.objects.filter(values__isnull=False).order_by("-pk")
    kept = list(measures.values_list("pk", flat=True))
    assert len(kept) == 6  # counts and amounts
    bitmaps = Leaf.objects.filter(values__isnull=True).count()
    monkeypatch.setattr(leaves, "KEEP_COLUMNS", 2)
    assert leaves.sweep(as_of=datetime.now(UTC)) == 4
    assert list(measures.values_list("pk", flat=True)) == kept[:2]
    assert Leaf.objects.filter(values__isnull=True).count() == bitmaps
    with passes(1, "members_order"):
        assert who(shop, ask("orders", "gte", 1, window={"last": 10, "unit": "days"})) == {"Alice"}
    assert leaves.sweep(as_of=datetime.now(UTC) + timedelta(days=3)) > 0
    assert not Leaf.objects.exists()


# -- Columns ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("top", [0, 127, 128, 40_000, 2**31, 2**62])
def test_a_column_is_kept_in_as_few_bytes_as_hold_it(top: int) -> None:
    made = columns.column(np.array([9, 2**32 - 1, 4], np.uint32), np.array([-1, top, columns.UNKNOWN], np.int64))
    again = columns.unpacked(made.ids, made.packed(), None)
    assert (list(again.ids), list(again.values)) == ([9, 2**32 - 1], [-1, top])
    assert again.values.itemsize == {0: 1, 127: 1, 128: 2, 40_000: 4, 2**31: 8, 2**62: 8}[top]


def test_values_follow_their_ids_however_they_come() -> None:
    for ids in ([5, 3, 4], [5, 3, 4_000_000_000], [3, 4, 5]):
        made = columns.column(np.array(ids, np.uint32), np.array(ids, np.int64) * 2)
        assert list(made.values) == [2 * each for each in sorted(ids)] == [2 * each for each in made.ids]


def test_nobody_has_a_value() -> None:
    made = columns.column(np.zeros(0, np.uint32), np.zeros(0, np.int64))
    again = columns.unpacked(made.ids, made.packed(), None)
    assert not columns.select([again], "gte", 0)
    assert not columns.select([again, again], "lt", 5)


OPERATORS = [(op, value) for op in ("gte", "gt", "lte", "lt", "eq", "ne") for value in (-2, -1, 0, 1, 2, 3, 300, 10**15)]
OPERATORS += [(op, value) for op in ("between", "not_between") for value in ((-2, 1), (1, 1), (0, 10**15))]


@pytest.mark.parametrize(("op", "value"), OPERATORS)
def test_operators_mean_what_sentences_say(op: str, value: Any) -> None:
    totals, counts = [-5, -2, -1, 0, 1, 2, 3, 5, 7, 120, 2**62], [3, 1, 2, 4, 1, 2, 2, 5, 3, 60, 3]
    ids = np.arange(len(totals), dtype=np.uint32)
    total, count = (columns.column(ids, np.array(each, np.int64)) for each in (totals, counts))
    small = columns.unpacked(count.ids, count.packed(), None)
    assert list(columns.select([total], op, value)) == [n for n, found in enumerate(totals) if holds(op, found, value)]
    assert list(columns.select([small], op, value)) == [n for n, found in enumerate(counts) if holds(op, found, value)]
    means = [Fraction(a, b) for a, b in zip(totals, counts, strict=True)]
    assert list(columns.select([total, small], op, value)) == [n for n, found in enumerate(means) if holds(op, found, value)]


@pytest.mark.parametrize("wanted", [(), (7,), (-1, 5), (-128, 127, 128), (2**31, 300, -3), (40_000, 2**62)])
def test_choices_are_found_whatever_the_size_of_the_values(wanted: tuple[int, ...]) -> None:
    for values in ([-1, 7, 5, -128, 127], [300, -3, 7, 128, -1], [40_000, 7, -1, 300, 5], [2**62, 2**31, 7, -3, 0]):
        made = columns.column(np.arange(5, dtype=np.uint32), np.array(values, np.int64))
        kept = columns.unpacked(made.ids, made.packed(), None)
        for each in (made, kept):
            assert list(columns.select([each], "in", wanted)) == [n for n, value in enumerate(values) if value in wanted]


def test_a_mean_of_columns_read_at_different_moments_is_of_those_in_both() -> None:
    total = columns.column(np.array([1, 2, 3], np.uint32), np.array([10, 20, 30], np.int64))
    count = columns.column(np.array([2, 3, 4], np.uint32), np.array([2, 3, 9], np.int64))
    assert list(columns.select([total, count], "eq", 10)) == [2, 3]
