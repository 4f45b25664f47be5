"""Portraits: shares worked out by hand, intervals, what ranks, degenerate segments, merged and erased members."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap
from rest_framework.test import APIClient

from members import versions
from members.models import (
    Consent,
    Member,
    MemberPrediction,
    MemberState,
    MemberTag,
    Pool,
    Store,
    Tag,
    TagGroup,
)
from scrm.jobs import running
from scrm.jobs.models import JobRun
from segmentation.evaluate import members_of
from segmentation.models import ModelVersion, PortraitCut, Predictor, Segment
from segmentation.portraits import cuts, queries, services
from segmentation.portraits.comparing import against, between, effect
from segmentation.portraits.cutting import edges_of, round_off
from segmentation.portraits.dimensions import Catalogue
from segmentation.portraits.queries import Portrait
from segmentation.segments import computing
from segmentation.segments import services as segments
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)  # noon in Shanghai
Login = Callable[[str], Client]


# -- Figures ---------------------------------------------------------------------------------------
def test_tgi_and_its_interval_by_hand() -> None:
    """40 of 100 in the segment, 60 of 300 in the pool: 40 % against 20 %, and 20 of 200 in the rest."""
    found = against(40, 100, 60, 300)
    assert (found.share, found.pool_share, found.tgi) == (0.4, 0.2, 200)
    ratio = (40.5 / 100.5) / (20.5 / 200.5)
    spread = 1.959964 * math.sqrt(1 / 40.5 - 1 / 100.5 + 1 / 20.5 - 1 / 200.5)
    low, high = (100 * r / (r / 3 + 2 / 3) for r in (ratio * math.exp(-spread), ratio * math.exp(spread)))
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.low is not None
    assert 155 < found.low < 200
    assert found.differs
    assert found.effect == pytest.approx(2 * math.asin(math.sqrt(0.4)) - 2 * math.asin(math.sqrt(0.2)))


def test_degenerate_figures_are_finite_or_nothing() -> None:
    nobody = against(0, 0, 50, 100)
    assert (nobody.tgi, nobody.low, nobody.differs, nobody.effect) == (None, None, False, 0.0)
    whole = against(50, 100, 50, 100)
    assert (whole.tgi, whole.low, whole.high, whole.differs) == (100, 100, 100, False)
    one = against(1, 1, 30, 100)
    assert one.tgi == pytest.approx(333.33, abs=0.01)
    assert one.few
    assert not one.differs
    none_of_them = against(0, 100, 100, 1000)
    assert none_of_them.tgi == 0
    assert none_of_them.low == 0
    assert none_of_them.differs
    assert against(0, 100, 0, 1000).tgi is None


@given(st.data())
def test_the_index_lies_in_its_interval_and_below_what_is_possible(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 10_000))
    size = data.draw(st.integers(0, total))
    members = data.draw(st.integers(0, size))
    usual = data.draw(st.integers(members, members + total - size))
    found = against(members, size, usual, total)
    if found.tgi is not None:
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.tgi <= found.high <= max(100 * total / size, 100) * (1 + 1e-9)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    """Also of a segment that is most of its pool, where shares that are taken for independent give 100 %."""
    chance = np.random.default_rng(4)
    for n, m, p, q in ((200, 9_800, 0.08, 0.05), (9_500, 500, 0.05, 0.02)):
        truth = 100 * p / ((n * p + m * q) / (n + m))
        drawn = [(int(a), int(a + b)) for a, b in zip(chance.binomial(n, p, 4000), chance.binomial(m, q, 4000), strict=True)]
        found = [against(a, n, both, n + m) for a, both in drawn]
        held = sum(1 for each in found if each.low is not None and each.high is not None and each.low <= truth <= each.high)
        assert 0.935 < held / 4000 < 0.965


def test_two_segments_by_hand_and_when_they_share_members() -> None:
    apart = between((30, 100), (20, 100), (0, 0))
    assert apart.index == pytest.approx(150)
    spread = 1.959964 * math.sqrt(1 / 30.5 - 1 / 100.5 + 1 / 20.5 - 1 / 100.5)
    assert apart.low == pytest.approx(100 * 30.5 / 20.5 * math.exp(-spread))
    assert not apart.differs
    same = between((30, 100), (30, 100), (30, 100))
    assert (same.index, same.effect, same.differs) == (100, 0, False)
    assert same.low == pytest.approx(100)
    assert same.high == pytest.approx(100)
    overlapping = between((30, 100), (20, 100), (15, 60))
    assert overlapping.low is not None
    assert apart.low is not None
    assert overlapping.low > apart.low
    nested = between((479, 649), (638, 1310), (479, 649))
    parts = ((479.5 / 650, 649, 1 / 479.5 - 1 / 638.5), (159.5 / 662, 661, 1 / 638.5))
    variance = sum(size * p * (1 - p) * weight**2 for p, size, weight in parts)
    assert nested.low == pytest.approx(100 * (479.5 / 649.5) / (638.5 / 1310.5) * math.exp(-1.959964 * math.sqrt(variance)))
    assert between((0, 0), (20, 100), (0, 0)).index is None
    assert between((20, 100), (0, 100), (0, 0)).index is None


def test_intervals_of_segments_that_share_members_hold_the_truth_too() -> None:
    """One inside the other, whose members differ from the others of it."""
    chance = np.random.default_rng(5)
    inside, others = chance.binomial(300, 0.4, 4000), chance.binomial(500, 0.15, 4000)
    truth = 100 * 0.4 / ((300 * 0.4 + 500 * 0.15) / 800)
    found = [between((int(c), 300), (int(c + d), 800), (int(c), 300)) for c, d in zip(inside, others, strict=True)]
    held = sum(1 for each in found if each.low is not None and each.high is not None and each.low <= truth <= each.high)
    assert 0.935 < held / 4000 < 0.965


def test_effects_do_not_grow_with_the_number_of_members() -> None:
    assert against(4000, 10_000, 60_000, 300_000).effect == pytest.approx(against(40, 100, 60, 300).effect)
    assert effect(0.5, 0.5) == 0


def test_numbers_are_cut_at_numbers_with_two_digits() -> None:
    assert [round_off(each) for each in (0, 7, 12_345, 98_765, -1234)] == [0, 7, 12_000, 99_000, -1200]
    assert edges_of(np.array([3, 1, 1, 2])) == [2, 3]
    assert edges_of(np.arange(1, 1001)) == [200, 400, 600, 800]
    assert edges_of(np.array([], np.int64)) == []
    assert edges_of(np.array([5] * 99 + list(range(10, 20)))) == [], "nearly everybody has the same"


# -- A pool worked out by hand ---------------------------------------------------------------------
@pytest.fixture
def people(pool: Pool) -> list[Member]:
    """Forty: the first twenty women in Shanghai who bought powder at night on Tmall; of the others, four are women."""
    shop = Store.objects.create(pool=pool, code="S1", name="一店", created_at=AS_OF)
    powder = factories.product(pool, "P1", category="奶粉", brand="甲")
    toys = factories.product(pool, "T1", category="玩具", brand="乙")
    made = []
    for n in range(40):
        first = n < 20
        member = factories.member(
            pool,
            f"M{n}",
            gender=2 if first or n < 24 else 1,
            city="上海" if first else "杭州",
            birthday=datetime(1996 if first else 1980, 1, 1).date(),
            store=shop if n % 2 else None,
        )
        made.append(member)
        # 23:00 on a Saturday, noon on a Monday
        at = datetime(2026, 10, 3, 15, tzinfo=UTC) if first else datetime(2026, 10, 5, 4, tzinfo=UTC)
        if n < 30:
            order = factories.order(member, f"O{n}", at, 30_000 if first else 5_000, channel="tmall" if first else "pos")
            factories.line(order, 1, powder if first else toys, 5_000)
            factories.event(member, n, at, "add_to_cart" if first else "view")
    return made


@pytest.fixture
def shanghai(pool: Pool, people: list[Member]) -> Segment:
    return segment_of(pool, "上海客", {"all": [{"fact": "city", "op": "in", "value": ["上海"]}]})


def segment_of(pool: Pool, name: str, rule: dict[str, Any]) -> Segment:
    made = segments.save(pool=pool, name=name, rule=rule, actor=None)
    computing.refresh(segment=made, as_of=AS_OF)
    return Segment.objects.select_related("pool").get(pk=made.pk)


def drawn(segment: Segment, other: Segment | None = None) -> Portrait:
    services.refresh(pool=segment.pool, as_of=AS_OF)
    found = queries.portrait(segment, AS_OF, other)
    assert found is not None
    return found


def lines(found: Portrait, key: str) -> dict[str, tuple[int, int]]:
    """Name → members in the segment and in the pool."""
    view = next((view for view in found.views if view.about.key == key), None)
    return {trait.label: (trait.figure.members, trait.figure.pool_members) for trait in view.traits} if view else {}


def test_every_kind_of_dimension_counts_what_is_there(shanghai: Segment) -> None:
    found = drawn(shanghai)
    assert (found.size, found.total, found.as_of) == (20, 40, AS_OF)
    assert lines(found, "gender") == {"男": (0, 16), "女": (20, 24)}
    assert lines(found, "city") == {"上海": (20, 20), "杭州": (0, 20)}
    assert lines(found, "age") == {"30–34": (20, 20), "40–49": (0, 20)}
    assert lines(found, "home_store") == {"一店": (10, 20), "未知": (10, 20)}
    assert lines(found, "category") == {"奶粉": (20, 20), "玩具": (0, 10), "没有": (0, 10)}
    assert lines(found, "brand") == {"甲": (20, 20), "乙": (0, 10), "没有": (0, 10)}
    assert lines(found, "order_hour") == {"12 点": (0, 10), "23 点": (20, 20), "没有": (0, 10)}
    assert lines(found, "order_weekday") == {"周一": (0, 10), "周六": (20, 20), "没有": (0, 10)}
    assert list(lines(found, "order_channel").values()) == [(20, 20), (0, 10), (0, 10)]
    assert lines(found, "event") == {"加购": (20, 20), "浏览": (0, 10), "没有": (0, 10)}
    assert lines(found, "order_store") == {}, "nobody bought at a shop that is named"


def test_what_is_computed_tagged_agreed_and_foretold(pool: Pool, people: list[Member], shanghai: Segment) -> None:
    group = TagGroup.objects.create(pool=pool, name="喜好")
    night = Tag.objects.create(pool=pool, group=group, name="夜猫子")
    gone = Tag.objects.create(pool=pool, group=group, name="旧的", retired_at=AS_OF)
    predictor = Predictor.objects.create(pool=pool, key="churn", is_on=True)
    predictor.version = ModelVersion.objects.create(predictor=predictor, number=1, as_of=AS_OF, status="ready", started_at=AS_OF)
    predictor.save()
    for n, member in enumerate(people):
        MemberTag.objects.create(member=member, tag=night if n < 15 else gone, at=AS_OF)
        MemberState.objects.create(
            member=member,
            pool=pool,
            order_count=2 if n < 20 else 0,
            amount_total=n * 1000,
            stage=1 if n < 30 else 0,
            rfm_group=7 if n < 10 else None,
        )
        Consent.objects.create(member=member, carrier="sms", purpose="marketing", granted=n < 25, at=AS_OF)
        MemberPrediction.objects.create(
            member=member, pool=pool, predictor_id=predictor.pk, value=0.1, percentile=95 if n < 20 else 10
        )
    versions.bump(pool.pk, "tags", "state", "consents", "predictions")
    found = drawn(shanghai)
    assert lines(found, f"tags.{group.pk}") == {"夜猫子": (15, 15), "没有": (5, 25)}
    assert lines(found, "stage") == {"潜客": (0, 10), "活跃期": (20, 30)}
    assert lines(found, "rfm_group") == {"重要价值": (10, 10), "未知": (10, 30)}
    assert lines(found, "order_count") == {"2": (20, 20), "0": (0, 20)}
    assert lines(found, "consent") == {"短信": (20, 25), "没有": (0, 15)}
    assert lines(found, "prediction.churn") == {"< 21": (0, 20), "≥ 91": (20, 20)}
    MemberState.objects.filter(member__in=people[:3]).delete()
    versions.bump(pool.pk, "state")
    assert lines(drawn(shanghai), "stage") == {"潜客": (3, 13), "活跃期": (17, 27)}, "without a state one is a lead"
    amounts = lines(found, "amount_total")
    assert sum(mine for mine, _all in amounts.values()) == 20
    assert sum(every for _mine, every in amounts.values()) == 40
    assert all("¥" in name or name == "0" for name in amounts)


def test_own_fields_of_every_kind(pool: Pool, people: list[Member], shanghai: Segment) -> None:
    from members.models import AttributeField

    kinds = {
        "income": "choice",
        "pets": "multi_choice",
        "vip": "boolean",
        "height": "number",
        "wed": "date",
        "said": "text",
        "secret": "text",
    }
    for key, kind in kinds.items():
        choices = [{"value": "a", "label": "高"}, {"value": "b", "label": "低"}] if "choice" in kind else []
        AttributeField.objects.create(pool=pool, key=key, label=key, kind=kind, choices=choices, is_sensitive=key == "secret")
    for n, member in enumerate(people):
        first = n < 20
        own = {
            "income": "a" if first else "b",
            "pets": ["a", "b"] if first else ["b"],
            "vip": first,
            "height": 1.5 if first else 1.8,
        }
        Member.objects.filter(pk=member.pk).update(
            attributes={**own, "wed": f"20{10 + n % 2}-05-01", "said": "常客" if first else f"第{n}位", "secret": "x"}
        )
    versions.bump(pool.pk, "members")
    found = drawn(shanghai)
    assert lines(found, "attr.choice.income") == {"高": (20, 20), "低": (0, 20)}
    assert lines(found, "attr.multi_choice.pets") == {"低": (20, 40), "高": (20, 20)}
    assert lines(found, "attr.boolean.vip") == {"是": (20, 20), "否": (0, 20)}
    assert lines(found, "attr.number.height") == {"< 1.8": (20, 20), "≥ 1.8": (0, 20)}
    assert lines(found, "attr.date.wed") == {"2010": (10, 20), "2011": (10, 20)}
    assert lines(found, "attr.text.said") == {"常客": (20, 20), "其他（20 项）": (0, 20)}, "what few wrote names nobody"
    assert lines(found, "attr.text.secret") == {}, "sensitive words are not shown at all"


# -- What distinguishes ----------------------------------------------------------------------------
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


# -- What is kept ----------------------------------------------------------------------------------
def test_only_what_changed_is_cut_anew(pool: Pool, shanghai: Segment) -> None:
    wanted = list(Catalogue(pool, AS_OF).cuts.values())
    assert len(cuts.stale(pool, wanted, AS_OF)) == len(wanted) > 40
    assert cuts.refresh(pool, wanted, AS_OF, seconds=0) > 0, "no time for all"
    assert not cuts.complete(pool, wanted)
    assert cuts.refresh(pool, wanted, AS_OF) == 0
    assert cuts.complete(pool, wanted)
    assert cuts.stale(pool, wanted, AS_OF) == []
    versions.bump(pool.pk, "events")
    changed = {cut.key for cut, _mark in cuts.stale(pool, wanted, AS_OF)}
    assert changed == {"event", "active_days"}
    later = AS_OF + timedelta(days=1)
    dated = {cut.key for cut, _mark in cuts.stale(pool, list(Catalogue(pool, later).cuts.values()), later)}
    assert {"age", "member_days", "order_days_ago"} <= dated
    assert "city" not in dated
    assert cuts.kept(pool)[0] == AS_OF


def test_parts_come_back_as_they_were(pool: Pool, people: list[Member]) -> None:
    services.refresh(pool=pool, as_of=AS_OF)
    back = dict(cuts.recall(pool.pk)["gender"])
    assert back == {1: BitMap(m.pk for m in people[24:]), 2: BitMap(m.pk for m in people[:24])}


def test_a_large_pool_is_cut_by_a_worker(pool: Pool, shanghai: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "AT_ONCE", 10)
    job = services.ready(pool=pool, as_of=AS_OF, actor=None)
    assert job is not None
    assert services.ready(pool=pool, as_of=AS_OF, actor=None) == job
    assert queries.portrait(shanghai, AS_OF) is None
    running.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == (JobRun.Status.DONE, "")
    assert queries.portrait(shanghai, AS_OF) is not None
    versions.bump(pool.pk, "orders")
    assert services.ready(pool=pool, as_of=AS_OF + timedelta(minutes=20), actor=None) is None, "young enough"
    again = services.ready(pool=pool, as_of=AS_OF + timedelta(days=400), actor=None)
    assert again is not None
    JobRun.objects.filter(pk=again.pk).update(status=JobRun.Status.FAILED, key=None)
    assert services.ready(pool=pool, as_of=AS_OF + timedelta(days=400), actor=None) == again, "asked again by people only"


# -- Pages and programs ----------------------------------------------------------------------------
def test_the_page_says_it_all(shanghai: Segment, login: Login) -> None:
    client, home = login("analyst"), f"/p/demo/segments/{shanghai.pk}/portrait/"
    page = client.get(home).content.decode()
    assert "最有区别的十点" in page
    assert "奶粉" in page
    assert "女" in page
    assert "奶粉" in client.get(f"{home}?group=goods").content.decode()
    assert "drawn" in client.get(f"{home}?group=goods&chart=category").content.decode()
    other = segment_of(shanghai.pool, "女", {"all": [{"fact": "gender", "op": "in", "value": [2]}]})
    beside = client.get(f"{home}?with={other.pk}").content.decode()
    assert "两者之比" in beside
    assert client.get(f"{home}?with=987654321").status_code == 404
    assert client.get(f"{home}?group=nothing").status_code == 200
    empty = segment_of(shanghai.pool, "没有人", {"all": [{"fact": "city", "op": "in", "value": ["月球"]}]})
    assert "没有会员" in client.get(f"/p/demo/segments/{empty.pk}/portrait/").content.decode()


def test_charts_and_files(shanghai: Segment, login: Login) -> None:
    client = login("analyst")
    client.get(f"/p/demo/segments/{shanghai.pk}/portrait/")
    top = client.get(f"/p/demo/charts/portrait_top.json?segment={shanghai.pk}").json()
    assert len(top["option"]["series"]) == 2
    assert not top["empty"]
    one = client.get(f"/p/demo/charts/portrait_dimension.json?segment={shanghai.pk}&dimension=gender").json()
    assert one["option"]["yAxis"]["data"] == ["男", "女"]
    assert client.get(f"/p/demo/charts/portrait_dimension.json?segment={shanghai.pk}&dimension=x").status_code == 404
    assert client.get("/p/demo/charts/portrait_top.json?segment=987654321").status_code == 404
    home = f"/p/demo/segments/{shanghai.pk}/portrait/download/"
    text = b"".join(client.get(f"{home}?form=csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "买过的品类,奶粉,20,0.5,20,1.0,200.0" in text
    assert client.get(f"{home}?form=xlsx").content[:2] == b"PK"


def test_the_endpoint(shanghai: Segment, api: Callable[[str], APIClient]) -> None:
    other = segment_of(shanghai.pool, "女", {"all": [{"fact": "gender", "op": "in", "value": [2]}]})
    client, home = api("marketer"), f"/api/segments/{shanghai.pk}/portrait/"
    found = client.get(home, {"group": "goods", "with": str(other.pk)}).json()
    assert (found["size"], found["total"], found["other_size"], found["job"]) == (20, 40, 24, None)
    powder = next(each for each in found["traits"] if each["name"] == "奶粉")
    assert (powder["dimension"], powder["figure"]["tgi"], powder["figure"]["verdict"]) == ("category", 200, "more")
    assert powder["between"]["index"] == pytest.approx(120)
    assert json.dumps(powder["rule"])
    assert {each["group"] for each in found["traits"]} == {"goods"}
    assert client.get(home, {"with": "x"}).status_code == 404
    asked = client.post(f"{home}refresh/")
    assert asked.status_code == 202
    assert JobRun.objects.get(pk=asked.json()["job"]).kind == services.KIND
    fresh = segments.save(pool=shanghai.pool, name="新", rule={"all": []}, actor=None)
    assert client.get(f"/api/segments/{fresh.pk}/portrait/").json()["as_of"] is None, "never computed"
