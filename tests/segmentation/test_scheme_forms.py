"""Forms of schemes: what is shown is what is kept, and rows that are wrong say so."""

from typing import Any

import pytest
from django.forms import BaseForm
from django.utils.translation import override

from members.models import Channel, Pool
from scrm.lib.problems import Problem
from segmentation.standings import forms
from segmentation.standings.families import checked, family
from segmentation.standings.score_items import told

pytestmark = pytest.mark.django_db
FAMILIES = ["aipl", "usage", "value", "ladder", "rfm", "score", "scene", "preferred_channel", "preferred_hour"]


def posted(form: BaseForm) -> dict[str, Any]:
    """What a browser would send of a form that was opened and not changed."""
    shown = {field.html_name: field.field.prepare_value(field.value()) for field in form}
    return {name: _typed(value) for name, value in shown.items() if value is not False and value not in (None, "", [], ())}


def _typed(value: Any) -> str | list[str]:
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return "on" if value is True else str(value)


def sent(form: Any) -> dict[str, Any]:
    """The same, with the rows of its formsets."""
    data = posted(form)
    for name in ("rows", "items", "bonuses"):
        for part in [formset.management_form, *formset.forms] if (formset := getattr(form, name, None)) else []:
            data |= posted(part)
    return data


def opened(pool: Pool, key: str, settings: dict[str, Any] | None = None) -> Any:
    return forms.settings_form(key)(pool, initial=forms.initial(key, settings))


def kept(pool: Pool, key: str, data: dict[str, Any]) -> Any:
    form = forms.settings_form(key)(pool, data)
    assert form.is_valid(), form.errors
    return checked(key, form.document())


@pytest.mark.parametrize("key", FAMILIES)
def test_saving_what_was_opened_changes_nothing(pool: Pool, key: str) -> None:
    assert kept(pool, key, sent(opened(pool, key))) == family(key).settings()


SCORE = {
    "items": [
        {"source": "event", "weight": 3, "kinds": ["view"], "where": [{"name": "seconds", "op": "gte", "value": "30"}]},
        {"source": "order", "weight": -5, "per": "yuan", "channels": ["pos"], "least": 1050},
    ],
    "bonuses": [{"field": "city", "values": ["上海", "北京"], "weight": 9}],
    "decay": "days",
    "half_life": 45,
    "cut": "points",
    "points": [5, 6, 7],
}


def test_a_score_survives_its_form(pool: Pool) -> None:
    wanted = checked("score", SCORE)
    assert kept(pool, "score", sent(opened(pool, "score", SCORE))) == wanted


def test_a_scene_survives_its_form(pool: Pool) -> None:
    chosen = {"events": ["search"], "words": ["酒店", "机票"], "enough": 3}
    assert kept(pool, "scene", sent(opened(pool, "scene", chosen))) == checked("scene", chosen)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("seconds >= 30", ("seconds", "gte", "30")),
        ("seconds<=30.5", ("seconds", "lte", "30.5")),
        ("seconds ≥ ３０", ("seconds", "gte", "30")),
        ("url 包含 a=b", ("url", "contains", "a=b")),
        ("title = 包含 ≥", ("title", "is", "包含 ≥")),
        ("city＝ＡＢ", ("city", "is", "ＡＢ")),
    ],
)
def test_a_condition_is_split_at_its_leftmost_sign(pool: Pool, line: str, wanted: tuple[str, str, str]) -> None:
    data = sent(opened(pool, "score", SCORE)) | {"items-0-conditions": line}
    (where,) = kept(pool, "score", data).items[0].where
    assert (where.name, where.op, where.value) == wanted


def test_words_of_conditions_stand_by_themselves(pool: Pool) -> None:
    with override("en"):
        data = sent(opened(pool, "score", SCORE)) | {"items-0-conditions": "contains_x contains nappies"}
        assert kept(pool, "score", data).items[0].where[0].name == "contains_x"


@pytest.mark.parametrize("value", ["３０", "1_0", "1e5", "nan", "-", "1" * 16])
def test_only_what_the_database_reads_as_a_number_is_compared(value: str) -> None:
    where = [{"name": "seconds", "op": "gte", "value": value}]
    with pytest.raises(Problem, match="大于与小于只用于数字"):
        checked("score", {"items": [{"source": "event", "weight": 3, "where": where}]})


def test_what_earns_points_is_told_with_its_limits() -> None:
    Channel.objects.get_or_create(code="pos", defaults={"name": "门店", "name_en": "Shop"})
    chosen = checked("score", SCORE)
    assert "seconds ≥ 30" in told(chosen.items[0])
    assert f"{Channel.objects.get(code='pos')} · 满 ¥10.50" in told(chosen.items[1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"items-0-conditions": "母婴"}, "看不懂的条件：母婴"),
        ({"items-0-conditions": "seconds > 30"}, "看不懂的条件：seconds > 30"),
        ({"items-0-weight": ""}, "请填写分值"),
        ({"bonuses-0-values": ""}, "请填写此项"),
        ({"points": "5 6"}, "请填写三个整数"),
        ({"items-0-least": "-1"}, "有一行没有填对"),
    ],
)
def test_a_row_that_is_wrong_says_so(pool: Pool, change: dict[str, str], says: str) -> None:
    form = forms.settings_form("score")(pool, sent(opened(pool, "score", SCORE)) | change)
    assert not form.is_valid()
    said = [str(form.errors), str(form.items.errors), str(form.bonuses.errors)]
    assert says in "".join(said)
