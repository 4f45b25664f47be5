"""Tags kept by rules, segments and models."""

from datetime import timedelta

import pytest
from pyroaring import BitMap

from members import tagging
from members.models import Member, MemberTag, Tag, TagChange, TagRun
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from segmentation import tagging as rules
from segmentation.models import TagRule
from segmentation.segments import services as segments
from segmentation.tagging import applying, queries
from tests.tags.conftest import carriers, told

DAY = timedelta(days=1)


def city(name):
    return {"all": [{"fact": "city", "op": "in", "value": [name]}]}


def move(members, name):
    Member.objects.filter(pk__in=[each.pk for each in members]).update(city=name)
    from members.versions import bump

    bump(members[0].pool_id, "members")


@pytest.fixture
def townsfolk(crowd):
    """Four in 上海, four in 北京."""
    move(crowd[:4], "上海")
    move(crowd[4:], "北京")
    return crowd


def ids(members):
    return {each.pk for each in members}


def test_a_rule_gives_and_takes_and_writes_only_what_changed(pool, townsfolk, group_of, as_of):
    rule = rules.save_rule(pool=pool, group=group_of("城市"), name="沪上", rule=city("上海"), actor=None)
    assert (rule.status, JobRun.objects.filter(kind="tags.apply").count()) == ("building", 1)
    (run,) = rules.apply(rule=rule, as_of=as_of)
    assert (run.size, run.gained, run.lost) == (4, 4, 0)
    assert carriers(rule.tag) == ids(townsfolk[:4])
    move(townsfolk[:1], "北京")
    move(townsfolk[4:6], "上海")
    (run,) = rules.apply(rule=rule, as_of=as_of + DAY)
    assert (run.size, run.gained, run.lost) == (5, 2, 1)
    assert told(townsfolk[0]) == [("沪上", "ON", "RULE"), ("沪上", "OFF", "RULE")]
    assert MemberTag.objects.get(member=townsfolk[1]).at == as_of  # untouched
    (run,) = rules.apply(rule=rule, as_of=as_of + 2 * DAY)
    assert (run.gained, run.lost) == (0, 0)
    assert TagChange.objects.filter(tag=rule.tag).count() == 7
    rule.refresh_from_db()
    assert (rule.status, rule.size, rule.as_of) == ("ready", 5, as_of + 2 * DAY)


def test_in_an_exclusive_group_the_first_rule_wins_and_what_people_say_is_stronger(pool, townsfolk, group_of, tag_of, as_of):
    group = group_of("层级", is_exclusive=True)
    by_hand = tag_of(group, "特殊", place=9)
    tagging.add_tag(tag=by_hand, members=[townsfolk[0].pk], actor=None, as_of=as_of)
    narrow = rules.save_rule(pool=pool, group=group, name="沪上", rule=city("上海"), actor=None, place=1)
    everybody = {"all": [{"fact": "city", "op": "in", "value": ["上海", "北京"]}]}
    wide = rules.save_rule(pool=pool, group=group, name="其他", rule=everybody, actor=None, place=2)
    assert len(rules.apply(rule=wide, as_of=as_of)) == 2  # all rules of the group, in their order
    assert carriers(narrow.tag) == ids(townsfolk[1:4])
    assert carriers(wide.tag) == ids(townsfolk[4:])
    assert carriers(by_hand) == {townsfolk[0].pk}
    look = queries.change(pool=pool, group=group, tag=wide.tag, found=BitMap(ids(townsfolk)), as_of=as_of)
    assert (look.selected, look.size, look.gain, look.lose, look.kept_by_others) == (8, 4, 0, 0, 4)
    tagging.add_tag(tag=by_hand, members=[townsfolk[7].pk], actor=None, as_of=as_of)  # a person takes one out of the rule's
    rules.apply(rule=wide, as_of=as_of + DAY)
    assert townsfolk[7].pk in carriers(by_hand)
    assert townsfolk[7].pk not in carriers(wide.tag)


def test_who_no_longer_matches_keeps_the_tag_for_its_days(pool, townsfolk, group_of, as_of):
    rule = rules.save_rule(pool=pool, group=group_of("城市"), name="沪上", rule=city("上海"), actor=None, valid_days=5)
    rules.apply(rule=rule, as_of=as_of)
    move(townsfolk[:2], "北京")
    rules.apply(rule=rule, as_of=as_of + DAY)
    assert carriers(rule.tag) == ids(townsfolk[:4])
    assert MemberTag.objects.get(member=townsfolk[0]).due == as_of + 6 * DAY
    move(townsfolk[:1], "上海")  # back in time
    rules.apply(rule=rule, as_of=as_of + 2 * DAY)
    assert MemberTag.objects.get(member=townsfolk[0]).due is None
    from members.tagging.expiring import expire

    assert expire(as_of=as_of + 6 * DAY) == 1
    assert carriers(rule.tag) == ids([townsfolk[0], *townsfolk[2:4]])


def test_a_tag_follows_a_segment_and_the_segment_cannot_go(pool, townsfolk, group_of, as_of):
    segment = segments.save(pool=pool, name="上海人", rule=city("上海"), actor=None)
    rule = rules.keep_by_segment(segment=segment, group=group_of("城市"), name="沪上", actor=None)
    rules.apply(rule=rule, as_of=as_of)
    assert carriers(rule.tag) == ids(townsfolk[:4])
    assert told(townsfolk[0]) == [("沪上", "ON", "SEGMENT")]
    with pytest.raises(Problem, match="沪上"):
        segments.archive(segment=segment, actor=None)


def test_models_tag_whom_they_name_unless_something_stronger_does(pool, townsfolk, group_of, tag_of, as_of):
    group = group_of("流失风险", is_exclusive=True)
    by_hand = tag_of(group, "已回访")
    tagging.add_tag(tag=by_hand, members=[townsfolk[0].pk], actor=None, as_of=as_of)
    tag = rules.model_tag(group=group, name="高风险", actor=None)
    evidence = {"model": "churn", "version": 3, "auc": 0.89}
    run = rules.apply_model_tags(pool=pool, tag=tag, members=BitMap(ids(townsfolk[:3])), as_of=as_of, evidence=evidence)
    assert (run.size, run.gained, carriers(tag)) == (2, 2, ids(townsfolk[1:3]))
    assert TagRun.objects.get(tag=tag).evidence == evidence
    rules.apply_model_tags(pool=pool, tag=tag, members=BitMap(ids(townsfolk[2:4])), as_of=as_of + DAY, evidence=evidence)
    assert carriers(tag) == ids(townsfolk[2:4])
    assert told(townsfolk[1]) == [("高风险", "ON", "MODEL"), ("高风险", "OFF", "MODEL")]
    with pytest.raises(Problem) as refusal:
        rules.apply_model_tags(pool=pool, tag=by_hand, members=BitMap(), as_of=as_of, evidence={})
    assert refusal.value.code == "tags.not_models"


def test_what_a_model_keeps_is_not_taken_over(pool, townsfolk, group_of):
    group = group_of("城市")
    tag = rules.model_tag(group=group, name="沪上", actor=None)
    segment = segments.save(pool=pool, name="上海人", rule=city("上海"), actor=None)
    for take in (
        lambda: rules.save_rule(pool=pool, group=group, name="别名", rule=city("上海"), actor=None, tag=tag),
        lambda: rules.keep_by_segment(segment=segment, group=group, name="别名", actor=None, tag=tag),
    ):
        with pytest.raises(Problem) as refusal:
            take()
        assert refusal.value.code == "tags.kept"
    tag.refresh_from_db()
    assert (tag.name, tag.source, TagRule.objects.count()) == ("沪上", Tag.Source.MODEL, 0)


def test_paused_rules_rest_and_a_failed_one_says_so_and_takes_nobodys_tag(pool, townsfolk, group_of, as_of):
    rule = rules.save_rule(pool=pool, group=group_of("城市"), name="沪上", rule=city("上海"), actor=None, cadence="changes")
    rules.apply(rule=rule, as_of=as_of)
    assert applying.ask_changed(as_of=as_of + DAY) == 1  # a new day may change the answer
    rules.apply(rule=rule, as_of=as_of + DAY)
    assert applying.ask_changed(as_of=as_of + DAY + timedelta(hours=1)) == 0
    move(townsfolk[:1], "北京")
    assert applying.ask_changed(as_of=as_of + DAY + timedelta(minutes=5)) == 0  # too soon
    assert applying.ask_changed(as_of=as_of + DAY + timedelta(hours=1)) == 1
    rules.set_paused(rule=rule, paused=True, actor=None)
    TagRule.objects.update(status="ready")
    assert applying.ask_nightly(as_of=as_of + 3 * DAY) == 0
    TagRule.objects.update(rule={"all": [{"fact": "gone", "op": "is", "value": "x"}]}, is_paused=False)
    with pytest.raises(Problem):
        rules.apply(rule=TagRule.objects.select_related("tag__group", "pool").get(), as_of=as_of + 3 * DAY)
    row = TagRule.objects.get()
    assert (row.status, bool(row.error)) == ("failed", True)
    assert len(carriers(rule.tag)) == 4


def test_rules_that_lead_back_to_their_tag_are_refused(pool, townsfolk, group_of):
    group = group_of("城市")
    rule = rules.save_rule(pool=pool, group=group, name="沪上", rule=city("上海"), actor=None)
    asks = {"all": [{"fact": "tag", "op": "any", "value": [rule.tag_id]}]}
    segment = segments.save(pool=pool, name="带标签的", rule=asks, actor=None)
    through = {"all": [{"fact": "segment", "op": "any", "value": [segment.pk]}]}
    for circular in (asks, through):
        with pytest.raises(Problem) as refusal:
            rules.save_rule(pool=pool, group=group, name="沪上", rule=circular, actor=None, tag=rule.tag)
        assert refusal.value.code == "tags.circular"
    with pytest.raises(Problem) as refusal:
        rules.save_rule(pool=pool, group=group, name="全部", rule={"all": []}, actor=None)
    assert refusal.value.code == "tags.rule_empty"


def test_a_stopped_rule_leaves_its_tag_to_people(pool, townsfolk, group_of, as_of):
    rule = rules.save_rule(pool=pool, group=group_of("城市"), name="沪上", rule=city("上海"), actor=None)
    rules.apply(rule=rule, as_of=as_of)
    tag = rules.stop(rule=rule, actor=None)
    assert (tag.source, len(carriers(tag)), TagRule.objects.count()) == (Tag.Source.MANUAL, 4, 0)
    tagging.remove_tag(tag=tag, members=[townsfolk[0].pk], actor=None, as_of=as_of)
    assert len(carriers(tag)) == 3
