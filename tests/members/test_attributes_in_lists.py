"""Fields of a pool's own in the list of members: narrowed by them, shown as columns."""

from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.test import Client

from members import columns
from members.attributes import services
from members.attributes.services import Choice
from members.listing import ask
from members.models import AttributeField, Member, Pool
from tests import factories

pytestmark = pytest.mark.django_db
Login = Callable[[str], Client]


@pytest.fixture
def listed(pool: Pool, band: AttributeField, worth: AttributeField) -> dict[str, Member]:
    for key, kind in (("likes", "multi_choice"), ("since", "date"), ("car", "boolean"), ("note", "text")):
        chosen = [Choice("a"), Choice("b")] if kind == "multi_choice" else []
        services.create_field(pool=pool, key=key, kind=kind, label=key, choices=chosen, actor=None)
    values = {
        "one": {"band": "low", "worth": 10, "likes": ["a", "b"], "since": "2026-10-01", "car": True, "note": "Tea"},
        "two": {"band": "mid", "worth": -1.5, "likes": ["b"], "since": "2026-11-01", "car": False, "note": "coffee"},
        "stray": {"band": ["low"], "worth": "10", "likes": "a", "since": 20261001, "car": "yes", "note": 7},
        "none": {},
    }
    return {name: factories.member(pool, name, attributes=given) for name, given in values.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a_band=low", {"one"}),
        ("a_band=low&a_band=mid", {"one", "two"}),
        ("a_band=none", {"none"}),
        ("a_band=gone", set()),
        ("a_worth_min=0", {"one"}),
        ("a_worth_max=10", {"one", "two"}),
        ("a_worth_min=-1.5&a_worth_max=-1.5", {"two"}),
        ("a_likes=a", {"one"}),
        ("a_likes=b&a_car=true", {"one"}),
        ("a_since_min=2026-10-02", {"two"}),
        ("a_since_max=2026-10-01", {"one"}),
        ("a_car=false", {"two"}),
        ("a_car=true&a_car=none", {"one", "none"}),
        ("a_note=TEA", {"one"}),
    ],
)
def test_the_list_is_narrowed_by_fields(pool: Pool, listed: dict[str, Member], query: str, expected: set[str]) -> None:
    found = set(ask(QueryDict(query), pool).ids())
    assert {name for name, member in listed.items() if member.pk in found} == expected


def test_the_list_finds_a_renamed_choice_by_either_name(pool: Pool, band: AttributeField, listed: dict[str, Member]) -> None:
    services.edit_field(field=band, choices=[Choice("lower", was="low"), Choice("mid", was="mid")], actor=None)
    assert set(ask(QueryDict("a_band=lower"), pool).ids()) == {listed["one"].pk}


def test_fields_are_columns(pool: Pool, listed: dict[str, Member], login: Login) -> None:
    known = columns.known(pool, "analyst")
    cells = {key: known[key].values(pool, list(listed.values())) for key in ("a_band", "a_worth", "a_likes", "a_car")}  # type: ignore[misc]
    one = listed["one"].pk
    assert [cells[key][one] for key in cells] == ["低", 10, ["a", "b"], "是"]
    AttributeField.objects.filter(pool=pool, key="worth").update(is_sensitive=True)
    assert "a_worth" not in columns.known(pool, "marketer")
    assert "a_worth" in columns.known(pool, "operator")
    page = login("analyst").get("/p/demo/members/?a_band=low").content.decode()
    assert "收入档: 低" in page
