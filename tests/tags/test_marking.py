"""Tags by hand: exclusive groups, validity, history, what is refused."""

from datetime import date, timedelta

import pytest

from members import tagging
from members.models import MemberTag, SavedView, Tag, TagChange, TagGroup
from members.tagging import queries
from members.tagging.expiring import expire
from scrm.lib.problems import Problem
from tests.tags.conftest import carriers, told

DAY = timedelta(days=1)


def test_the_new_tag_of_an_exclusive_group_replaces_the_old_one_and_history_says_so(crowd, group_of, tag_of, staff, as_of):
    group = group_of("等级", is_exclusive=True)
    gold, silver = tag_of(group, "金"), tag_of(group, "银")
    one, two = crowd[:2]
    tagging.add_tag(tag=silver, members=[one.pk, two.pk], actor=staff["marketer"], as_of=as_of)
    assert tagging.add_tag(tag=gold, members=[one.pk], actor=staff["operator"], as_of=as_of + DAY) == [one.pk]
    assert (carriers(gold), carriers(silver)) == ({one.pk}, {two.pk})
    assert told(one) == [("银", "ON", "MANUAL"), ("银", "OFF", "RIVAL"), ("金", "ON", "MANUAL")]
    gone = TagChange.objects.get(member=one, what=TagChange.What.OFF)
    assert (gone.ref, gone.by, gone.at) == (gold.pk, staff["operator"], as_of + DAY)


def test_a_tag_holds_for_days_from_tagging_and_tagging_anew_prolongs_it(crowd, group_of, tag_of, as_of):
    tag = tag_of(group_of("兴趣"), "看过活动", valid_days=10)
    one, two = crowd[:2]
    tagging.add_tag(tag=tag, members=[one.pk, two.pk], actor=None, as_of=as_of)
    assert set(MemberTag.objects.values_list("due", flat=True)) == {as_of + 10 * DAY}
    assert tagging.add_tag(tag=tag, members=[one.pk], actor=None, as_of=as_of + 4 * DAY) == []
    assert MemberTag.objects.get(member=one).due == as_of + 14 * DAY
    assert expire(as_of=as_of + 10 * DAY - timedelta(seconds=1)) == 0
    assert expire(as_of=as_of + 10 * DAY) == 1
    assert carriers(tag) == {one.pk}
    assert told(one) == [("看过活动", "ON", "MANUAL"), ("看过活动", "PROLONGED", "MANUAL")]
    assert told(two) == [("看过活动", "ON", "MANUAL"), ("看过活动", "OFF", "EXPIRED")]
    assert expire(as_of=as_of + 10 * DAY) == 0  # again: nothing


def test_a_tag_ends_with_its_last_day_on_the_pools_clock(crowd, group_of, tag_of, pool, as_of):
    tag = tag_of(group_of("活动"), "双十一", valid_until=date(2026, 11, 11))
    tagging.add_tag(tag=tag, members=[crowd[0].pk], actor=None, as_of=as_of)
    due = MemberTag.objects.get().due.astimezone(pool.zone)
    assert (due.date(), due.hour) == (date(2026, 11, 12), 0)
    with pytest.raises(Problem, match="有效期"):
        tagging.add_tag(tag=tag, members=[crowd[1].pk], actor=None, as_of=due)


def test_a_new_validity_counts_for_those_who_carry_it(crowd, group_of, tag_of, as_of):
    group = group_of("活动")
    tag = tag_of(group, "参加过")
    tagging.add_tag(tag=tag, members=[crowd[0].pk], actor=None, as_of=as_of)
    tagging.save_tag(group=group, tag=tag, name="参加过", valid_days=3, actor=None)
    assert MemberTag.objects.get().due == as_of + 3 * DAY
    tagging.save_tag(group=group, tag=tag, name="参加过", actor=None)
    assert MemberTag.objects.get().due is None


def test_what_a_rule_keeps_is_not_given_by_hand(crowd, group_of, tag_of, as_of):
    tag = tag_of(group_of("习惯"), "夜猫子", source=Tag.Source.RULE)
    for act in (tagging.add_tag, tagging.remove_tag):
        with pytest.raises(Problem) as refusal:
            act(tag=tag, members=[crowd[0].pk], actor=None, as_of=as_of)
        assert refusal.value.code == "tags.kept"


def test_a_tag_in_use_is_not_deleted_and_says_who_uses_it(pool, crowd, group_of, tag_of, staff, as_of):
    tag = tag_of(group_of("兴趣"), "茶")
    SavedView.objects.create(pool=pool, owner=staff["admin"], name="喝茶的人", query=f"tag={tag.pk}&stage=1")
    with pytest.raises(Problem, match="喝茶的人"):
        tagging.delete_tag(tag=tag, actor=None, as_of=as_of)
    SavedView.objects.all().delete()
    tagging.add_tag(tag=tag, members=[each.pk for each in crowd], actor=None, as_of=as_of)
    assert tagging.delete_tag(tag=tag, actor=staff["admin"], as_of=as_of + DAY) == 8
    assert not MemberTag.objects.exists()
    assert not Tag.objects.filter(pk=tag.pk).exists()
    assert told(crowd[0])[-1] == ("茶", "OFF", "DELETED")  # history still knows its name
    with pytest.raises(Problem, match="已被删除"):
        tagging.add_tag(tag=tag, members=[crowd[0].pk], actor=None, as_of=as_of)
    tagging.delete_group(group=tag.group, actor=None, as_of=as_of)
    tagging.save_group(pool=pool, group=None, name="兴趣", color="red", is_exclusive=False, actor=None)  # the name is free again
    assert TagGroup.objects.filter(name="兴趣").count() == 1


def test_sizes_are_worked_out_backwards_from_history(crowd, group_of, tag_of, as_of):
    tag = tag_of(group_of("兴趣"), "茶")
    tagging.add_tag(tag=tag, members=[each.pk for each in crowd[:3]], actor=None, as_of=as_of - 5 * DAY)
    tagging.remove_tag(tag=tag, members=[crowd[0].pk], actor=None, as_of=as_of - 2 * DAY)
    assert [n for _day, n in queries.sizes(tag, as_of, days=7)] == [0, 3, 3, 3, 2, 2, 2]


def test_the_report_counts_coverage_overlap_and_what_is_idle(pool, crowd, group_of, tag_of, as_of):
    taste, value = group_of("口味"), group_of("价值")
    tea, coffee, high, _none = tag_of(taste, "茶"), tag_of(taste, "咖啡"), tag_of(value, "高"), tag_of(value, "无人")
    ids = [each.pk for each in crowd]
    tagging.add_tag(tag=tea, members=ids[:4], actor=None, as_of=as_of)
    tagging.add_tag(tag=coffee, members=ids[3:6], actor=None, as_of=as_of)
    tagging.add_tag(tag=high, members=ids[:3], actor=None, as_of=as_of - 100 * DAY)
    library = queries.library(pool, as_of)
    assert {shelf.group.name: shelf.members for shelf in library.shelves} == {"口味": 6, "价值": 3}
    matrix = queries.overlap(taste, value)
    assert [(tag.name, n, [cell for cell, _share in cells]) for tag, n, cells in matrix.rows] == [
        ("咖啡", 3, [0, 0]),
        ("茶", 4, [0, 3]),
    ]
    assert [tag.name for tag in matrix.columns] == ["无人", "高"]
    first = queries.alike(pool, as_of)[0]
    assert ({first.first.name, first.second.name}, first.both, first.share) == ({"茶", "高"}, 3, 0.75)
    idle = {each.row.tag.name: (each.empty, each.stale) for each in queries.idle(library.shelves, as_of)}
    assert idle == {"无人": (True, False), "高": (False, True)}
