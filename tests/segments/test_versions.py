"""Versions: what changed, bringing one back, and two people saving at once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from members.models import Pool, Tag, TagGroup
from scrm.lib.problems import Problem
from segmentation.models import Segment, SegmentVersion
from segmentation.rules.ast import Condition, conditions
from segmentation.rules.parse import parse
from segmentation.segments import computing, diff, services, versions
from tests.segments.conftest import AS_OF, city

pytestmark = pytest.mark.django_db
Make = Callable[..., Segment]
OLD: dict[str, Any] = {
    "all": [
        city("上海"),
        {"fact": "age", "op": "gte", "value": 18},
        {"any": [city("杭州"), {"fact": "stage", "op": "in", "value": [1]}]},
    ]
}
NEW: dict[str, Any] = {
    "all": [city("上海"), {"fact": "age", "op": "gte", "value": 30}, {"any": [city("杭州")]}, {"fact": "orders", "op": "any"}]
}


def lines(old: Any, new: Any) -> list[diff.Line]:
    return list(diff.compare(parse(old), parse(new)).flat())


def test_each_condition_is_told_by_what_became_of_it() -> None:
    found = [(line.what, line.depth) for line in lines(OLD, NEW)]
    assert found == [
        ("same", 0),
        ("same", 1),  # city
        ("changed", 1),  # age
        ("same", 1),  # the group
        ("same", 2),
        ("removed", 2),  # stage
        ("added", 1),  # orders
    ]


def test_a_group_that_changes_its_relation_is_a_change() -> None:
    assert [line.what for line in lines({"all": [city("上海")]}, {"any": [city("上海")]})] == ["changed", "same"]


def test_in_both_languages(make: Make) -> None:
    segment = make(rule=OLD)
    services.save(pool=segment.pool, name="s", rule=NEW, actor=None, segment=segment)
    pair = versions.pair(segment, 1, 2)
    assert pair is not None
    zh = [(line.what, line.before, line.after) for line in versions.difference(segment, *pair, "zh-hans")]
    en = [(line.what, line.before, line.after) for line in versions.difference(segment, *pair, "en")]
    assert zh[0] == ("same", "满足全部", "满足全部")
    assert ("changed", "年龄不少于 18 岁", "年龄不少于 30 岁") in [(what, a.strip(), b.strip()) for what, a, b in zh]
    assert en[0] == ("same", "all of", "all of")
    assert [line[0] for line in en] == [line[0] for line in zh]
    assert all("城市" not in text for line in en for text in line[1:])


LEAVES = st.sampled_from(
    [city("上海"), city("杭州"), *({"fact": "age", "op": "gte", "value": n} for n in (1, 2)), {"fact": "orders", "op": "any"}]
)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found}),
        inner.map(lambda found: {"not": found}),
    ),
    max_leaves=8,
)


def _leaves(found: list[diff.Line], side: str) -> list[str]:
    """The conditions one side of a difference shows; a group changed whole shows all below it."""
    shown = [
        getattr(line, side)
        for line in found
        if getattr(line, side) is not None and not (line.children and not isinstance(getattr(line, side), Condition))
    ]
    return sorted(repr(condition) for node in shown for _path, condition in conditions(node))


@given(old=RULES, new=RULES)
def test_a_difference_shows_both_rules_and_nothing_else(old: Any, new: Any) -> None:
    found = lines(old, new)
    before, after = parse(old), parse(new)
    assert _leaves(found, "before") == sorted(repr(each) for _path, each in conditions(before))
    assert _leaves(found, "after") == sorted(repr(each) for _path, each in conditions(after))
    assert (old == new) is all(line.what == "same" for line in found)


# -- Bringing one back -----------------------------------------------------------------------------
def test_an_old_rule_becomes_a_new_version(make: Make) -> None:
    segment = make()
    services.save(pool=segment.pool, name="s", rule=city("杭州"), actor=None, segment=segment)
    for _click in range(2):  # two people click at once
        services.roll_back(segment=segment, n=1, actor=None)
    assert list(SegmentVersion.objects.order_by("n").values_list("n", "restored_from")) == [(1, None), (2, None), (3, 1)]
    segment.refresh_from_db()
    assert (segment.version, segment.status) == (3, "building")
    computing.refresh(segment=segment, as_of=AS_OF + timedelta(days=1))
    segment.refresh_from_db()
    assert segment.size == 2


def test_an_old_rule_that_asks_for_what_is_gone_is_refused(make: Make) -> None:
    pool_tag = make().pool
    tag = Tag.objects.create(pool=pool_tag, group=TagGroup.objects.create(pool=pool_tag, name="g"), name="t")
    segment = services.save(pool=pool_tag, name="tagged", rule={"fact": "tag", "op": "any", "value": [tag.pk]}, actor=None)
    services.save(pool=pool_tag, name="tagged", rule=city("上海"), actor=None, segment=segment)
    Tag.objects.filter(pk=tag.pk).delete()
    with pytest.raises(services.BadRule):
        services.roll_back(segment=segment, n=1, actor=None)
    with pytest.raises(Problem) as caught:
        services.roll_back(segment=segment, n=9, actor=None)
    assert caught.value.code == "no_version"
    assert SegmentVersion.objects.filter(segment=segment).count() == 2


def test_somebody_elses_version_is_not_written_over_unseen(make: Make) -> None:
    segment = make()
    services.save(pool=segment.pool, name="s", rule=city("杭州"), actor=None, segment=segment, based_on=1)
    with pytest.raises(Problem) as caught:
        services.save(pool=segment.pool, name="s", rule=city("北京"), actor=None, segment=segment, based_on=1)
    assert caught.value.code == "version_moved"
    services.save(pool=segment.pool, name="renamed", rule=city("杭州"), actor=None, segment=segment, based_on=1)  # the same rule
    segment.refresh_from_db()
    assert (segment.version, segment.name) == (2, "renamed")


def test_on_its_page_and_for_programs(make: Make, login: Callable[[str], Client], api: Callable[..., APIClient]) -> None:
    segment = make(rule=OLD)
    services.save(pool=segment.pool, name="s", rule=NEW, actor=None, segment=segment)
    url = f"/p/demo/segments/{segment.pk}/versions/"
    page = login("analyst").get(url).content.decode()
    assert "<ins>" in page
    assert "恢复这一版" in page
    assert "恢复这一版" not in login("operator").get(url).content.decode()
    client = api("marketer")
    told = client.get(f"/api/segments/{segment.pk}/diff/").json()
    assert (told["old"], told["new"]) == (1, 2)
    assert [line["what"] for line in told["lines"]].count("changed") == 1
    assert client.post(f"/api/segments/{segment.pk}/roll-back/", {"version": 1}).json()["version"] == 3
    assert client.post(f"/api/segments/{segment.pk}/roll-back/", {"version": 77}).status_code == 404
    moved = client.patch(f"/api/segments/{segment.pk}/", {"rule": city("北京"), "based_on": 1})
    assert (moved.status_code, moved.json()["code"]) == (422, "version_moved")
    answer = login("marketer").post(f"{url}2/restore/", follow=True).content.decode()
    assert "已恢复第 2 版的规则" in answer


def test_the_builder_says_whose_version_came_between(make: Make, login: Callable[[str], Client]) -> None:
    segment = make()
    form = {
        "node": ["g:-:group", "a:g:row"],
        "g.join": "all",
        "a.fact": "city",
        "a.was": "city",
        "a.op": "in",
        "a.value": ["北京"],
    }
    page = login("marketer").get(f"/p/demo/segments/{segment.pk}/edit/").content.decode()
    assert 'name="based_on" value="1"' in page
    services.save(pool=segment.pool, name="s", rule=city("杭州"), actor=None, segment=segment)
    answer = login("marketer").post(
        f"/p/demo/segments/{segment.pk}/edit/", {**form, "name": "s", "kind": "live", "op": "save", "based_on": "1"}
    )
    assert answer.status_code == 422
    assert "刚保存了第 2 版" in answer.content.decode()


def test_a_rule_nobody_can_read_any_more_does_not_break_its_page(make: Make, login: Callable[[str], Client]) -> None:
    segment = make()
    services.save(pool=segment.pool, name="s", rule=city("杭州"), actor=None, segment=segment)
    SegmentVersion.objects.filter(segment=segment, n=1).update(rule=json.loads('{"all": [{"fact": "gone", "op": "x"}]}'))
    assert login("analyst").get(f"/p/demo/segments/{segment.pk}/versions/").status_code == 200


def test_a_pool_of_another_sees_nothing(make: Make, other_pool: Pool, login: Callable[[str], Client]) -> None:
    theirs = services.save(pool=other_pool, name="x", rule={"all": []}, actor=None)
    for path in ("history/", "versions/", "hooks/", "members/"):
        assert login("admin").get(f"/p/demo/segments/{theirs.pk}/{path}").status_code == 404
