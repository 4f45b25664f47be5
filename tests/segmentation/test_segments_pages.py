"""Pages of segments: the builder as a plain form, list, detail, and who may open them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.http import QueryDict
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
from segmentation.rules.ast import conditions
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


def posted(root: builder.Group) -> QueryDict:
    """A draft as its form would post it."""
    data = QueryDict(mutable=True)

    def put(node: builder.Draft, parent: str) -> None:
        data.appendlist("node", f"{node.id}:{parent}:{node.kind}")
        if isinstance(node, builder.Group):
            data[f"{node.id}.join"] = node.join
            for child in node.children:
                put(child, node.id)
            return
        data[f"{node.id}.fact"] = data[f"{node.id}.was"] = node.fact
        data[f"{node.id}.op"] = node.op
        data.setlist(f"{node.id}.value", node.values)
        data.setlist(f"{node.id}.of", node.of)
        for name, text in node.window.items():
            data[f"{node.id}.w{name}"] = text

    put(root, "-")
    return data


RULE = {
    "all": [
        {"fact": "order_amount", "op": "between", "value": [9950, 120000], "of": [6], "window": {"last": 90, "unit": "days"}},
        {"any": [
            {"fact": "tag", "op": "all", "value": [1, 2], "window": {"period": "this_year"}},
            {"fact": "events", "op": "none", "of": ["view"], "window": {"ago": [90, 30]}},
        ]},
        {"not": {"any": [{"fact": "joined_at", "op": "within", "window": {"from": "2026-01-01", "to": "2026-02-01"}}]}},
        {"fact": "attribute_number", "op": "gte", "value": 2.5, "of": ["income"]},
        {"fact": "name", "op": "contains", "value": "'; --"},
    ]
}  # fmt: skip


def test_a_rule_survives_the_form() -> None:
    root = builder.decode(posted(builder.draft(RULE)))
    assert builder.as_rule(root)[0] == RULE


def test_buttons_add_copy_move_and_remove() -> None:
    root = builder.draft({"all": [{"fact": "age", "op": "gte", "value": 1}, {"any": [{"fact": "age", "op": "gte", "value": 2}]}]})
    first, group = root.children
    builder.edit(root, f"down:{first.id}")
    assert [child.kind for child in root.children] == ["group", "row"]
    builder.edit(root, f"copy:{group.id}")
    assert [child.kind for child in root.children] == ["group", "group", "row"]
    inner = root.children[0].children[0]  # type: ignore[union-attr]
    builder.edit(root, f"up:{inner.id}")  # out of its group
    assert [child.kind for child in root.children] == ["row", "group", "group", "row"]
    builder.edit(root, f"add-row:{group.id}")
    builder.edit(root, f"add-group:{root.id}")
    builder.edit(root, f"remove:{inner.id}")
    builder.edit(root, "remove:nobody")
    assert [child.kind for child in root.children] == ["group", "group", "row", "group"]


def deepest(join: str) -> tuple[builder.Group, builder.Group]:
    """A rule to which groups were added as long as one could be, and the innermost of them."""
    root = here = builder.Group(join)
    while builder.nests(here, {node.id: depth for node, depth in builder.walk(root)}[here.id]):
        builder.edit(root, f"add-group:{here.id}")
        here = here.children[-1]  # type: ignore[assignment]
        here.join = join
        if parse.read(builder.as_rule(root)[0])[1]:  # as "none" it is one level too many
            here.join = "any"
    return root, here


def test_groups_nest_to_the_depth_the_language_allows() -> None:
    for join, groups in (("all", 6), ("none", 3)):  # "none" is not any: two levels
        root, innermost = deepest(join)
        rule, _places = builder.as_rule(root)
        assert not parse.read(rule)[1], join
        assert sum(isinstance(node, builder.Group) for node, _ in builder.walk(root)) == groups + 1
        before = len(innermost.children)
        builder.edit(root, f"add-group:{innermost.id}")
        assert len(innermost.children) == before
        innermost.children.append(builder.Group("any", [rows.Row()]))
        assert [fault.code for fault in parse.read(builder.as_rule(root)[0])[1]] == ["too_deep"], join


@pytest.mark.parametrize("inner", [{"fact": "age", "op": "gte", "value": 1}, {"any": [{"fact": "age", "op": "gte", "value": 1}]}])
def test_what_programs_wrote_as_deep_as_may_be_is_saved_again(inner: dict[str, Any]) -> None:
    rule: dict[str, Any] = {"not": inner}
    while not parse.read({"all": [rule]})[1]:
        rule = {"all": [rule]}
    written, places = builder.as_rule(root := builder.draft(rule))
    assert written == rule
    leaf = next(node for node, _ in builder.walk(root) if isinstance(node, rows.Row))
    ((path, _condition),) = conditions(parse.parse(rule))
    assert places[path] == leaf.id


def test_copies_are_made_while_they_fit(people: Pool, login: Login) -> None:
    row = {"fact": "gender", "op": "in", "value": [1]}
    root = builder.draft({"all": [{"any": [row] * 60}, row]})
    builder.edit(root, f"copy:{root.children[0].id}")
    assert len(root.children) == 2
    assert previews.preview(people, root, AS_OF).orphans == ["复制后会超过 100 个条件，没有复制"]
    builder.edit(root, f"copy:{root.children[1].id}")
    assert len(root.children) == 3
    root.children.append(builder.Group("any", [rows.Row() for _ in range(60)]))
    data = posted(root)  # more than may be, however it came about
    assert sum(isinstance(node, rows.Row) for node, _ in builder.walk(builder.decode(data))) == parse.MAX_CONDITIONS
    assert login("marketer").post(f"{HOME}new/", data.dict() | dict(data.lists())).status_code == 200


@pytest.mark.parametrize(
    ("value", "shown"), [(12345.67, "12345.67"), (1234567.5, "1234567.5"), (0.0000001, "0.0000001"), (200, "200"), (-0.5, "-0.5")]
)
def test_numbers_are_edited_as_they_are(value: float, shown: str) -> None:
    rule = {"all": [{"fact": "attribute_number", "op": "gte", "value": value, "of": ["income"]}]}
    root = builder.draft(rule)
    assert root.children[0].values == [shown]  # type: ignore[union-attr]
    assert builder.as_rule(root)[0] == rule


def test_money_with_parts_of_a_cent_is_edited_as_it_is() -> None:
    rule = {"all": [{"fact": "order_aov", "op": "between", "value": [1234.5678, 120000]}]}
    root = builder.draft(rule)
    assert root.children[0].values == ["12.345678", "1200"]  # type: ignore[union-attr]
    assert builder.as_rule(root)[0] == rule


def test_values_with_commas_stay_one() -> None:
    values = ["A, B", '5" pipe', '"q"', '"a, b" c', "乙，丙", "d"]
    where = [{"field": "property", "name": "title", "op": "in", "value": values}]
    rule = {"all": [{"fact": "events", "op": "gte", "value": 1, "of": ["view"], "where": where}]}
    root = builder.draft(rule)
    assert builder.as_rule(root)[0] == rule
    root.children[0].filters[0].values = ['a, "b, c"，d、 ,']  # type: ignore[union-attr]
    assert builder.as_rule(root)[0]["all"][0]["where"][0]["value"] == ["a", "b, c", "d"]


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
