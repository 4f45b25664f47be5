"""Segments over the API, and the life of a segment: versions, refresh, failure, archive."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.translation import override
from pyroaring import BitMap
from rest_framework.test import APIClient

from members import filters
from members.models import Member, Pool, Tag, TagGroup
from members.versions import bump
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import formats
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from segmentation import evaluate, leaves, tasks
from segmentation.models import Leaf, Segment, SegmentSnapshot, SegmentVersion
from segmentation.segments import computing, history, services, usage
from segmentation.segments.api import shapes
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
URL = "/api/segments/"
Api = Callable[..., APIClient]


def city(*names: str) -> dict[str, Any]:
    return {"fact": "city", "op": "in", "value": list(names)}


@pytest.fixture
def people(pool: Pool) -> Pool:
    for name, place in (("Ann", "上海"), ("Ben", "杭州"), ("Cai", "上海"), ("Dan", "")):
        factories.member(pool, name, city=place)
    return pool


def make(pool: Pool, name: str = "s", rule: Any = None) -> Segment:
    segment = services.save(pool=pool, name=name, rule=rule or city("上海"), actor=None)
    computing.refresh(segment=segment, as_of=AS_OF)
    segment.refresh_from_db()
    return segment


def test_a_rule_is_counted_without_being_saved(people: Pool, api: Api) -> None:
    answer = api("analyst").post(f"{URL}count/", {"rule": {"all": [city("上海", "杭州"), {"not": city("杭州")}]}})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["size"], found["total"]) == (2, 4)
    assert found["per_node"]["$.all[0]"] == {"own": 3, "after": 3}
    assert len(found["sample"]) == 2
    assert "上海" in found["sentence"]


def test_faults_come_with_their_paths(people: Pool, api: Api) -> None:
    answer = api("marketer").post(URL, {"name": "x", "rule": {"all": [city("上海"), {"fact": "nope", "op": "is"}]}})
    assert answer.status_code == 422
    assert [(fault["path"], fault["code"]) for fault in answer.json()["fields"]["rule"]] == [("$.all[1].fact", "unknown_fact")]
    assert not Segment.objects.exists()


def test_created_changed_read_and_put_away(people: Pool, api: Api) -> None:
    client = api("marketer")
    made = client.post(URL, {"name": "沪", "rule": city("上海")}).json()
    assert (made["kind"], made["status"], made["version"]) == ("live", "building", 1)
    assert JobRun.objects.get(kind=computing.REFRESH).params == {"segment": made["id"]}
    running.run(JobRun.objects.get().pk, heart=False)
    assert client.get(f"{URL}{made['id']}/").json()["size"] == 2
    changed = client.patch(f"{URL}{made['id']}/", {"rule": city("杭州")}).json()
    assert (changed["version"], changed["name"]) == (2, "沪")
    assert [version["n"] for version in client.get(f"{URL}{made['id']}/versions/").json()] == [2, 1]
    assert client.get(URL).json()["results"][0]["rule"] == city("杭州")
    assert client.delete(f"{URL}{made['id']}/").status_code == 204
    assert client.get(URL).json()["results"] == []
    assert {entry.action for entry in AuditEntry.objects.all()} >= {"segment.save", "segment.archive"}


def test_members_are_paged_by_key(people: Pool, api: Api) -> None:
    segment, client, seen, after = make(people, rule={"all": []}), api("analyst"), [], -1
    while after is not None:
        page = client.get(f"{URL}{segment.pk}/members/?limit=3&after={after}").json()
        seen, after = seen + page["ids"], page["next"]
    assert seen == sorted(Member.objects.values_list("pk", flat=True))


def test_lists_and_snapshots(people: Pool, api: Api) -> None:
    client, ann = api("marketer"), Member.objects.get(name="Ann")
    bob = factories.member(people, "Bob", phone="13800000001", email="Bob@example.com")
    made = client.post(
        URL, {"name": "名单", "kind": "list", "members": [str(ann.pk), "138 0000 0001", "nobody@x.cn", "99999"]}
    ).json()
    assert (made["size"], made["kind"], made["status"]) == (2, "list", "ready")
    assert client.get(f"{URL}{made['id']}/members/").json()["ids"] == sorted([ann.pk, bob.pk])
    assert client.patch(f"{URL}{made['id']}/", {"rule": city("杭州")}).json()["code"] == "segment_frozen"
    frozen = client.post(URL, {"name": "快照", "kind": "snapshot", "rule": city("上海")}).json()
    factories.member(people, "New", city="上海")
    bump(people.pk, "members")
    assert client.get(f"{URL}{frozen['id']}/members/").json()["size"] == 2
    assert client.post(URL, {"name": "空", "kind": "list", "members": ["nobody"]}).json()["code"] == "list_empty"
    assert client.post(URL, {"name": "无", "kind": "list"}).status_code == 400


def test_the_catalogue_lists_every_fact(api: Api) -> None:
    found = {fact["key"]: fact for fact in api("analyst").get(f"{URL}facts/").json()}
    assert found["orders"]["operators"][:2] == ["any", "none"]
    assert found["gender"]["choices"][0] == {"value": 1, "zh": "男", "en": "male"}
    assert found["order_amount"]["unit"] == {"zh": "¥", "en": "¥"}


def test_amounts_a_program_is_told_are_in_the_currency_of_its_pool(api: Api) -> None:
    Pool.objects.update(currency="USD")
    found = {fact["key"]: fact for fact in api("analyst").get(f"{URL}facts/").json()}
    assert found["order_amount"]["unit"] == {"zh": "US$", "en": "US$"}
    assert found["orders"]["unit"] == {"zh": "单", "en": "orders"}
    assert formats.currency_sign() == "¥"


@pytest.mark.parametrize(
    ("role", "reads", "writes"), [("admin", 200, 201), ("marketer", 200, 201), ("analyst", 200, 201), ("operator", 200, 403)]
)  # fmt: skip
def test_who_may_what(people: Pool, api: Api, role: str, reads: int, writes: int) -> None:
    client = api(role)
    assert client.get(URL).status_code == reads
    assert client.post(f"{URL}count/", {"rule": city("上海")}).status_code == reads
    assert client.post(URL, {"name": "x", "rule": city("上海")}).status_code == writes
    assert api(role, ["jobs.view"]).get(URL).status_code == 403


def test_another_pool_is_out_of_sight(people: Pool, other_pool: Pool, api: Api) -> None:
    theirs = make(other_pool, rule={"all": []})
    client = api("admin")
    for path in ("", "members/", "versions/", "uses/"):
        assert client.get(f"{URL}{theirs.pk}/{path}").status_code == 404, path
    assert client.post(f"{URL}{theirs.pk}/refresh/").status_code == 404
    rule = {"fact": "segment", "op": "none", "value": [theirs.pk]}
    assert client.post(f"{URL}count/", {"rule": rule}).json()["fields"]["rule"][0]["code"] == "gone"


# -- The life of a segment -------------------------------------------------------------------------
def test_who_entered_and_who_left(people: Pool) -> None:
    segment = make(people)
    Member.objects.filter(name="Ann").update(city="北京")
    Member.objects.filter(name="Ben").update(city="上海")
    bump(people.pk, "members")
    computing.refresh(segment=segment, as_of=AS_OF + timedelta(days=1))
    found = history.moves(segment, AS_OF, AS_OF + timedelta(days=1))
    names = [set(Member.objects.filter(pk__in=list(ids)).values_list("name", flat=True)) for ids in (found.entered, found.left)]
    assert (names, len(found.stayed)) == ([{"Ben"}, {"Ann"}], 1)


def test_snapshots_are_thinned_and_unchanged_ones_not_repeated(people: Pool) -> None:
    segment = make(people)
    computing.refresh(segment=segment, as_of=AS_OF + timedelta(minutes=5))
    assert SegmentSnapshot.objects.count() == 1
    for minutes, place in ((10, "上海"), (20, "杭州"), (60 * 24 * 5, "上海")):
        Member.objects.filter(name="Ben").update(city=place)
        bump(people.pk, "members")
        computing.refresh(segment=segment, as_of=AS_OF + timedelta(minutes=minutes))
    assert len(history.sizes(segment)) == 2  # one of the first day, the latest


def test_a_segment_of_segments(people: Pool) -> None:
    inner = make(people, "inner")
    outer = make(people, "outer", {"all": [{"not": {"fact": "segment", "op": "any", "value": [inner.pk]}}]})
    assert outer.size == 2
    assert [use.name for use in usage.uses(inner)] == ["outer"]
    with override("en"), pytest.raises(services.InUse) as caught:
        services.archive(segment=inner, actor=None)
    assert caught.value.message.endswith(": Segment “outer”")
    with pytest.raises(services.BadRule) as circle:
        services.save(
            pool=people, name="inner", rule={"fact": "segment", "op": "any", "value": [outer.pk]}, actor=None, segment=inner
        )
    assert [fault.code for fault in circle.value.faults] == ["circular"]


def test_a_circle_made_behind_our_back_fails_instead_of_looping(people: Pool) -> None:
    inner = make(people, "inner")
    outer = make(people, "outer", {"fact": "segment", "op": "any", "value": [inner.pk]})
    SegmentVersion.objects.filter(segment=inner).update(rule={"fact": "segment", "op": "any", "value": [outer.pk]})
    with pytest.raises(Problem):
        computing.refresh(segment=inner, as_of=AS_OF)
    inner.refresh_from_db()
    assert (inner.status, inner.size) == ("failed", 2)


def test_one_failing_segment_does_not_stop_the_others(people: Pool) -> None:
    bad, good = make(people, "bad"), make(people, "good")
    SegmentVersion.objects.filter(segment=bad).update(rule={"fact": "gone", "op": "any"})
    Segment.objects.update(as_of=AS_OF - timedelta(days=1))
    tasks.refresh_live_segments()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == ("failed", "ready")
    assert "gone" in bad.error
    assert good.as_of is not None
    assert good.as_of > AS_OF - timedelta(days=1)


def test_a_tag_that_is_gone_is_refused(people: Pool, other_pool: Pool) -> None:
    tag = Tag.objects.create(pool=other_pool, group=TagGroup.objects.create(pool=other_pool, name="g"), name="t")
    with pytest.raises(services.BadRule) as caught:
        services.save(pool=people, name="x", rule={"all": [{"fact": "tag", "op": "none", "value": [tag.pk]}]}, actor=None)
    assert [(fault.path, fault.code) for fault in caught.value.faults] == [("$.all[0].value[0]", "gone")]


def test_two_segments_cannot_share_a_name(people: Pool) -> None:
    make(people, "s")
    with pytest.raises(Problem) as caught:
        services.save(pool=people, name="s", rule=city("杭州"), actor=None)
    assert caught.value.code == "name_taken"


def test_the_member_list_can_filter_by_segment_and_rule(people: Pool) -> None:
    segment = make(people)
    assert len(filters.extras["segment"].ids(people, str(segment.pk))) == 2
    assert filters.extras["segment"].describe(people, str(segment.pk)) == "s"
    assert len(filters.extras["rule"].ids(people, '{"fact": "city", "op": "in", "value": ["杭州"]}')) == 1
    for nonsense, why in (("x", "invalid literal"), ("999999", "没有这个分群")):
        with pytest.raises(ValueError, match=why):
            filters.extras["segment"].ids(people, nonsense)
    with pytest.raises(ValueError, match="nope"):
        filters.extras["rule"].ids(people, '{"fact": "nope", "op": "in"}')


def test_old_leaves_are_swept(people: Pool) -> None:
    make(people)
    kept = Leaf.objects.count()
    assert kept >= 2
    assert leaves.sweep(as_of=Leaf.objects.order_by("at")[0].at) == 0
    assert leaves.sweep(as_of=Leaf.objects.order_by("-at")[0].at + timedelta(days=3)) == kept


def test_a_sample_is_stable_and_about_as_large_as_asked() -> None:
    universe = BitMap(range(1, 20001))
    ten, twenty = evaluate.sample_of(universe, 10), evaluate.sample_of(universe, 20)
    assert ten == evaluate.sample_of(universe, 10)
    assert ten <= twenty
    assert 1800 < len(ten) < 2200
    assert evaluate.sample_of(universe, 100) == universe


def test_the_schema_of_facts_names_what_is_answered(people: Pool, api: Callable[..., APIClient]) -> None:
    answered = api("analyst").get(f"{URL}facts/").json()
    assert {key for fact in answered for key in fact} == set(shapes.FACT.child.fields)
    assert {key for fact in answered for each in fact["where"] for key in each} == set(shapes.FACT_FILTER.child.fields)
