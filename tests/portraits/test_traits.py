"""What distinguishes a segment, degenerate segments, and members who are merged, erased or of another pool."""

from datetime import datetime

from members import tagging, versions
from members.models import Member, Pool, Tag, TagGroup
from segmentation.evaluate import members_of
from segmentation.models import PortraitCut, Segment, TagRule
from segmentation.portraits import queries, services
from tests import factories
from tests.portraits.drawing import AS_OF, drawn, lines, segment_of


def test_the_ten_are_ranked_by_effect_and_leave_the_rule_out(shanghai: Segment) -> None:
    found = drawn(shanghai)
    top = [view.about.key for view, _trait in found.top]
    assert "city" not in top
    assert "category" in top
    assert len(top) == len(set(top)) <= 10
    sizes = [abs(trait.effect) for _view, trait in found.top]
    assert sizes == sorted(sizes, reverse=True)
    city = next(view for view in found.views if view.about.key == "city")
    assert city.traits[0].asked
    assert city.traits[1].asked


def test_a_rare_oddity_and_a_lucky_handful_do_not_win(pool: Pool) -> None:
    """All twelve in Lhasa are in the segment of 400, but they are 3 % of it."""
    for n in range(800):
        city = "拉萨" if n < 12 else "北京" if n < 300 or n >= 700 else "天津"
        factories.member(pool, f"N{n}", gender=1 if n < 400 else 2, city=city)
    found = drawn(segment_of(pool, "男", {"all": [{"fact": "gender", "op": "in", "value": [1]}]}))
    view = next(each for each in found.views if each.about.key == "city")
    lhasa = next(trait for trait in view.traits if trait.label == "拉萨")
    assert lhasa.figure.tgi == 200
    assert lhasa.figure.differs
    assert not lhasa.is_frequent
    assert view.strongest is not None
    assert view.strongest.label != "拉萨"


def test_the_rule_of_a_trait_selects_its_members(pool: Pool, people: list[Member], shanghai: Segment) -> None:
    everybody = segment_of(pool, "全部", {"all": []})
    found = drawn(everybody)
    asked = [(trait, members_of(trait.rule, pool, AS_OF)) for _view, trait in queries.rows(found) if trait.rule]
    assert len(asked) > 15
    assert [(t.dimension, t.label, len(ids)) for t, ids in asked] == [
        (t.dimension, t.label, t.figure.members) for t, _ids in asked
    ]


# -- Degenerate segments ---------------------------------------------------------------------------
def test_nobody_everybody_and_one(pool: Pool, people: list[Member]) -> None:
    nobody = drawn(segment_of(pool, "没有人", {"all": [{"fact": "city", "op": "in", "value": ["月球"]}]}))
    assert (nobody.size, nobody.top) == (0, [])
    everybody = drawn(segment_of(pool, "所有人", {"all": []}))
    assert everybody.top == []
    assert all(trait.figure.tgi in (None, 100) for _view, trait in queries.rows(everybody))
    one = drawn(segment_of(pool, "一个人", {"all": [{"fact": "member", "op": "any", "value": [people[0].pk]}]}))
    assert (one.size, one.top) == (1, []), "one member proves nothing"


def test_an_empty_pool_has_no_portrait(pool: Pool) -> None:
    segment = segment_of(pool, "空", {"all": []})
    services.refresh(pool=pool, as_of=AS_OF)
    assert queries.portrait(segment, AS_OF) is None


def test_merged_members_are_counted_nowhere(pool: Pool, people: list[Member], shanghai: Segment) -> None:
    Member.objects.filter(pk=people[0].pk).update(merged_into=people[1].pk)
    versions.bump(pool.pk, "members")
    found = drawn(shanghai)
    assert (found.size, found.total) == (19, 39)
    assert lines(found, "category")["奶粉"] == (19, 19), "his order has not moved yet"
    assert lines(found, "city")["上海"] == (19, 19)


def test_erasing_somebody_takes_them_out_of_what_is_kept(pool: Pool, people: list[Member], shanghai: Segment) -> None:
    from members.privacy.deciding import Person
    from segmentation import forgetting

    drawn(shanghai)
    assert PortraitCut.objects.filter(pool=pool).exists()
    number = people[0].pk
    person = Person(pool.pk, number, (number,), (), (), (), ())
    forgetting.cuts(person)
    assert not PortraitCut.objects.exists()


def test_members_of_another_pool_are_not_seen(pool: Pool, other_pool: Pool, people: list[Member], shanghai: Segment) -> None:
    for n in range(5):
        stranger = factories.member(other_pool, f"X{n}", city="上海")
        factories.event(stranger, 100 + n, AS_OF, "share")
    found = drawn(shanghai)
    assert found.total == 40
    assert "分享" not in lines(found, "event")


def test_a_tag_the_segment_keeps_does_not_distinguish_it(pool: Pool, shanghai: Segment, as_of: datetime) -> None:
    group = TagGroup.objects.create(pool=pool, name="客群")
    kept, other = (Tag.objects.create(pool=pool, group=group, name=name) for name in ("同步", "手工"))
    ids = list(members_of(shanghai, pool, AS_OF))
    for tag in (kept, other):
        tagging.add_tag(tag=tag, members=ids, actor=None, as_of=as_of)
    TagRule.objects.create(tag=kept, pool=pool, segment=shanghai, rule={})
    found = drawn(shanghai)
    [view] = [each for each in found.views if each.about.group == "tags" and len(each.traits) > 1]
    assert {trait.label: trait.asked for trait in view.traits if trait.value} == {"同步": True, "手工": False}
