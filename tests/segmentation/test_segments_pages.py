"""Pages of segments: the builder as a plain form, list, detail, and who may open them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from members import exporting
from members.models import ExportRequest, Member, Pool
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.staff.models import AuditEntry
from segmentation import builder, rows
from segmentation import preview as previews
from segmentation.models import Segment, SegmentVersion
from segmentation.rules import parse
from segmentation.segments import computing, services, usage, versions
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
HOME = "/p/demo/segments/"
Login = Callable[[str], Client]


@pytest.fixture
def people(pool: Pool) -> Pool:
    for name, city in (("Ann", "上海"), ("Ben", "杭州"), ("Cai", "上海"), ("Dan", "")):
        factories.member(pool, name, city=city)
    return pool


def form(**more: Any) -> dict[str, Any]:
    """City is Shanghai, in a group all."""
    fields = {
        "node": ["g:-:group", "a:g:row"],
        "g.join": "all",
        "a.fact": "city",
        "a.was": "city",
        "a.op": "in",
        "a.value": ["上海"],
    }
    return {**fields, "name": "上海客", "note": "", "kind": "live", **more}


def made(pool: Pool, name: str = "s") -> Segment:
    segment = services.save(pool=pool, name=name, rule={"all": [{"fact": "city", "op": "in", "value": ["上海"]}]}, actor=None)
    computing.refresh(segment=segment, as_of=AS_OF)
    return segment


# -- The form --------------------------------------------------------------------------------------
def test_a_rule_is_composed_counted_and_saved(people: Pool, login: Login) -> None:
    client = login("marketer")
    empty = quote(json.dumps({"all": []}))
    assert "全部会员" in client.get(f"{HOME}new/?rule={empty}").content.decode()
    page = client.post(f"{HOME}new/", form()).content.decode()
    assert 'data-count="2"' in page
    assert "城市是上海" in page
    saved = client.post(f"{HOME}new/", form(op="save"))
    segment = Segment.objects.get(name="上海客")
    assert saved.headers["Location"] == f"{HOME}{segment.pk}/"
    assert SegmentVersion.objects.get(segment=segment).rule == {"all": [{"fact": "city", "op": "in", "value": ["上海"]}]}
    running.run(JobRun.objects.get(kind=computing.REFRESH).pk, heart=False)
    assert "城市是上海" in client.get(f"{HOME}{segment.pk}/").content.decode()
    assert "上海客" in client.get(HOME).content.decode()


def test_saving_again_makes_a_version_and_saving_as_makes_another_segment(people: Pool, login: Login) -> None:
    client, segment = login("marketer"), made(people)
    edit = f"{HOME}{segment.pk}/edit/"
    assert "上海" in client.get(edit).content.decode()
    client.post(edit, form(op="save", name="s", **{"a.value": ["杭州"]}))
    segment.refresh_from_db()
    assert segment.version == 2
    assert "上海" in client.get(f"{edit}?version=1").content.decode()
    client.post(edit, form(op="save-as", name="t"))
    assert set(Segment.objects.values_list("name", "version")) == {("s", 2), ("t", 1)}


def test_faults_stand_beside_their_row_and_nothing_is_saved(people: Pool, login: Login) -> None:
    fields = form(
        op="save",
        node=["g:-:group", "a:g:row", "b:g:row"],
        **{"b.fact": "age", "b.was": "age", "b.op": "gte", "b.value": "thirty"},
    )
    answer = login("marketer").post(f"{HOME}new/", fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "应该是数字" in page[page.index('id="r-b"') :]
    assert 'data-count="2"' in page  # what can be read is counted
    assert not Segment.objects.exists()
    assert login("marketer").post(f"{HOME}new/", form(op="save", name=" ")).status_code == 422


def test_htmx_gets_the_builder_alone(people: Pool, login: Login) -> None:
    page = login("marketer").post(f"{HOME}new/", form(), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert 'data-count="2"' in page
    saved = login("marketer").post(f"{HOME}new/", form(op="save"), headers={"HX-Request": "true"})
    assert saved.headers["HX-Redirect"].startswith(HOME)


def test_a_full_rule_takes_no_more_and_says_so(people: Pool, login: Login) -> None:
    many = quote(json.dumps({"all": [{"fact": "gender", "op": "in", "value": [1]}] * 100}))
    page = login("marketer").get(f"{HOME}new/?rule={many}").content.decode()
    assert "条件已达上限" in page
    assert "disabled" in page[page.index('popovertarget="p-') :][:60]


def test_buttons_pressed_one_after_the_other_all_count(people: Pool, login: Login) -> None:
    client = login("marketer")
    page = client.post(f"{HOME}new/", form(op=["add-row:g:gender", "copy:a", "add-group:g"])).content.decode()
    assert page.count(':row"') == 4
    assert page.count(':group"') == 2
    assert client.post(f"{HOME}new/", form(op=["copy:a", "save"])).status_code == 302
    rule = SegmentVersion.objects.get().rule
    assert len(rule["all"]) == 2


def test_what_saving_finds_wrong_stands_beside_its_row(people: Pool, login: Login) -> None:
    fields = form(op="save", **{"a.fact": "tag", "a.was": "tag", "a.op": "any", "a.value": ["999"]})
    client = login("marketer")
    client.cookies["django_language"] = "en"
    answer = client.post(f"{HOME}new/", fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert not Segment.objects.exists()
    row = page[page.index('id="r-a"') :]
    assert "This tag does not exist" in row[: row.index("adders")]
    assert page.count("This tag does not exist") == 1


def test_the_sentence_is_read_in_both_languages(people: Pool, login: Login) -> None:
    page = login("marketer").post(f"{HOME}new/", form()).content.decode()
    assert '<p class="reading">城市是上海</p><p class="read-also" lang="en">city is 上海</p>' in page


def test_amounts_are_said_and_asked_for_in_the_currency_of_the_pool(people: Pool, login: Login) -> None:
    Pool.objects.update(currency="USD")
    narrowed = {"fact": "orders", "op": "gte", "value": 1, "where": [{"field": "amount", "op": "gte", "value": 500}]}
    rule = {"all": [{"fact": "order_amount", "op": "gte", "value": 10_000}, narrowed]}
    page = login("marketer").get(f"{HOME}new/?rule={quote(json.dumps(rule))}").content.decode()
    assert "US$100" in page
    assert "US$5" in page
    assert page.count("<span>US$</span>") == 2
    assert "¥" not in page
    segment = services.save(pool=Pool.objects.get(pk=people.pk), name="s", rule=rule, actor=None)
    assert "US$100" in versions.versions(segment)[0].sentence
    assert "US$100" in versions.teller(segment, "en")(parse.parse(rule).children[0])


@pytest.mark.parametrize("text", ["100", "¥100", "US$ 1,00", "HK$100", "RM100", "100 USD", "100元", "€100"])
def test_an_amount_may_be_typed_with_its_sign(text: str) -> None:
    assert rows._number(text, money=True) == 10_000


def test_a_form_made_of_nonsense_is_harmless(people: Pool, login: Login) -> None:
    nodes = ["", "x", "a:a:row", "<b>:-:group", "g:-:group", "g:g:group", "r:g:row", "z:nobody:row"]
    page = login("marketer").post(
        f"{HOME}new/", {"node": nodes, "r.fact": "nope", "r.op": "drop", "r.wkind": "x", "op": "add-row:"}
    )
    assert page.status_code == 200


# -- The other pages -------------------------------------------------------------------------------
def test_why_a_member_is_not_in(people: Pool, login: Login) -> None:
    segment, ben = made(people), Member.objects.get(name="Ben")
    page = login("analyst").get(f"{HOME}{segment.pk}/?member={ben.pk}").content.decode()
    assert "不在分群里" in page
    assert "没有这位会员" in login("analyst").get(f"{HOME}{segment.pk}/?member=99999999999999999999").content.decode()


def test_download_is_masked_and_recorded(people: Pool, login: Login, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    factories.member(people, "Eve", city="上海", phone="13812345678")
    segment, client = made(people), login("operator")
    assert f"segment={segment.pk}" in client.get(f"{HOME}{segment.pk}/export/").content.decode()
    given = {
        "query": f"segment={segment.pk}",
        "purpose": "service",
        "reason": "门店回访",
        "form": "csv",
        "column": ["name", "phone"],
    }
    client.post("/p/demo/privacy/exports/new/", given)
    export = ExportRequest.objects.get()
    assert running.run(export.job_id or 0, heart=False) == "done"
    text = exporting.path_of(export).read_text("utf-8-sig")
    assert "138****5678" in text
    assert "13812345678" not in text
    assert len(text.splitlines()) == 5  # heading, three members, who asked for it
    assert AuditEntry.objects.filter(action="export.request").exists()


def test_archiving_is_refused_while_in_use(people: Pool, login: Login) -> None:
    segment, client = made(people), login("marketer")
    services.save(pool=people, name="outer", rule={"fact": "segment", "op": "any", "value": [segment.pk]}, actor=None)
    client.post(f"{HOME}{segment.pk}/archive/")
    segment.refresh_from_db()
    assert not segment.is_archived
    assert [use.name for use in usage.uses(segment)] == ["outer"]
    assert "outer" in client.get(f"{HOME}{segment.pk}/").content.decode()


def test_one_that_asks_for_what_went_meanwhile_is_not_brought_back(people: Pool, login: Login) -> None:
    segment, client = made(people), login("marketer")
    rule = {"fact": "segment", "op": "any", "value": [segment.pk]}
    outer = services.save(pool=people, name="outer", rule=rule, actor=None)
    for each in (outer, segment):
        services.archive(segment=each, actor=None)
    page = client.post(f"{HOME}{outer.pk}/archive/", follow=True).content.decode()
    assert "这个分群已归档，请先恢复它" in page
    outer.refresh_from_db()
    assert outer.is_archived
    for each in (segment, outer):
        client.post(f"{HOME}{each.pk}/archive/")
    outer.refresh_from_db()
    assert not outer.is_archived


def test_freezing_and_lists(people: Pool, login: Login) -> None:
    client, segment = login("marketer"), made(people)
    client.post(f"{HOME}{segment.pk}/freeze/", {"name": "冻结"})
    assert Segment.objects.get(name="冻结").size == 2
    client.post(f"{HOME}lists/new/", {"name": "名单", "members": str(Member.objects.get(name="Ben").pk)})
    assert Segment.objects.get(name="名单").kind == "list"
    assert client.get(f"{HOME}{Segment.objects.get(name='名单').pk}/edit/").status_code == 302


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("", {"admin", "operator", "marketer", "analyst"}),
        ("{pk}/", {"admin", "operator", "marketer", "analyst"}),
        ("new/", {"admin", "marketer", "analyst"}),
        ("lists/new/", {"admin", "marketer", "analyst"}),
        ("{pk}/edit/", {"admin", "marketer", "analyst"}),
        ("{pk}/export/", {"admin", "operator"}),
    ],
)
def test_who_may_open_what(people: Pool, login: Login, path: str, allowed: set[str]) -> None:
    url = HOME + path.format(pk=made(people).pk)
    assert {role for role in ("admin", "operator", "marketer", "analyst") if login(role).get(url).status_code == 200} == allowed
    assert Client().get(url).status_code == 302


def test_segments_of_another_pool_do_not_exist_here(people: Pool, other_pool: Pool, login: Login) -> None:
    theirs = services.save(pool=other_pool, name="x", rule={"all": []}, actor=None)
    client = login("admin")
    for path in ("", "edit/", "export/"):
        assert client.get(f"{HOME}{theirs.pk}/{path}").status_code == 404
    for path in ("refresh/", "archive/", "freeze/"):
        assert client.post(f"{HOME}{theirs.pk}/{path}").status_code == 404
    assert client.get(f"/p/other/segments/{theirs.pk}/").status_code == 404
    assert client.get(f"/p/demo/charts/segment_sizes.json?segment={theirs.pk}").status_code == 404
    assert json.loads(client.get(f"/p/demo/charts/segment_sizes.json?segment={made(people).pk}").content)["empty"] is False


def test_choices_are_remembered_alike_by_every_process(people: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def differs(_key: Any) -> int:
        raise AssertionError("hash() of a text is another one in every process")

    monkeypatch.setattr(previews, "hash", differs, raising=False)
    shown = previews.preview(people, builder.draft({"fact": "city", "op": "in", "value": ["上海"]}), AS_OF)
    assert ("杭州", "杭州", False) in shown.root.children[0].options
