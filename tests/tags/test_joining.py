"""Two tags become one, and are parted again."""

from datetime import timedelta

import pytest

from members import merging, tagging
from members.models import MemberTag, MergedTag, SavedView, Tag
from members.tagging import joining
from scrm.lib.problems import Problem
from segmentation.models import Segment, TagRule
from segmentation.segments import services as segments
from segmentation.tagging import save_rule
from tests.tags.conftest import carriers, told

HOUR = timedelta(hours=1)


@pytest.fixture
def two(crowd, group_of, tag_of, staff, as_of):
    """绿茶 on the first four, 茶 on the third to the sixth."""
    group = group_of("口味")
    green, tea = tag_of(group, "绿茶"), tag_of(group, "茶")
    tagging.add_tag(tag=green, members=[each.pk for each in crowd[:4]], actor=staff["marketer"], as_of=as_of)
    tagging.add_tag(tag=tea, members=[each.pk for each in crowd[2:6]], actor=None, as_of=as_of + HOUR)
    return green, tea


def rows():
    return sorted(MemberTag.objects.values_list("member_id", "tag_id", "at", "by_id", "due"))


def test_carriers_and_history_move_and_everything_that_named_the_source_names_the_target(pool, crowd, two, staff, as_of):
    green, tea = two
    rule = {"all": [{"fact": "tag", "op": "any", "value": [green.pk, tea.pk]}]}
    segment = segments.save(pool=pool, name="喝茶的人", rule=rule, actor=None)
    view = SavedView.objects.create(pool=pool, owner=staff["admin"], name="绿茶", query=f"tag={green.pk}&tag_not={tea.pk}")
    kept = save_rule(pool=pool, group=green.group, name="茶友", rule=rule, actor=None)
    before = rows()

    done = joining.merge(source=green, target=tea, actor=staff["admin"], as_of=as_of + 2 * HOUR)
    assert (done.carriers, done.moved) == (4, 2)
    assert carriers(tea) == {each.pk for each in crowd[:6]}
    assert MemberTag.objects.get(member=crowd[0]).at == as_of  # with its time
    assert MemberTag.objects.get(member=crowd[2]).at == as_of + HOUR  # who had both keeps the target's
    assert told(crowd[0]) == [("绿茶", "ON", "MANUAL"), ("绿茶", "OFF", "MERGED"), ("茶", "ON", "MERGED")]
    assert not Tag.objects.filter(pk=green.pk).exists()
    assert segment.versions.order_by("-n").first().rule["all"][0]["value"] == [tea.pk]
    assert TagRule.objects.get(pk=kept.pk).rule["all"][0]["value"] == [tea.pk]
    view.refresh_from_db()
    assert view.query == f"tag={tea.pk}&tag_not={tea.pk}"
    assert len(done.rewritten) == 3

    joining.ask_undo(merge=done, actor=staff["admin"], as_of=as_of + 20 * HOUR)
    assert rows() == before
    assert segment.versions.order_by("-n").first().rule == rule
    assert TagRule.objects.get(pk=kept.pk).rule == rule
    view.refresh_from_db()
    assert view.query == f"tag={green.pk}&tag_not={tea.pk}"
    assert not MergedTag.objects.exists()


def test_a_segment_put_away_names_the_target_too_whatever_else_is_wrong_with_it(pool, two, as_of):
    green, tea = two
    inner = segments.save(pool=pool, name="内", rule={"fact": "city", "op": "in", "value": ["上海"]}, actor=None)
    asks = [{"fact": "tag", "op": "any", "value": [green.pk]}, {"fact": "segment", "op": "any", "value": [inner.pk]}]
    outer = segments.save(pool=pool, name="外", rule={"all": asks}, actor=None)
    for each in (outer, inner):
        segments.archive(segment=each, actor=None)
    done = joining.merge(source=green, target=tea, actor=None, as_of=as_of)
    newest = outer.versions.order_by("-n")
    assert newest.first().rule["all"] == [{**asks[0], "value": [tea.pk]}, asks[1]]
    joining.undo(merge=done, actor=None, as_of=as_of + HOUR)
    assert newest.first().rule["all"] == asks


def test_what_was_changed_since_a_merge_stays(crowd, two, pool, as_of):
    green, tea = two
    segment = segments.save(pool=pool, name="绿", rule={"all": [{"fact": "tag", "op": "any", "value": [green.pk]}]}, actor=None)
    done = joining.merge(source=green, target=tea, actor=None, as_of=as_of + 2 * HOUR)
    tagging.remove_tag(tag=tea, members=[crowd[0].pk], actor=None, as_of=as_of + 3 * HOUR)
    tagging.add_tag(tag=tea, members=[crowd[0].pk], actor=None, as_of=as_of + 4 * HOUR)  # by somebody, anew
    newer = {"all": [{"fact": "tag", "op": "none", "value": [tea.pk]}]}
    segments.save(pool=pool, name="绿", rule=newer, actor=None, segment=Segment.objects.get(pk=segment.pk))
    joining.undo(merge=done, actor=None, as_of=as_of + 5 * HOUR)
    assert crowd[0].pk in carriers(tea)
    assert crowd[0].pk in carriers(green)
    assert crowd[1].pk not in carriers(tea)
    assert Segment.objects.get(pk=segment.pk).versions.order_by("-n").first().rule == newer


def test_a_merge_can_be_undone_for_a_day_and_not_twice(two, as_of):
    green, tea = two
    done = joining.merge(source=green, target=tea, actor=None, as_of=as_of)
    with pytest.raises(Problem, match="24"):
        joining.ask_undo(merge=done, actor=None, as_of=as_of + 25 * HOUR)
    assert joining.forget_old(as_of=as_of + 23 * HOUR) == 0
    joining.ask_undo(merge=done, actor=None, as_of=as_of + HOUR)
    done.refresh_from_db()
    with pytest.raises(Problem, match="已经撤销"):
        joining.ask_undo(merge=done, actor=None, as_of=as_of + HOUR)


def test_old_merges_forget_their_rows(two, as_of):
    joining.merge(source=two[0], target=two[1], actor=None, as_of=as_of)
    assert joining.forget_old(as_of=as_of + 25 * HOUR) == 4


def test_what_cannot_be_merged_says_why(two, group_of, tag_of, as_of):
    green, _tea = two
    ruled = tag_of(green.group, "规则", source=Tag.Source.RULE)
    for target, code in ((green, "tags.merge_self"), (ruled, "tags.merge_into_kept")):
        with pytest.raises(Problem) as refusal:
            joining.merge(source=green, target=target, actor=None, as_of=as_of)
        assert refusal.value.code == code


def test_in_an_exclusive_group_nobody_ends_with_two(crowd, group_of, tag_of, as_of):
    other, group = group_of("旧"), group_of("等级", is_exclusive=True)
    old, gold, silver = tag_of(other, "老金"), tag_of(group, "金"), tag_of(group, "银")
    tagging.add_tag(tag=old, members=[crowd[0].pk, crowd[1].pk], actor=None, as_of=as_of)
    tagging.add_tag(tag=silver, members=[crowd[1].pk], actor=None, as_of=as_of)
    done = joining.merge(source=old, target=gold, actor=None, as_of=as_of)
    assert (done.carriers, done.moved) == (2, 1)
    assert (carriers(gold), carriers(silver)) == ({crowd[0].pk}, {crowd[1].pk})


def test_members_who_become_one_keep_one_tag_of_an_exclusive_group_and_parting_gives_it_back(
    pool, crowd, group_of, tag_of, as_of
):
    group = group_of("等级", is_exclusive=True)
    gold, silver = tag_of(group, "金"), tag_of(group, "银")
    one, two = crowd[:2]
    tagging.add_tag(tag=gold, members=[one.pk], actor=None, as_of=as_of)
    tagging.add_tag(tag=silver, members=[two.pk], actor=None, as_of=as_of + HOUR)
    before = rows()
    cause = merging.Cause("manual", None, source="test")
    merging.merge_pairs(pool_id=pool.pk, pairs=[(one.pk, two.pk)], cause=cause, actor=None, as_of=as_of + 2 * HOUR)
    assert (carriers(gold), carriers(silver)) == (set(), {one.pk})  # the one given last stays
    merging.undo(merge=merging.history(one.pk)[0], actor=None, as_of=as_of + 3 * HOUR)
    assert rows() == before
    assert told(one)[-1] == ("金", "ON", "UNDONE")


def test_a_campaign_under_way_holds_its_tag_and_a_draft_is_written_anew(pool, two, staff, as_of):
    from campaigns import services as campaigns
    from campaigns.models import Campaign, Layer

    green, tea = two
    made = campaigns.create(pool=pool, actor=staff["admin"], name="新茶", segment=None)
    rule = {"all": [{"fact": "tag", "op": "any", "value": [green.pk]}]}
    Layer.objects.filter(campaign=made).update(rule=rule)
    Campaign.objects.update(status=Campaign.Status.RUNNING)
    with pytest.raises(Problem, match="新茶"):
        joining.merge(source=green, target=tea, actor=None, as_of=as_of)
    with pytest.raises(Problem, match="新茶"):
        tagging.delete_tag(tag=green, actor=None, as_of=as_of)
    Campaign.objects.update(status=Campaign.Status.DRAFT)
    done = joining.merge(source=green, target=tea, actor=None, as_of=as_of)
    assert Layer.objects.get(campaign=made).rule["all"][0]["value"] == [tea.pk]
    joining.undo(merge=done, actor=None, as_of=as_of + HOUR)
    assert Layer.objects.get(campaign=made).rule == rule
