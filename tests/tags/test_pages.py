"""The pages of tags and their endpoints."""

from datetime import timedelta

import pytest

from members import tagging
from members.models import MemberTag, Tag, TagGroup, TagMerge
from scrm.jobs.models import JobRun
from scrm.lib import clock
from segmentation.models import TagRule
from segmentation.segments import services as segments
from segmentation.tagging import apply
from tests.tags.conftest import carriers

TAGS = "/p/demo/tags/"
RULE = {"all": [{"fact": "city", "op": "in", "value": ["上海"]}]}


@pytest.fixture
def tea(crowd, group_of, tag_of, as_of):
    tag = tag_of(group_of("口味", color="green", note="吃什么喝什么"), "茶", note="喜欢喝茶")
    tagging.add_tag(tag=tag, members=[each.pk for each in crowd[:3]], actor=None, as_of=as_of)
    return tag


def text(response):
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_the_library_shows_groups_finds_tags_and_filters_by_source(login, tea, group_of, tag_of):
    tag_of(group_of("习惯"), "夜猫子", source="rule")
    client = login("analyst")
    shown = text(client.get(TAGS))
    assert "喜欢喝茶" in shown
    assert "夜猫子" in shown
    found = text(client.get(TAGS, {"q": "茶"}))
    assert "夜猫子" not in found
    assert "夜猫子" in text(client.get(TAGS, {"source": "rule"}))
    assert "新建标签组" not in shown  # an analyst only reads


def test_a_tags_page_tells_history_and_merging_can_be_undone_from_there(login, crowd, tea, tag_of):
    coffee = tag_of(tea.group, "咖啡")
    client = login("marketer")
    shown = text(client.get(f"{TAGS}{tea.pk}/"))
    assert "M0" in shown
    assert "手工" in shown
    assert client.post(f"{TAGS}{tea.pk}/merge/", {"target": coffee.pk}).headers["Location"] == f"{TAGS}{coffee.pk}/"
    assert len(carriers(coffee)) == 3
    page = text(client.get(f"{TAGS}{coffee.pk}/"))
    assert "撤销合并" in page
    client.post(f"{TAGS}merges/{TagMerge.objects.get().pk}/undo/")
    assert (len(carriers(coffee)), len(carriers(tea))) == (0, 3)
    assert "M0" in text(client.get(f"{TAGS}{tea.pk}/changes/"))
    assert "chart" in text(client.get(f"{TAGS}{tea.pk}/"))
    assert client.get(f"/p/demo/charts/tag_sizes.json?tag={tea.pk}").json()


def test_a_tag_is_changed_and_moved_to_another_group(login, tea, group_of):
    other, client = group_of("别的"), login("operator")
    form = {"name": "绿茶", "group": other.pk, "valid_days": 30, "note": "", "place": 2}
    client.post(f"{TAGS}groups/{tea.group_id}/{tea.pk}/", form)
    tea.refresh_from_db()
    assert (tea.name, tea.group, tea.valid_days, tea.place) == ("绿茶", other, 30, 2)
    assert MemberTag.objects.filter(due=None).count() == 0


def test_the_report_compares_two_groups(login, tea, group_of):
    group_of("空的")
    shown = text(login("analyst").get(f"{TAGS}report/", {"first": tea.group_id, "second": tea.group_id}))
    assert "100%" in shown
    assert "没有闲置" in shown or "闲置的标签" in shown


def test_a_rule_is_built_previewed_saved_paused_and_stopped(login, pool, crowd, group_of):
    from members.models import Member

    Member.objects.filter(pk__in=[each.pk for each in crowd[:2]]).update(city="上海")
    group, client = group_of("城市"), login("marketer")
    base = {"node": ["g1:-:group", "r1:g1:row"], "g1.join": "all", "r1.fact": "city", "r1.op": "in", "r1.value": "上海"}
    named = {"name": "沪上", "group": group.pk, "cadence": "nightly"}
    assert "保存并更新标签" in text(client.get(f"{TAGS}rules/new/"))
    looked = text(client.post(f"{TAGS}rules/new/", {**base, **named}))
    assert "+2" in looked
    assert not TagRule.objects.exists()
    made = client.post(f"{TAGS}rules/new/", {**base, **named, "op": "save"})
    rule = TagRule.objects.select_related("tag__group", "pool").get()
    assert made.headers["Location"] == f"{TAGS}{rule.tag_id}/"
    assert f'hx-get="/p/demo/jobs/{rule.job_id}/"' in text(client.get(f"{TAGS}{rule.tag_id}/"))
    JobRun.objects.update(status="done")
    apply(rule=rule, as_of=clock.now())
    shown = text(client.get(f"{TAGS}{rule.tag_id}/"))
    assert f"/jobs/{rule.job_id}/" not in shown
    assert "上海" in shown
    assert "每次更新" in shown
    for what, paused in (("pause", True), ("resume", False)):
        client.post(f"{TAGS}rules/{rule.pk}/{what}/")
        rule.refresh_from_db()
        assert rule.is_paused is paused
    assert "上海" in text(client.get(f"{TAGS}rules/{rule.pk}/"))
    client.post(f"{TAGS}rules/{rule.pk}/stop/")
    assert (Tag.objects.get(name="沪上").source, TagRule.objects.exists(), len(carriers(rule.tag))) == ("manual", False, 2)
    assert login("analyst").get(f"{TAGS}rules/new/").status_code == 403


def test_the_gallery_says_what_fits(login, crowd):
    client = login("analyst")
    shown = text(client.get(f"{TAGS}gallery/"))
    assert "不适用" in shown
    assert "订单不足 100 笔" in shown
    assert "不适用于这个会员池" in text(client.get(f"{TAGS}gallery/night_owl/"))
    assert client.get(f"{TAGS}gallery/nothing/").status_code == 404
    assert client.post(f"{TAGS}gallery/night_owl/install/").status_code == 403


def test_a_members_chips_show_source_and_end(login, crowd, group_of, tag_of, as_of):
    tag = tag_of(group_of("活动"), "双十一", valid_days=9)
    tagging.add_tag(tag=tag, members=[crowd[0].pk], actor=None, as_of=as_of)
    shown = text(login("analyst").get(f"/p/demo/members/{crowd[0].pk}/"))
    assert (as_of + timedelta(days=9)).strftime("%m-%d") in shown
    assert "打上标签「双十一」" in text(login("analyst").get(f"/p/demo/members/{crowd[0].pk}/timeline/", {"kind": "tags"}))


def test_the_api_does_all_of_it(api, pool, crowd, tea, staff):
    client = api("marketer")
    group = client.post(
        "/api/tag-groups/",
        {"name": "城市", "is_exclusive": True, "owner": staff["marketer"].username, "note": "住哪"},
        format="json",
    )
    assert group.json().get("owner") == staff["marketer"].username, group.json()
    made = client.post(
        "/api/tag-rules/", {"group": group.json()["id"], "name": "沪上", "rule": RULE, "valid_days": 3}, format="json"
    )
    assert made.status_code == 201, made.json()
    assert made.json()["status"] == "building"
    pk = made.json()["id"]
    assert client.patch(
        f"/api/tag-rules/{pk}/", {"rule": {"all": [{"fact": "city", "op": "in", "value": ["北京"]}]}}, format="json"
    ).json()["sentence"]
    assert client.post(f"/api/tag-rules/{pk}/pause/").json()["is_paused"] is True
    assert client.post("/api/tag-rules/", {"group": group.json()["id"], "name": "x"}, format="json").status_code == 400
    bad = client.post(
        "/api/tag-rules/", {"group": group.json()["id"], "name": "x", "rule": {"all": [{"fact": "?"}]}}, format="json"
    )
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_rule")
    assert client.delete(f"/api/tag-rules/{pk}/").status_code == 204
    history = client.get(f"/api/tags/{tea.pk}/history/").json()["results"]
    assert [(row["what"], row["how"]) for row in history] == [("on", "manual")] * 3
    assert client.get(f"/api/tags/{tea.pk}/").json()["carriers"] == 3
    assert len(client.get(f"/api/tags/{tea.pk}/sizes/").json()) == 90
    other = client.post("/api/tags/", {"group": tea.group_id, "name": "喝茶"}, format="json").json()
    merged = client.post(f"/api/tags/{tea.pk}/merge/", {"into": other["id"]}, format="json").json()
    assert merged["moved"] == 3
    assert client.post(f"/api/tag-merges/{merged['id']}/undo/").json()["undone_at"]
    found = client.get("/api/tag-recipes/").json()
    assert len(found) >= 15
    assert client.post("/api/tag-recipes/night_owl/install/").status_code == 422
    assert api("analyst").post("/api/tag-recipes/night_owl/install/").status_code == 403
    assert TagGroup.objects.filter(pool=pool).count() == 2


def test_the_api_changes_only_what_is_said(api, pool, crowd, tea):
    client, rules = api("marketer"), "/api/tag-rules/"
    made = client.post(rules, {"tag": tea.pk, "rule": RULE}, format="json").json()
    url = f"{rules}{made['id']}/"

    def patch(**said):
        answer = client.patch(url, said, format="json")
        assert answer.status_code == 200, answer.json()
        return answer.json()

    said = patch(cadence="changes")
    assert (said["cadence"], said["rule"], said["segment"]) == ("changes", RULE, None)
    segment = segments.save(pool=pool, name="上海人", rule=RULE, actor=None)
    assert patch(segment=segment.pk)["segment"] == segment.pk
    said = patch(cadence="asked")
    assert (said["cadence"], said["rule"], said["segment"]) == ("asked", {}, segment.pk)
    assert client.patch(url, {"segment": segment.pk, "rule": RULE}, format="json").status_code == 400
    said = patch(rule=RULE, name="茶客")
    assert (said["rule"], said["segment"], said["name"]) == (RULE, None, "茶客")
    tea.refresh_from_db()
    assert tea.note == "喜欢喝茶"
    segments.archive(segment=segment, actor=None)
    refused = client.patch(url, {"segment": segment.pk}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "tags.segment_archived")
