# ruff: noqa: E501 - a sentence and its rule stand in one line
"""Filters, sequences, windows that begin elsewhere or lie ahead: their faults, their sentences, what they cost."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from members.models import Member, Pool
from segmentation import evaluate
from segmentation.rules.ast import Window, dump
from segmentation.rules.catalog import facts
from segmentation.rules.explain import explain
from segmentation.rules.normalise import fingerprint
from segmentation.rules.parse import RuleError, parse
from segmentation.rules.periods import span
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
NAMES = {
    ("channels", 6): "天猫",
    ("event_kinds", "view"): "浏览",
    ("happenings", "add_to_cart"): "加购",
    ("campaigns", 3): "双十一",
}


def ask(fact: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


def only(*filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return ask("orders", "any", where=list(filters), **more)


def field(key: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": key, "op": op, **({} if value is None else {"value": value}), **more}


# -- Faults ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        (ask("city", "known", where=[field("channel", "in", [6])]), "$.where", "not_taken"),
        (only({"field": "weather", "op": "in", "value": ["rain"]}), "$.where[0].field", "unknown_field"),
        (only({"op": "in"}), "$.where[0].field", "unknown_field"),
        (only("channel"), "$.where[0]", "not_an_object"),
        (only(field("channel", "gte", 3)), "$.where[0].op", "wrong_operator"),
        (only(field("category", "not_in", ["奶粉"])), "$.where[0].op", "wrong_operator"),
        (only(field("channel", "in")), "$.where[0].value", "required"),
        (only(field("channel", "in", ["6"])), "$.where[0].value[0]", "not_a_number"),
        (only(field("hour", "in", [25])), "$.where[0].value[0]", "unknown_choice"),
        (only(field("discounted", "yes", True)), "$.where[0].value", "not_taken"),
        (only(field("amount", "gte", "x")), "$.where[0].value", "not_a_number"),
        (only(field("amount", "between", [2, 1])), "$.where[0].value", "upside_down"),
        (only(field("amount", "gte", 1, name="x")), "$.where[0].name", "not_taken"),
        (only(field("amount", "gte", 1, extra="x")), "$.where[0].extra", "unknown_key"),
        (only(*[field("amount", "gte", n) for n in range(7)]), "$.where", "too_many"),
        (ask("order_share", "gte", 3), "$.where", "required"),
        (ask("events", "any", where=[field("property", "is", "x")]), "$.where[0].name", "not_a_text"),
        (ask("events", "any", where=[field("property", "gte", "x", name="price")]), "$.where[0].value", "not_a_number"),
        (ask("sequence", "any", of=["view"]), "$.then", "required"),
        (ask("sequence", "any", of=["view"], then={"within": 3}), "$.then.of", "required"),
        (ask("sequence", "any", then={"of": ["view"], "within": 3}), "$.of", "required"),
        (ask("sequence", "any", of=["view"], then={"of": ["view"], "within": 0}), "$.then.within", "out_of_range"),
        (ask("sequence", "any", of=["view"], then={"of": ["view"], "within": 3, "unit": "months"}), "$.then.unit", "unknown_unit"),
        (ask("messages_converted", "any", then={"within": 3, "of": ["view"]}), "$.then.of", "not_taken"),
        (ask("orders", "any", then={"within": 3}), "$.then", "not_taken"),
        (ask("orders", "any", window={"since": "birth"}), "$.window.since", "unknown_anchor"),
        (ask("last_order_at", "within", window={"since": "joined"}), "$.window.since", "unknown_anchor"),
        (ask("orders", "any", window={"since": "last_event"}), "$.window.of", "required"),
        (ask("orders", "any", window={"since": "joined", "of": ["view"]}), "$.window.of", "not_taken"),
        (ask("orders", "any", window={"since": "joined", "days": 0}), "$.window.days", "out_of_range"),
        (ask("orders", "any", window={"since": "joined", "hours": 3}), "$.window.hours", "unknown_key"),
        (ask("orders", "any", window={"next": 7}), "$.window", "unknown_window"),
        (ask("orders", "any", window={"period": "next_week"}), "$.window", "unknown_window"),
        (ask("birthday", "within", window={"next": 7, "unit": "hours"}), "$.window.unit", "unknown_unit"),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_its_place(rule: Any, path: str, code: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse({"all": [{"fact": "city", "op": "known"}, rule]})
    assert {fault.path.replace("$.all[1]", "$"): fault.code for fault in caught.value.faults} == {path: code}


# -- Sentences -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        (only(field("channel", "in", [6]), field("discounted", "yes"), window={"last": 30, "unit": "days"}), "近 30 天下过单（渠道是天猫，用了优惠）", "has ordered (channel 天猫, discounted) in the last 30 days"),
        (ask("orders", "gte", 2, where=[field("amount", "gte", 10000)]), "下单次数（订单金额不少于 ¥100）不少于 2 单", "has at least 2 orders (order value at least ¥100)"),
        (ask("events", "any", of=["view"], where=[field("property", "is", "红", name="color"), field("property", "lt", 5, name="price")]), "有过「浏览」行为（「color」是「红」，「price」少于 5）", "has had “浏览” events (“color” is “红”, “price” less than 5)"),
        (ask("events", "none", where=[field("property", "yes", name="vip")]), "没有过行为（「vip」为真）", "has not had events (“vip” is true)"),
        (ask("sequence", "any", of=["add_to_cart"], then={"of": ["$order"], "within": 1, "unit": "days"}), "有过「加购」后 1 天内「下单」", "has done “加购” and then “order” within 1 day"),
        (ask("abandoned", "gte", 2, of=["add_to_cart"], then={"of": ["$order"], "within": 24, "unit": "hours"}, window={"last": 7, "unit": "days"}), "近 7 天「加购」后 24 小时内没有「下单」的次数不少于 2 次", "has at least 2 times of “加购” not followed by “order” within 24 hours in the last 7 days"),
        (ask("orders", "none", window={"since": "last_click"}), "最近一次点击消息以来没下过单", "has not ordered since the last clicked message"),
        (ask("orders", "lt", 2, window={"since": "joined", "days": 30}), "加入后 30 天内下单次数少于 2 单", "has fewer than 2 orders within 30 days after joining"),
        (ask("orders", "any", window={"since": "last_event", "of": ["view"]}), "最近一次「浏览」以来下过单", "has ordered since the last “浏览”"),
        (ask("birthday", "within", window={"next": 7, "unit": "days"}), "生日在未来 7 天内", "birthday is in the next 7 days"),
        (ask("anniversary", "within", window={"period": "next_month"}), "入会周年在下月", "anniversary of joining is next month"),
        (ask("order_share", "gte", 50, where=[field("weekday", "in", [6, 7])]), "符合条件的订单占比（星期是周六或周日）不少于 50 %", "share of orders that qualify (weekday Saturday or Sunday) is at least 50 %"),
        (ask("messages_converted", "any", then={"within": 3, "unit": "days"}), "收到消息后 3 天内下过单", "has ordered within 3 days of a message"),
        (ask("campaign_entered", "any", of=[3], where=[field("arm", "in", [0])]), "参加过活动「双十一」（分组是对照组）", "has taken part in campaigns “双十一” (arm holdout)"),
        (ask("city", "unknown"), "城市未知", "city is not known"),
    ],
)  # fmt: skip
def test_sentences(rule: dict[str, Any], zh: str, en: str) -> None:
    def names(source: str, value: Any) -> str:
        return NAMES.get((source, value), str(value))

    assert explain(parse(rule), "zh-hans", names) == zh
    assert explain(parse(rule), "en", names) == en


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_fact_can_be_said_with_every_operator(language: str) -> None:
    for about in facts().values():
        for op in about.operators:
            told = explain(parse(sample(about, op)), language)
            assert told
            assert not {"{", "["} & set(told), (about.key, op, told)


def sample(about: Any, op: str) -> dict[str, Any]:
    """Some condition of a fact and an operator."""
    value: Any = None
    if about.takes_value(op):
        listed = about.kind in ("choice", "set", "list") or op in ("in", "not_in")
        one: Any = about.choices[0].value if about.choices else 1 if about.numeric else "x"
        value = [one] if listed else "x" if about.kind == "text" else [1, 2] if op == "between" else 1
    made = ask(about.key, op, value)
    if about.subject:
        made["of"] = [1 if about.subject.numeric else "x"]
    if about.filtered:
        made["where"] = [field("discounted", "yes")]
    if about.then:
        made["then"] = {"within": 3, "unit": "days"} | ({"of": ["$order"]} if about.then == "asked" else {})
    if about.takes_window(op):
        made["window"] = {"last": 3, "unit": "days"}
    return made


# -- Meaning ---------------------------------------------------------------------------------------
def test_a_rule_survives_being_written() -> None:
    rule = ask(
        "events",
        "gte",
        2,
        of=["view"],
        where=[field("property", "between", [1, 2], name="price")],
        window={"since": "last_event", "of": ["sign_in"], "days": 9},
    )
    assert dump(parse(rule)) == rule
    rule = ask(
        "sequence", "any", of=["view"], then={"of": ["$order"], "within": 5, "unit": "hours"}, window={"last": 3, "unit": "weeks"}
    )
    assert dump(parse(rule)) == rule
    rule = ask("birthday", "within", window={"next": 2, "unit": "weeks"})
    assert dump(parse(rule)) == rule


def test_the_order_of_filters_does_not_matter() -> None:
    a, b = field("discounted", "yes"), field("channel", "in", [6, 1])
    assert fingerprint(parse(only(a, b)), AS_OF, ZONE) == fingerprint(parse(only(b, a)), AS_OF, ZONE)
    assert fingerprint(parse(only(a)), AS_OF, ZONE) != fingerprint(parse(only(b)), AS_OF, ZONE)


def test_windows_ahead_end_with_their_last_day() -> None:
    first, last = span(Window(ahead=7), AS_OF, ZONE, ahead=True)
    assert first
    assert last
    assert (first.date(), last.date()) == (date(2026, 11, 1), date(2026, 11, 9))
    month = span(Window(ahead=1, unit="months"), AS_OF, ZONE, ahead=True)
    assert month[1]
    assert month[1].date() == date(2026, 12, 2)
    week = span(Window(period="next_week"), AS_OF, ZONE, ahead=True)
    assert week[0]
    assert week[1]
    assert (week[0].date(), week[1].date()) == (date(2026, 11, 2), date(2026, 11, 9))


def test_a_sequence_needs_the_second_after_the_first_and_in_time(pool: Pool, alice: Member, bob: Member) -> None:
    at = AS_OF - timedelta(days=3)
    factories.event(alice, 1, at, "add_to_cart")
    factories.order(alice, "a", at + timedelta(hours=20), 100)
    factories.event(bob, 1, at, "add_to_cart")
    factories.order(bob, "b", at - timedelta(hours=1), 100)
    fresh = factories.member(pool, "Cara")
    factories.event(fresh, 1, AS_OF - timedelta(hours=2), "add_to_cart")

    def chosen(key: str, hours: int) -> set[int]:
        then = {"of": ["$order"], "within": hours, "unit": "hours"}
        return set(evaluate.count(pool, ask(key, "any", of=["add_to_cart"], then=then), AS_OF).bitmap)

    assert (chosen("sequence", 24), chosen("abandoned", 24)) == ({alice.pk}, {bob.pk})  # Cara may still order
    assert (chosen("sequence", 2), chosen("abandoned", 2)) == (set(), {alice.pk, bob.pk, fresh.pk})


def test_another_filter_asks_for_its_condition_only(pool: Pool, alice: Member) -> None:
    rule = {"all": [only(field("discounted", "yes")), ask("city", "in", ["上海"]), ask("events", "any")]}
    assert evaluate.count(pool, rule, AS_OF).asked == 3
    assert evaluate.count(pool, rule, AS_OF).from_cache
    rule["all"][0] = only(field("discounted", "no"))
    assert evaluate.count(pool, rule, AS_OF).asked == 1
    rule["all"][0] = ask("orders", "gte", 3, where=[field("discounted", "no")])
    assert evaluate.count(pool, rule, AS_OF).asked == 0  # the same rows, another threshold
