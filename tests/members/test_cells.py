"""Cells of the list: text as it is, HTML where it is meant, and never what somebody typed."""

import pytest
from django.template import Context, Template
from django.utils import translation

from members import cells
from members.models import Member, MemberState
from members.models.state import RfmGroup, Stage


def drawn(cell):
    """As the row's template draws it."""
    return Template("{{ cell }}").render(Context({"cell": cell}))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_chips_are_html_and_their_texts_are_not(count):
    found = drawn(cells.chips(["<b>", "b&c", "d", "e", "f"][:count], most=2))
    assert found.count('<span class="tag-chip">') == min(count, 2)
    assert '<span class="tag-chip">&lt;b&gt;</span>' in found
    assert ('<span class="tag-more">+' in found) == (count > 2)
    assert "&lt;span" not in found


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "number", "–"),
        ("", "text", "–"),
        (0, "number", "0"),
        (1234567, "money", "¥12,346"),
        (0.256, "percent", "25.6%"),
        ([], "pills", "–"),
        ("<i>", "text", "&lt;i&gt;"),
        (True, "something new", "True"),
    ],
)
def test_a_value_by_its_kind(value, kind, text):
    assert drawn(cells.shown(value, kind)) == text


def test_words_follow_the_language_of_the_reader():
    with translation.override("en"):
        assert cells.word(RfmGroup, 7) == "Champions"
    with translation.override("zh-hans"):
        assert cells.word(RfmGroup, 7) == "重要价值"


@pytest.mark.django_db
def test_the_pill_of_a_stage_and_of_nobody_computed():
    member = Member(pk=1)
    assert "潜客" in drawn(cells.stage(member))
    assert cells.rfm(member) == "–"
    member.state = MemberState(stage=Stage.LOST, rfm_group=0)
    assert 'class="pill tone-lost"' in drawn(cells.stage(member))
    assert cells.rfm(member) == "一般挽留"


def test_a_place_is_as_much_as_is_known():
    assert [cells.place(Member(province=a, city=b)) for a, b in (("浙江", "杭州"), ("浙江", ""), ("", ""))] == [
        "浙江 杭州",
        "浙江",
        "–",
    ]
