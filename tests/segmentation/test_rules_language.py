# ruff: noqa: E501 - a sentence and its rule stand in one line
"""Reading, normalising and saying rules: no database."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from segmentation.rules.ast import Not, Window, dump
from segmentation.rules.catalog import Unknown, fact, facts
from segmentation.rules.document import document
from segmentation.rules.explain import explain
from segmentation.rules.normalise import fingerprint, leaves
from segmentation.rules.parse import MAX_CONDITIONS, RuleError, parse, read
from segmentation.rules.periods import span
from segmentation.rules.statements import statement

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


def ask(fact: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


def faults(rule: Any) -> dict[str, str]:
    with pytest.raises(RuleError) as caught:
        parse(rule)
    return {fault.path: fault.code for fault in caught.value.faults}


# -- Faults ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        (None, "$", "not_an_object"),
        ({"some": []}, "$", "unknown_group"),
        ({"all": [], "any": []}, "$", "unknown_group"),
        ({"any": []}, "$.any", "empty_group"),
        ({"all": [{"all": []}]}, "$.all[0].all", "empty_group"),
        ({"all": {}}, "$.all", "not_a_list"),
        (ask("salary", "gte", 1), "$.fact", "unknown_fact"),
        (ask(["name"], "is", "x"), "$.fact", "unknown_fact"),
        (ask("city", "gte", 1), "$.op", "wrong_operator"),
        (ask("city", ["in"], ["上海"]), "$.op", "wrong_operator"),
        (ask("city", "in", [5]), "$.value[0]", "not_a_text"),
        (ask("city", "in", ["a\x00b"]), "$.value[0]", "not_a_text"),
        (ask("city", "in"), "$.value", "required"),
        (ask("gender", "in", [7]), "$.value[0]", "unknown_choice"),
        (ask("tag", "any", ["1"]), "$.value[0]", "not_a_number"),
        (ask("tag", "any", [True]), "$.value[0]", "not_a_number"),
        (ask("tag", "any", [2**40]), "$.value[0]", "not_a_number"),
        (ask("age", "gte", "30"), "$.value", "not_a_number"),
        (ask("age", "gte", float("nan")), "$.value", "not_a_number"),
        (ask("age", "gte", 30.5), "$.value", "not_whole"),
        (ask("age", "between", [40, 30]), "$.value", "upside_down"),
        (ask("age", "between", [40]), "$.value", "not_a_span"),
        (ask("age", "known", 3), "$.value", "not_taken"),
        (ask("sample", "share", 0), "$.value", "out_of_range"),
        (ask("age", "gte", 3, window={"last": 3}), "$.window", "not_taken"),
        (ask("age", "gte", 3, of=["x"]), "$.of", "not_taken"),
        (ask("age", "gte", 3, extra=1), "$.extra", "unknown_key"),
        (ask("category_orders", "any"), "$.of", "required"),
        (ask("attribute", "known", of=["a", "b"]), "$.of", "only_one"),
        (ask("last_order_at", "within"), "$.window", "required"),
        (ask("orders", "any", window={"last": 0}), "$.window.last", "out_of_range"),
        (ask("orders", "any", window={"last": 3, "unit": "years"}), "$.window.unit", "unknown_unit"),
        (ask("orders", "any", window={"past": 3}), "$.window", "unknown_window"),
        (ask("orders", "any", window="7 days"), "$.window", "unknown_window"),
        (ask("orders", "any", window={"period": "this_decade"}), "$.window", "unknown_window"),
        (ask("orders", "any", window={"from": "yesterday"}), "$.window.from", "not_a_date"),
        (ask("orders", "any", window={"from": "2026-02-02", "to": "2026-02-01"}), "$.window", "upside_down"),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_its_place(rule: Any, path: str, code: str) -> None:
    assert faults(rule) == {path: code}


def test_all_faults_are_reported_at_once() -> None:
    rule = {"all": [ask("age", "gte", "x"), {"any": [ask("city", "in", []), {"not": ask("nope", "is", 1)}]}]}
    assert faults(rule) == {
        "$.all[0].value": "not_a_number",
        "$.all[1].any[0].value": "required",
        "$.all[1].any[1].not.fact": "unknown_fact",
    }


def test_what_is_sound_is_still_read() -> None:
    node, found = read({"all": [ask("age", "gte", 3), ask("nope", "is", 1)]})
    assert node is not None
    assert dump(node) == {"all": [ask("age", "gte", 3)]}
    assert len(found) == 1


def test_depth_and_number_are_limited() -> None:
    deep: dict[str, Any] = ask("age", "gte", 3)
    for _ in range(7):
        deep = {"not": deep}
    parse(deep)
    assert set(faults({"not": deep}).values()) == {"too_deep"}
    parse({"all": [ask("age", "gte", 3)] * MAX_CONDITIONS})
    assert faults({"all": [ask("age", "gte", 3)] * (MAX_CONDITIONS + 1)}) == {"$": "too_many"}


def test_unknown_facts_fail_closed() -> None:
    with pytest.raises(Unknown):
        fact("nope")


# -- Meaning ---------------------------------------------------------------------------------------
def test_fewer_than_is_not_at_least() -> None:
    found = leaves(parse(ask("orders", "lt", 2)), AS_OF, ZONE)  # type: ignore[arg-type]
    assert isinstance(found, Not)
    assert (found.child.op, found.child.value) == ("gte", 2)


def test_order_and_wording_do_not_change_what_is_asked() -> None:
    a = {"all": [ask("orders", "lt", 2), {"all": [ask("city", "in", ["b", "a"])]}]}
    b = {"all": [{"not": {"not": ask("city", "in", ["a", "b"])}}, {"not": ask("orders", "gte", 2)}]}
    assert fingerprint(parse(a), AS_OF, ZONE) == fingerprint(parse(b), AS_OF, ZONE)
    assert fingerprint(parse(a), AS_OF, ZONE) != fingerprint(parse({"any": a["all"]}), AS_OF, ZONE)


def test_a_rule_survives_being_written() -> None:
    rule = {
        "any": [
            ask("age", "between", [1, 2]),
            {"not": ask("orders", "any", of=[1], window={"ago": [30, 7]})},
            ask("name", "is", "x"),
        ]
    }
    assert dump(parse(rule)) == rule


def test_days_are_the_pools() -> None:
    late = datetime(2026, 10, 31, 17, tzinfo=UTC)  # already 1 November in Shanghai
    start, end = span(Window(last=7), late, ZONE)
    assert (start, end) == (
        datetime(2026, 10, 24, 16, tzinfo=UTC).astimezone(ZONE),
        datetime(2026, 11, 1, 16, tzinfo=UTC).astimezone(ZONE),
    )
    start, end = span(Window(start=date(2026, 1, 1), end=date(2030, 1, 1)), late, ZONE)
    assert end == datetime(2026, 11, 1, 16, tzinfo=UTC)  # the future does not count


def test_values_never_enter_the_statement() -> None:
    evil = "'; DROP TABLE members_member; --"
    for rule in (
        ask("name", "contains", evil),
        ask("city", "in", [evil]),
        ask("attribute", "known", of=[evil]),
        ask("events", "any", of=[evil]),
    ):
        leaf: Any = leaves(parse(rule), AS_OF, ZONE)  # type: ignore[arg-type]
        text, params = statement(leaf, pool=1, zone=ZONE)
        assert "DROP" not in text
        assert evil in str(params)
        assert "{" not in text


def test_every_fact_has_both_languages_and_operators() -> None:
    for about in facts().values():
        assert about.label.zh
        assert about.label.en
        assert about.operators
        assert about.kind in ("sample", "list") or about.domains or about.key == "segment"


# -- Sentences -------------------------------------------------------------------------------------
NAMES = {
    ("tags", 1): "高客单",
    ("tags", 2): "新品尝鲜",
    ("channels", 6): "天猫",
    ("event_kinds", "view"): "浏览",
    ("segments", 5): "老客",
}
GOLDEN = [
    ({"all": []}, "全部会员", "all members"),
    (ask("city", "in", ["上海", "杭州", "苏州"]), "城市是上海、杭州或苏州", "city is 上海, 杭州 or 苏州"),
    (ask("city", "not_in", ["上海"]), "城市不是上海", "city is not 上海"),
    (ask("gender", "in", [2]), "性别是女", "gender is female"),
    (ask("name", "contains", "王"), "姓名包含「王」", "name contains “王”"),
    (ask("age", "between", [20, 30]), "年龄在 20 到 30 岁之间", "age is between 20 and 30 years"),
    (ask("orders", "gte", 2, window={"last": 90}), "近 90 天下单次数不少于 2 单", "has at least 2 orders in the last 90 days"),
    (ask("orders", "lt", 2, of=[6], window={"period": "this_year"}), "今年在天猫下单次数少于 2 单", "has fewer than 2 orders on 天猫 this year"),
    (ask("orders", "none", window={"last": 1}), "近 1 天没下过单", "has not ordered in the last day"),
    (ask("amount_total", "gte", 120050), "累计消费不少于 ¥1,200.5", "total spending is at least ¥1,200.5"),
    (ask("order_amount", "lt", 50000, window={"ago": [90, 30]}), "30～90 天前消费金额少于 ¥500", "spending 30 to 90 days ago is less than ¥500"),
    (ask("last_order_at", "within", window={"last": 90}), "最近下单在近 90 天内", "last order was in the last 90 days"),
    (ask("last_order_at", "not_within", window={"from": "2026-01-01"}), "最近下单不在 2026-01-01 以来", "last order was not since 2026-01-01"),
    (ask("tag", "any", [1, 2]), "带有标签「高客单」或「新品尝鲜」", "is tagged “高客单” or “新品尝鲜”"),
    (ask("tag", "all", [1, 2]), "带有标签「高客单」和「新品尝鲜」", "is tagged “高客单” and “新品尝鲜”"),
    (ask("tag", "none", [1]), "不带标签「高客单」", "is not tagged “高客单”"),
    (ask("events", "any", of=["view"], window={"last": 2, "unit": "weeks"}), "近 2 周有过「浏览」行为", "has had “浏览” events in the last 2 weeks"),
    (ask("reachable", "any", ["email", "sms"]), "可通过邮件或短信触达", "can be reached by e-mail or SMS"),
    (ask("segment", "any", [5]), "属于分群「老客」", "is in segment “老客”"),
    (ask("messages_opened", "none", window={"last": 30}), "近 30 天没打开过消息", "has not opened messages in the last 30 days"),
    (ask("category_orders", "any", of=["奶粉"]), "买过「奶粉」", "has bought “奶粉”"),
    (
        {"all": [ask("city", "in", ["上海"]), ask("rfm_group", "in", [7]), ask("reachable", "any", ["push"])]},
        "城市是上海，且 RFM 分组是重要价值，且可通过 App 推送触达",
        "city is 上海, and RFM group is champions, and can be reached by app push",
    ),
    (ask("store", "any", ["南京路1号店B座"]), "在南京路1号店B座消费过", "bought at 南京路1号店B座"),
    (ask("city", "in", ["A市"]), "城市是 A市", "city is A市"),
    (ask("name", "contains", "王A"), "姓名包含「王A」", "name contains “王A”"),
    (ask("sample", "share", 10), "随机抽取 10% 的会员", "a random 10% of members"),
    (
        {"all": [ask("gender", "in", [1]), {"any": [ask("age", "lt", 30), ask("tag", "any", [1])]}, {"not": {"any": [ask("tag", "any", [2])]}}]},
        "性别是男，且（年龄少于 30 岁，或带有标签「高客单」），且排除（带有标签「新品尝鲜」）",
        "gender is male, and (age is less than 30 years, or is tagged “高客单”), and excluding (is tagged “新品尝鲜”)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "zh", "en"), GOLDEN)
def test_sentences(rule: Any, zh: str, en: str) -> None:
    def names(source: str, value: Any) -> str:
        return NAMES.get((source, value), str(value))

    assert explain(parse(rule), "zh-hans", names) == zh
    assert explain(parse(rule), "en", names) == en


def test_the_page_about_facts_is_the_catalogue() -> None:
    page = Path(__file__).parents[2] / "docs" / "facts.md"
    assert page.read_text() == document(), "run: manage.py facts > docs/facts.md"


def test_what_would_be_right_is_listed_as_each_language_does_it() -> None:
    rule = {"all": [{"fact": "gender", "op": "gte"}, {"fact": "orders", "op": "any", "where": [{"field": "nothing"}]}]}
    found = read(rule)[1]
    assert [fault.code for fault in found] == ["wrong_operator", "unknown_field"]
    assert all("、" not in fault.text.en and ", " in fault.text.en for fault in found)
    assert all("、" in fault.text.zh for fault in found)
