"""Fields a pool declares: made, changed, used everywhere at once, gone only when nothing needs them."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from rest_framework.test import APIClient

from members import people
from members.attributes import queries, services, shown, usage
from members.attributes.services import Choice
from members.listing import ask
from members.models import AttributeField, Member, Pool, SavedMapping, SavedView, TouchedMember
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.audit import AuditEntry
from scrm.staff.models import User
from tests import factories

pytestmark = pytest.mark.django_db
Login = Callable[[str], Client]
URL = "/api/attribute-fields/"


def work() -> None:
    for job in JobRun.objects.filter(status=JobRun.Status.QUEUED, kind__startswith="members.attribute").order_by("pk"):
        assert running.run(job.pk, heart=False) == JobRun.Status.DONE


def said(member: Member) -> dict[str, Any]:
    return Member.objects.get(pk=member.pk).attributes


# -- Declaring -----------------------------------------------------------------------------------
@pytest.mark.parametrize("key", ["1st", "a b", "a__b", "x_min", "_x", "", "a" * 40])
def test_a_key_that_could_be_misread_is_refused(pool: Pool, key: str) -> None:
    with pytest.raises(Problem) as refused:
        services.create_field(pool=pool, key=key, kind="text", label="x", actor=None)
    assert refused.value.code == "attribute.bad_key"


def test_a_key_is_given_once_per_pool(pool: Pool, other_pool: Pool, band: AttributeField) -> None:
    services.create_field(pool=other_pool, key="band", kind="text", label="x", actor=None)
    with pytest.raises(Problem) as refused:
        services.create_field(pool=pool, key="band", kind="text", label="x", actor=None)
    assert refused.value.code == "attribute.taken"


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ([], "no_choices"),
        ([Choice("a,b")], "bad_choice"),
        ([Choice("A"), Choice("ａ")], "choice_twice"),
        ([Choice("x" * 61)], "bad_choice"),
    ],
)
def test_choices_that_could_not_be_told_apart_are_refused(pool: Pool, choices: list[Choice], code: str) -> None:
    with pytest.raises(Problem) as refused:
        services.create_field(pool=pool, key="x", kind="multi_choice", label="x", choices=choices, actor=None)
    assert refused.value.code == f"attribute.{code}"


def test_values_that_were_there_before_are_read_as_the_new_kind(pool: Pool) -> None:
    rows = [factories.member(pool, "x", attributes={"kids": given}) for given in ("2", "３", "many", 1)]
    other = factories.member(pool, "y", attributes={"pets": "2"})
    services.create_field(pool=pool, key="kids", kind="number", label="孩子数", actor=None)
    work()
    assert [said(row)["kids"] for row in rows] == [2, 3, "many", 1]  # what cannot be read stays, to be put right
    assert said(other) == {"pets": "2"}


# -- Changing choices ----------------------------------------------------------------------------
def test_renaming_and_merging_choices_rewrites_members(pool: Pool, band: AttributeField) -> None:
    one, two, three = (factories.member(pool, "x", attributes={"band": value}) for value in ("low", "mid", "high"))
    wished = [Choice("lower", "较低", was="low"), Choice("high", "高", was="mid"), Choice("high", "高", was="high")]
    services.edit_field(field=band, choices=wished, actor=None)
    work()
    assert [said(row)["band"] for row in (one, two, three)] == ["lower", "high", "high"]
    band.refresh_from_db()
    assert [(each["value"], each["was"]) for each in band.choices] == [("lower", ["low"]), ("high", ["mid"])]


def test_lists_keep_the_order_of_the_choices_when_renamed(pool: Pool) -> None:
    field = services.create_field(
        pool=pool, key="likes", kind="multi_choice", label="x", choices=[Choice(each) for each in "abc"], actor=None
    )
    row = factories.member(pool, "x", attributes={"likes": ["a", "b"]})
    services.edit_field(field=field, choices=[Choice("b", was="b"), Choice("c", was="c"), Choice("z", was="a")], actor=None)
    work()
    assert said(row) == {"likes": ["b", "z"]}


def test_names_are_not_swapped_at_once(band: AttributeField) -> None:
    swap = [Choice("mid", was="low"), Choice("low", was="mid"), Choice("high", was="high")]
    with pytest.raises(Problem) as refused:
        services.edit_field(field=band, choices=swap, actor=None)
    assert refused.value.code == "attribute.choice_chain"


def test_a_choice_somebody_has_is_not_removed(pool: Pool, band: AttributeField) -> None:
    row = factories.member(pool, "x", attributes={"band": "mid"})
    without = [Choice("low", was="low"), Choice("high", was="high")]
    with pytest.raises(Problem) as refused:
        services.edit_field(field=band, choices=without, actor=None)
    assert refused.value.code == "attribute.choice_in_use"
    Member.objects.filter(pk=row.pk).update(attributes={})
    services.edit_field(field=band, choices=without, actor=None)
    band.refresh_from_db()
    assert band.values == ["low", "high"]


def test_nothing_new_writes_nothing(band: AttributeField) -> None:
    before = AuditEntry.objects.count()
    assert services.edit_field(field=band, label=band.label, actor=None) is None
    assert AuditEntry.objects.count() == before


# -- Order, archive, delete ----------------------------------------------------------------------
def test_fields_are_put_in_order(pool: Pool, band: AttributeField, worth: AttributeField) -> None:
    services.move_field(field=worth, by=-1, actor=None)
    assert [field.key for field in queries.fields_of(pool)] == ["worth", "band"]
    services.move_field(field=worth, by=-1, actor=None)
    assert [field.key for field in queries.fields_of(pool)] == ["worth", "band"]


def test_an_archived_field_keeps_its_values_and_is_not_offered(pool: Pool, band: AttributeField) -> None:
    row = factories.member(pool, "x", attributes={"band": "mid"})
    services.archive_field(field=band, archived=True, actor=None)
    assert not queries.fields_of(pool).exists()
    assert shown.of_member(row, "admin") == []
    assert said(row) == {"band": "mid"}
    services.archive_field(field=AttributeField.objects.get(pk=band.pk), archived=False, actor=None)
    assert queries.fields_of(pool).exists()


def test_a_field_in_use_is_not_deleted_and_says_where_it_is_used(
    pool: Pool, band: AttributeField, staff: dict[str, User]
) -> None:
    SavedMapping.objects.create(pool=pool, name="门店导出", kind="members", mapping={"attr:band": "收入"})
    SavedView.objects.create(pool=pool, owner=staff["admin"], name="高收入", query="a_band=high")
    SavedView.objects.create(pool=pool, owner=staff["admin"], name="列", query="", columns=["stage", "a_band"])
    SavedView.objects.create(pool=pool, owner=staff["admin"], name="无关", query="a_bandage=1")
    assert sorted(use.name for use in usage.uses(band)) == ["列", "门店导出", "高收入"]
    with pytest.raises(Problem) as refused:
        services.delete_field(field=band, actor=None)
    assert refused.value.code == "attribute.in_use"
    assert "门店导出" in refused.value.message


def test_deleting_takes_the_values_along(pool: Pool, other_pool: Pool, band: AttributeField) -> None:
    row = factories.member(pool, "x", attributes={"band": "mid", "else": 1})
    other = factories.member(other_pool, "x", attributes={"band": "mid"})
    services.delete_field(field=band, actor=None)
    work()
    assert said(row) == {"else": 1}
    assert said(other) == {"band": "mid"}
    assert not TouchedMember.objects.exists()


def test_whose_values_were_rewritten_is_looked_at_where_they_count(
    pool: Pool, band: AttributeField, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("members.touching._readers", [lambda pool_id: {"values"} if pool_id == pool.pk else ()])
    row = factories.member(pool, "x", attributes={"band": "mid"})
    factories.member(pool, "y")
    services.delete_field(field=band, actor=None)
    work()
    assert TouchedMember.objects.get().member_id == row.pk


# -- A member's values ---------------------------------------------------------------------------
def test_only_what_is_mentioned_changes_and_each_change_is_told(
    pool: Pool, band: AttributeField, worth: AttributeField, as_of: Any
) -> None:
    row = factories.member(pool, "x", attributes={"band": "mid", "free": "a"})
    people.edit_member(member=row, changes={"attributes": {"band": None, "worth": "1.5"}}, actor=None, as_of=as_of)
    assert said(row) == {"free": "a", "worth": 1.5}
    changes = AuditEntry.objects.get(action="member.edit").data["changes"]
    assert changes == {"attr:band": ["mid", None], "attr:worth": [None, 1.5]}


def test_a_value_that_is_none_is_refused_with_its_field(
    pool: Pool, band: AttributeField, worth: AttributeField, as_of: Any
) -> None:
    row = factories.member(pool, "x")
    with pytest.raises(Problem) as refused:
        people.edit_member(member=row, changes={"attributes": {"band": "x", "worth": "y"}}, actor=None, as_of=as_of)
    assert set(refused.value.fields["attributes"]) == {"band", "worth"}
    assert "收入档" in refused.value.message
    assert said(row) == {}


def test_sensitive_values_are_dots_for_those_who_may_not_see_contacts(pool: Pool, worth: AttributeField) -> None:
    AttributeField.objects.filter(pk=worth.pk).update(is_sensitive=True)
    row = factories.member(pool, "x", attributes={"worth": 300})
    assert [each.text for each in shown.of_member(row, "operator")] == ["300 万元"]
    assert [each.text for each in shown.of_member(row, "marketer")] == [shown.MASK]


# -- Pages ---------------------------------------------------------------------------------------
def test_declare_and_change_in_the_browser(login: Login, pool: Pool) -> None:
    operator = login("operator")
    assert "还没有自定义字段" in operator.get("/p/demo/settings/fields/").content.decode()
    form = {
        "label": "肤质",
        "label_en": "Skin",
        "key": "skin",
        "kind": "multi_choice",
        "choice0.value": "dry",
        "choice0.label": "干性",
        "choice1.value": "oily",
        "choice2.value": "",
    }
    assert operator.post("/p/demo/settings/fields/new/", form).status_code == 302
    field = AttributeField.objects.get(pool=pool, key="skin")
    assert [each["label"] for each in field.choices] == ["干性", "oily"]
    page = operator.get(f"/p/demo/settings/fields/{field.pk}/").content.decode()
    assert 'value="干性"' in page
    form = {"label": "肤质类型", "choice0.value": "dry", "choice0.was": "dry", "choice1.value": "oil", "choice1.was": "oily"}
    assert operator.post(f"/p/demo/settings/fields/{field.pk}/", form).status_code == 302
    field.refresh_from_db()
    assert (field.label, field.values) == ("肤质类型", ["dry", "oil"])


def test_the_page_says_what_is_wrong_and_keeps_what_was_typed(login: Login, band: AttributeField) -> None:
    form = {"label": "收入", "key": "band", "kind": "choice", "choice0.value": "a", "choice1.value": "a"}
    page = login("admin").post("/p/demo/settings/fields/new/", form).content.decode()
    assert "已有标识为 band 的字段" in page
    assert 'name="choice1.value" value="a"' in page
    more = login("admin").post("/p/demo/settings/fields/new/", {**form, "more": "1"}).content.decode()
    assert 'name="choice14.value"' in more


def test_coverage_and_keys_nobody_declared(login: Login, pool: Pool, band: AttributeField) -> None:
    factories.member(pool, "x", attributes={"band": "low", "学历": "本科"})
    factories.member(pool, "y", attributes={"学历": "硕士"})
    page = login("analyst").get("/p/demo/settings/fields/filled/").content.decode()
    assert "1 · 50.0%" in page
    assert "学历" in page
    analyst, url = login("analyst"), f"/p/demo/settings/fields/{band.pk}/values/"
    whole, part = analyst.get(url).content.decode(), analyst.get(url, HTTP_HX_REQUEST="true").content.decode()
    assert "?a_band=low" in whole
    assert "<nav" in whole
    assert "?a_band=low" in part
    assert "<nav" not in part


def test_numbers_show_their_quartiles(login: Login, pool: Pool, worth: AttributeField) -> None:
    for value in (1, 2, 3, 4, 100):
        factories.member(pool, "x", attributes={"worth": value})
    found = queries.distribution(pool, worth)
    assert found.numbers is not None
    assert (found.members, found.numbers["median"], found.numbers["greatest"]) == (5, 3, 100)
    assert "中位数" in login("analyst").get(f"/p/demo/settings/fields/{worth.pk}/values/").content.decode()


def test_many_numbers_fall_into_ranges_and_days_into_months(login: Login, pool: Pool, worth: AttributeField) -> None:
    since = services.create_field(pool=pool, key="since", kind="date", label="x", actor=None)
    for n in range(21):
        factories.member(pool, "x", attributes={"worth": n / 2, "since": f"2026-0{1 + n % 2}-0{1 + n % 9}"})
    parts = queries.distribution(pool, worth).parts
    assert [(float(part.first), float(part.last), part.members) for part in parts][::9] == [(0, 0.5, 2), (9, 10, 3)]
    assert sum(part.members for part in parts) == 21
    months = queries.distribution(pool, since).parts
    assert [(part.first, part.last, part.members) for part in months] == [
        ("2026-01-01", "2026-01-31", 11),
        ("2026-02-01", "2026-02-28", 10),
    ]
    for field, found in ((worth, parts), (since, months)):
        page = login("analyst").get(f"/p/demo/settings/fields/{field.pk}/values/").content.decode()
        for url, part in zip(re.findall(r'href="[^"?]*[?]([^"]+)"', page), found, strict=True):
            assert len(ask(QueryDict(html.unescape(url)), pool).ids()) == part.members


def test_a_members_values_are_edited_on_their_page(
    login: Login, pool: Pool, alice: Member, band: AttributeField, worth: AttributeField
) -> None:
    operator = login("operator")
    page = operator.get(f"/p/demo/members/{alice.pk}/edit/").content.decode()
    assert "收入档" in page
    form = {"name": "Alice", "status": "2", "gender": "2", "own:band": "high", "own:worth": "many"}
    assert "不是数字" in operator.post(f"/p/demo/members/{alice.pk}/edit/", form).content.decode()
    assert operator.post(f"/p/demo/members/{alice.pk}/edit/", {**form, "own:worth": "1,200"}).status_code == 302
    assert said(alice) == {"band": "high", "worth": 1200}
    shown_page = operator.get(f"/p/demo/members/{alice.pk}/").content.decode()
    assert "1,200 万元" in shown_page
    assert ">高<" in shown_page


def test_the_pools_value_stands_at_the_head_of_the_page(login: Login, pool: Pool, alice: Member, worth: AttributeField) -> None:
    Member.objects.filter(pk=alice.pk).update(attributes={"worth": 88})
    pool.settings = {queries.WORTH: "worth"}
    pool.save()
    page = login("analyst").get(f"/p/demo/members/{alice.pk}/").content.decode()
    assert "<dt>净资产</dt><dd>88 万元</dd>" in page
    listed = login("analyst").get("/p/demo/members/").content.decode()
    assert "净资产（万元）" in listed
    assert "累计消费</a>" not in listed
    with pytest.raises(Problem):
        services.archive_field(field=AttributeField.objects.select_related("pool").get(pk=worth.pk), archived=True, actor=None)


# -- API -----------------------------------------------------------------------------------------
def test_fields_over_the_api(api: Callable[..., APIClient], pool: Pool) -> None:
    client = api("operator")
    body = {"key": "pet", "label": "宠物", "kind": "choice", "choices": [{"value": "cat"}, {"value": "dog", "label": "狗"}]}
    made = client.post(URL, body, format="json")
    assert made.status_code == 201
    pk = made.json()["id"]
    changed = client.patch(f"{URL}{pk}/", {"choices": [{"value": "cat"}, {"value": "hound", "was": "dog"}]}, format="json")
    assert [each["value"] for each in changed.json()["choices"]] == ["cat", "hound"]
    assert client.patch(f"{URL}{pk}/", {"kind": "text"}, format="json").json()["kind"] == "choice"
    factories.member(pool, "x", attributes={"pet": "cat"})
    assert client.get(f"{URL}{pk}/distribution/").json()["values"] == [
        {"first": "cat", "last": "cat", "label": "cat", "members": 1}
    ]
    assert client.post(f"{URL}{pk}/archive/").json()["is_archived"] is True
    assert client.post(f"{URL}{pk}/restore/").json()["is_archived"] is False
    assert client.post(f"{URL}order/", {"keys": ["pet"]}, format="json").status_code == 200
    assert client.get(f"{URL}{pk}/uses/").json() == {"results": []}
    assert client.delete(f"{URL}{pk}/").status_code == 204
    assert api("marketer").post(URL, body, format="json").status_code == 403


def test_members_values_over_the_api(
    api: Callable[..., APIClient], pool: Pool, alice: Member, band: AttributeField, worth: AttributeField
) -> None:
    client = api("operator")
    answer = client.patch(f"/api/members/{alice.pk}/", {"attributes": {"band": "中", "worth": 3.5, "free": "ok"}}, format="json")
    assert answer.json()["attributes"] == {"band": "mid", "worth": 3.5, "free": "ok"}
    refused = client.patch(f"/api/members/{alice.pk}/", {"attributes": {"worth": "x"}}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "attribute.invalid")
    AttributeField.objects.filter(pk=worth.pk).update(is_sensitive=True)
    assert api("marketer").get(f"/api/members/{alice.pk}/").json()["attributes"]["worth"] == shown.MASK
    made = client.post("/api/members/", {"name": "n", "attributes": {"worth": "50万"}}, format="json")
    assert made.json()["attributes"] == {"worth": 500000}
