"""Numbers, money and times as Chinese and English readers expect them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.http import QueryDict
from django.template import Context
from django.test import RequestFactory
from django.utils.translation import override

from scrm.lib import clock, formats, ui


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (None, "–", "–"),
        ("", "–", "–"),
        (0, "0", "0"),
        (9999, "9,999", "10K"),
        (9999.6, "1万", "10K"),
        (12345, "1.2万", "12.3K"),
        (486210, "48.6万", "486.2K"),
        (-12345, "-1.2万", "-12.3K"),
        (128_640_000, "1.3亿", "128.6M"),
        (99_999_999.9, "1亿", "100M"),
        (2.25, "2.3", "2.3"),
        (float("nan"), "–", "–"),
    ],
)
def test_compact(value: object, zh: str, en: str) -> None:
    with override("zh-hans"):
        assert formats.compact(value) == zh
    with override("en"):
        assert formats.compact(value) == en


def test_whole_numbers_and_shares() -> None:
    assert formats.full(486210) == "486,210"
    assert formats.full(2.5) == "3"  # half away from zero, as people round
    assert formats.full(None) == "–"
    assert [formats.significant(each) for each in (35671.2, 0.042196, 7, 0, 1e-9)] == [
        "35,671",
        "0.0422",
        "7",
        "0",
        "0.000000001",
    ]
    assert formats.percent(0.318) == "31.8%"
    assert formats.percent(0.0005, 2) == "0.05%"
    assert formats.signed(0.034) == "+3.4%"
    assert formats.signed(-0.012) == "-1.2%"
    assert formats.decimal(1.50) == "1.5"


def test_difference_of_rates_in_points() -> None:
    with override("zh-hans"):
        assert formats.points(0.012) == "+1.2 个百分点"


def test_lists_and_labels_are_put_together_as_each_language_does_it() -> None:
    with override("zh-hans"):
        assert (formats.listed("ab"), formats.clauses("ab")) == ("a、b", "a；b")
        assert "x" + formats.quoted("a") + formats.bracketed("b") == "x「a」（b）"
        assert formats.labelled("a", "b") == "a：b"
    with override("en"):
        assert (formats.listed("ab"), formats.clauses("ab")) == ("a, b", "a; b")
        assert "x" + formats.quoted("a") + formats.bracketed("b") == "x “a” (b)"
        assert formats.labelled("a", "b") == "a: b"


def test_a_label_names_the_currency_it_is_read_in() -> None:
    label = formats.with_sign("at least (%(sign)s)")
    assert str(label) == "at least (¥)"
    with formats.in_currency("USD"):
        assert str(label) == "at least (US$)"
    assert (formats.sign_of("EUR"), formats.sign_of("XXX")) == ("€", "XXX")


def test_money_is_minor_units() -> None:
    assert formats.money(123450) == "¥1,234.50"
    assert formats.money(-5) == "-¥0.05"
    assert formats.money(123450, 0) == "¥1,235"
    assert formats.money(None) == "–"
    with override("zh-hans"):
        assert formats.money_compact(1_234_500) == "¥1.2万"


@pytest.mark.parametrize(
    ("back", "zh"),
    [
        (timedelta(seconds=20), "刚刚"),
        (timedelta(minutes=5, seconds=1), "5 分钟前"),
        (timedelta(hours=23, minutes=59), "23 小时前"),
        (timedelta(days=23, hours=1), "23 天前"),
        (timedelta(days=400), "1 年前"),
        (-timedelta(days=2, minutes=1), "2 天后"),
    ],
)
def test_ago_reads_and_keeps_the_exact_moment(back: timedelta, zh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 1, 4, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    with override("zh-hans"):
        text = str(formats.ago(now - back))
    assert f">{zh}</time>" in text
    assert 'title="' in text
    assert formats.ago(None) == "–"


def test_exact_is_local_time() -> None:
    assert ">2026-11-01 12:00</time>" in str(formats.exact(datetime(2026, 11, 1, 4, tzinfo=UTC)))
    assert ">2026-11-01</time>" in str(formats.exact(date(2026, 11, 1)))


def test_duration() -> None:
    with override("zh-hans"):
        assert formats.duration(9) == "9 秒"
        assert formats.duration(200) == "3 分 20 秒"
        assert formats.duration(7260) == "2 小时 1 分"


def test_spark_points_stay_inside_and_need_two_values() -> None:
    points = formats.spark([1, 5, 3])
    assert len(points.split()) == 3
    assert all(0 <= float(part) <= 84 for pair in points.split() for part in pair.split(","))
    assert formats.spark([1]) == ""
    assert formats.spark([2, 2]) != ""


def _context(query: str) -> Context:
    return Context({"request": RequestFactory().get(f"/?{query}")})


def test_query_changes_keys_and_starts_paging_over() -> None:
    context = _context("stage=active&stage=lost&after=x1&q=%E7%8E%8B")
    assert QueryDict(ui.query(context, sort="-name")[1:]).dict() == {"stage": "lost", "q": "王", "sort": "-name"}
    assert "q=" not in ui.query(context, q=None)
    assert QueryDict(ui.query_without(context, "stage", "active")[1:]).getlist("stage") == ["lost"]
    assert "stage" not in ui.query_without(context, "stage")


def test_hidden_inputs_escape_what_came_in_the_address() -> None:
    assert "&lt;script" in ui.query_fields(_context("q=<script>"))
    assert "days" not in ui.query_fields(_context("days=7&q=a"), "days")


def test_sorting_turns_round() -> None:
    assert ui.sort_state(_context("sort=-name"), "name") == {"direction": "descending", "next": "name"}
    assert ui.sort_state(_context("sort=name"), "name") == {"direction": "ascending", "next": "-name"}
    assert ui.sort_state(_context(""), "name")["direction"] == ""


def test_a_rise_is_good_unless_told_otherwise() -> None:
    assert ui.stat_parts(0.1)["tone"] == "green"
    assert ui.stat_parts(0.1, inverse="1")["tone"] == "red"
    assert ui.stat_parts(-0.1)["icon"] == "trending-down"
    assert ui.stat_parts(None)["known"] is False


def test_wizard_only_goes_back() -> None:
    steps = ui.wizard_steps([("上传", "/1"), ("映射", "/2"), ("导入", "/3")], "2")
    assert [(step["state"], step["url"]) for step in steps] == [("past", "/1"), ("here", ""), ("next", "")]


def test_progress_is_never_above_one_and_unknown_without_a_total() -> None:
    assert ui.progress_parts(5, 10, None)["ratio"] == 0.5
    assert ui.progress_parts(15, 10, None)["ratio"] == 1.0
    assert ui.progress_parts(5, None, None)["ratio"] is None
