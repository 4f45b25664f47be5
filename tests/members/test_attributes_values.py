"""Values of custom fields: what is read, what is refused, and that everything kept is read back the same."""

import json
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.attributes import cells
from members.attributes.values import Bad, accept, fits, parse, reader, shown, text
from members.models import AttributeField

BANDS = [
    {"value": "u25", "label": "25 岁以下", "label_en": "under 25", "was": []},
    {"value": "25-34", "label": "25–34 岁", "label_en": "25 to 34", "was": ["young"]},
    {"value": "35+", "label": "35 岁以上", "label_en": "", "was": []},
]


def field(kind: str, **more: Any) -> AttributeField:
    choices = BANDS if kind in AttributeField.WITH_CHOICES else []
    return AttributeField(key="x", label="甲", kind=kind, **{"choices": choices, **more})


def code(kind: str, said: str, **more: Any) -> str:
    with pytest.raises(Bad) as refused:
        parse(field(kind, **more), said)
    return refused.value.code


@pytest.mark.parametrize(
    ("said", "number"),
    [("12", 12), ("1,234.50", 1234.5), ("￥１２", 12), ("-3.5", -3.5), ("50万", 500000), ("1.5亿", 150000000), ("1.2E+3", 1200)],
)
def test_numbers_as_people_write_them(said: str, number: float) -> None:
    found = parse(field("number"), said)
    assert found == number
    assert type(found) is type(number)


def test_a_unit_may_stand_behind_a_number() -> None:
    assert parse(field("number", unit="kg"), "3.5 KG") == 3.5
    assert parse(field("number", unit="万元"), "3万元") == 3
    assert parse(field("number"), "88元") == 88


def test_numbers_that_are_none() -> None:
    assert code("number", "many") == "not_a_number"
    assert code("number", "1 2 x") == "not_a_number"
    assert code("number", "1234567890123456") == "number_out_of_range"
    assert code("number", "1e90") == "number_out_of_range"
    assert code("number", "nan") == "not_a_number"


@pytest.mark.parametrize("said", ["2026-11-01", "2026/11/1", "2026.11.01", "20261101", "2026年11月1日", "2026-11-01 08:30:00"])
def test_dates_as_people_write_them(said: str) -> None:
    assert parse(field("date"), said) == "2026-11-01"


def test_dates_that_are_none() -> None:
    assert code("date", "2026-02-30") == "bad_date"
    assert code("date", "11-01-2026") == "bad_date"
    assert code("date", "1850-01-01") == "ancient_date"
    assert code("date", "2300-01-01") == "future_date"


def test_a_choice_goes_by_value_label_english_or_former_name() -> None:
    assert [parse(field("choice"), said) for said in ("u25", "25 岁以下", "UNDER 25", "young", " 25–34 岁 ")] == [
        *("u25", "u25", "u25", "25-34", "25-34")
    ]
    assert code("choice", "u26") == "unknown_choice"


def test_several_choices_stand_in_the_order_of_the_field() -> None:
    assert parse(field("multi_choice"), "35+、u25，young") == ["u25", "25-34", "35+"]
    assert parse(field("multi_choice"), "u25 | u25") == ["u25"]
    assert parse(field("multi_choice"), " , ") is None
    assert code("multi_choice", "u25,?") == "unknown_choice"


def test_yes_and_no() -> None:
    assert [parse(field("boolean"), said) for said in ("是", "YES", "1", "否", "false", "０")] == [*[True] * 3, *[False] * 3]
    assert code("boolean", "maybe") == "not_yes_or_no"


def test_nothing_is_nothing_whatever_the_kind() -> None:
    for kind in AttributeField.Kind.values:
        assert parse(field(kind), "  ") is None
        assert accept(field(kind), None) is None


def test_texts_end_somewhere() -> None:
    assert parse(field("text"), " a\x00b ") == "ab"
    assert code("text", "x" * 501) == "too_long"


def test_what_programs_send_is_judged_too() -> None:
    assert accept(field("number"), 3.25) == 3.25
    assert accept(field("multi_choice"), ["35+", "u25"]) == ["u25", "35+"]
    assert accept(field("boolean"), False) is False
    for kind, wrong in [
        ("text", 3),
        ("number", True),
        ("date", 20261101),
        ("choice", ["u25"]),
        ("multi_choice", [1]),
        ("boolean", 1),
    ]:
        with pytest.raises(Bad):
            accept(field(kind), wrong)


def test_values_as_people_read_them() -> None:
    assert shown(field("number", unit="万元"), 1234.5) == "1,234.5 万元"
    assert shown(field("choice"), "25-34", "zh-hans") == "25–34 岁"
    assert shown(field("choice"), "25-34", "en") == "25 to 34"
    assert shown(field("multi_choice"), ["u25", "gone"], "zh-hans") == "25 岁以下、gone"
    assert shown(field("text"), None) == ""


NUMBERS = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.decimals(-(10**8), 10**8, places=6, allow_nan=False).map(float).filter(lambda number: len(repr(number)) < 15),
)
VALUES: dict[str, Any] = {
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60).map(str.strip).filter(bool),
    "number": NUMBERS.map(lambda number: int(number) if number == int(number) else number),
    "date": st.dates(date(1900, 1, 1), date(2200, 12, 31)).map(date.isoformat),
    "choice": st.sampled_from([each["value"] for each in BANDS]),
    "multi_choice": st.sets(st.sampled_from([0, 1, 2]), min_size=1).map(
        lambda places: [BANDS[n]["value"] for n in sorted(places)]
    ),
    "boolean": st.booleans(),
}


@given(st.data())
def test_a_kept_value_is_read_back_the_same(data: Any) -> None:
    """Through text as files and forms have it, and through JSON as the database and programs have it."""
    kind = data.draw(st.sampled_from(sorted(VALUES)))
    value, mine = data.draw(VALUES[kind]), field(kind)
    again = parse(mine, text(mine, value))
    assert again == value
    assert type(again) is type(value)
    assert accept(mine, json.loads(json.dumps(value))) == value
    assert fits(mine, value)


@given(st.sampled_from(sorted(VALUES)), st.text(max_size=30))
def test_whatever_is_said_is_read_or_refused_and_reading_is_settled(kind: str, said: str) -> None:
    mine = field(kind)
    try:
        value = parse(mine, said)
    except Bad:
        return
    assert parse(mine, text(mine, value)) == value


@given(
    st.sampled_from(["number", "choice", "date", "boolean"]),
    st.lists(st.one_of(st.none(), st.text(min_size=1, max_size=6), st.sampled_from(["1", "u25", "2026-01-01", "是", "x"]))),
)
def test_a_column_is_judged_as_its_cells_are(kind: str, said: list[str | None]) -> None:
    values, bad = cells.read(field(kind), pa.array(said, pa.string()))
    read, refused = reader(field(kind)), {}
    for n, one in enumerate(said):
        try:
            assert values[n] == (None if one is None else read(one))
        except Bad as found:
            refused[n] = found.code
            assert values[n] is None
    assert {n: name for mask, name in bad for n, hit in enumerate(mask.to_pylist()) if hit} == refused
