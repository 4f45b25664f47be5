"""Coverage, likeness and unused tags for programs: the same figures as on the page."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from members import tagging
from members.models import Member, MemberTag, Tag, TagGroup


@pytest.fixture
def told(crowd: list[Member], group_of: Callable[..., TagGroup], tag_of: Callable[..., Tag], as_of: datetime) -> dict[str, Tag]:
    """High on members 0–3, near on 1–4, nobody's on none."""
    group = group_of("价值")
    made = {name: tag_of(group, name) for name in ("高", "近", "空")}
    for name, wanted in (("高", crowd[:4]), ("近", crowd[1:5])):
        tagging.add_tag(tag=made[name], members=[member.pk for member in wanted], actor=None, as_of=as_of)
    return made


def test_coverage_counts_members_once(told: dict[str, Tag], api: Callable[..., Any]) -> None:
    found = api("analyst").get("/api/tags/coverage/").json()
    assert (found["total"], found["is_old"]) == (8, False)
    [group] = found["groups"]
    assert (group["name"], group["members"], group["share"]) == ("价值", 5, 5 / 8)
    assert {tag["name"]: (tag["carriers"], tag["share"]) for tag in group["tags"]} == {
        "高": (4, 0.5),
        "近": (4, 0.5),
        "空": (0, 0.0),
    }


def test_tags_on_the_same_members_are_told(told: dict[str, Tag], api: Callable[..., Any]) -> None:
    found = api("analyst").get("/api/tags/overlap/").json()
    [pair] = found["pairs"]
    assert (pair["first_name"], pair["second_name"], pair["both"], pair["share"]) == ("高", "近", 3, 3 / 5)


def test_what_does_nothing_is_told_with_why(told: dict[str, Tag], api: Callable[..., Any]) -> None:
    MemberTag.objects.filter(tag=told["近"]).update(at=datetime.fromisoformat("2020-01-01T00:00Z"))
    found = {row["name"]: row for row in api("analyst").get("/api/tags/unused/").json()}
    assert set(found) == {"近", "空"}
    assert [found["空"][key] for key in ("carriers", "empty", "stale", "unnamed")] == [0, True, False, True]
    assert [found["近"][key] for key in ("carriers", "empty", "stale", "unnamed")] == [4, False, True, True]
