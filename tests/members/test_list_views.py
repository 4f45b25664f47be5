"""Tabs of the member list: saved, shared, changed, ordered, first; and the columns of each."""

import re

import pytest

from members.models import ListSettings, SavedView
from scrm.staff.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/p/demo/members/"


def tabs(client, **params):
    """Names of the tabs, in their order."""
    text = client.get(LIST, params or {"view": "all"}).content.decode()
    row = re.search(r'<nav class="views[^>]*>(.*?)</nav>', text, re.DOTALL)[1]
    return [re.sub(r"<[^>]+>", "", name).strip() for name in re.findall(r"<a [^>]*>(.*?)</a>", row, re.DOTALL)][1:]


def heads(client, **params):
    """The columns of the table."""
    text = client.get(LIST, params or {"view": "all"}).content.decode()
    cells = re.findall(r"<th [^>]*>(.*?)</th>", text, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells][2:]


def save(client, name, query="", **more):
    client.post(LIST + "views/", {"name": name, "query": query, **more})
    return SavedView.objects.filter(name=name).first()


def test_views_are_private_unless_shared(login, alice):
    client, other = login("operator"), login("marketer")
    save(client, "沉睡", "stage=3&after=x~1")
    high = save(client, "高值", "rfm=7", shared="1")
    assert SavedView.objects.get(name="沉睡").query == "stage=3"
    assert tabs(client) == ["沉睡", "高值"]
    assert tabs(other) == ["高值"]
    assert other.post(f"{LIST}views/{high.pk}/delete/").status_code == 404
    other.post(f"{LIST}views/{high.pk}/", {"what": "save", "query": "stage=1"})
    high.refresh_from_db()
    assert high.query == "rfm=7"
    client.post(f"{LIST}views/{high.pk}/delete/")
    assert tabs(other) == []


def test_a_changed_view_says_so_and_is_saved_or_saved_as(login, alice):
    client = login("operator")
    view = save(client, "沉睡", "stage=3")
    at = f"{LIST}?view={view.pk}&stage=3"
    assert "未保存的修改" not in client.get(at).content.decode()
    assert "未保存的修改" not in client.get(f"{LIST}?stage=3&view={view.pk}&after=x~1").content.decode()  # paging is no change
    changed = client.get(f"{at}&rfm=7")
    assert "未保存的修改" in changed.content.decode()
    assert "保存修改" in changed.content.decode()
    client.post(f"{LIST}views/{view.pk}/", {"what": "save", "query": f"view={view.pk}&stage=3&rfm=7"})
    view.refresh_from_db()
    assert view.query == "stage=3&rfm=7"
    assert AuditEntry.objects.filter(action="view.save").count() == 2


def test_who_does_not_own_a_changed_view_can_only_save_it_as_another(login, alice):
    view = save(login("operator"), "沉睡", "stage=3", shared="1")
    text = login("marketer").get(f"{LIST}?view={view.pk}&stage=4").content.decode()
    assert "保存修改" not in text
    assert "另存为" in text


def test_names_are_ones_own_and_once(login, alice):
    client = login("operator")
    one, two = save(client, "甲", "stage=1"), save(client, "乙", "stage=2")
    answer = client.post(f"{LIST}views/{two.pk}/", {"what": "edit", "name": "甲", "query": ""}, follow=True)
    assert "已有一个叫这个名字的视图" in answer.content.decode()
    client.post(f"{LIST}views/{two.pk}/", {"what": "edit", "name": "丙", "shared": "1", "query": ""})
    two.refresh_from_db()
    assert (two.name, two.is_shared, two.query) == ("丙", True, "stage=2")
    assert one.pk != two.pk


def test_the_view_somebody_likes_opens_first_and_everybody_stays_in_reach(login, alice):
    client = login("operator")
    view = save(client, "沉睡", "stage=3", first="1")
    assert client.get(LIST)["Location"] == f"{LIST}?view={view.pk}&stage=3"
    assert client.get(LIST, {"view": "all"}).status_code == 200
    assert login("marketer").get(LIST).status_code == 200
    client.post(f"{LIST}views/{view.pk}/", {"what": "not_first", "query": ""})
    assert client.get(LIST).status_code == 200
    client.post(f"{LIST}views/{view.pk}/", {"what": "first", "query": ""})
    client.post(f"{LIST}views/{view.pk}/delete/")
    assert client.get(LIST).status_code == 200  # a view that is gone opens nothing


def test_each_orders_the_tabs_for_themselves(login, alice):
    client, other = login("operator"), login("marketer")
    for name in ("甲", "乙", "丙"):
        last = save(client, name, f"q={name}", shared="1")
    client.post(f"{LIST}views/{last.pk}/", {"what": "left", "query": ""})
    assert tabs(client) == ["甲", "丙", "乙"]
    assert tabs(other) == ["甲", "乙", "丙"]
    client.post(f"{LIST}views/{last.pk}/", {"what": "right", "query": ""})
    client.post(f"{LIST}views/{last.pk}/", {"what": "right", "query": ""})  # there is no further
    assert tabs(client) == ["甲", "乙", "丙"]
    save(client, "丁", "q=4")
    assert tabs(client)[-1] == "丁"


def test_columns_and_density_belong_to_a_tab_and_a_person(login, alice):
    client, other = login("operator"), login("marketer")
    view = save(client, "高值", "rfm=7", shared="1")
    client.post(LIST + "columns/", {"column": ["orders", "stage", "nonsense"], "view": view.pk, "dense": "1", "query": ""})
    here = {"view": str(view.pk), "rfm": "7"}
    assert heads(client, **here) == ["订单", "生命周期"]
    assert heads(other, **here) == ["订单", "生命周期"]  # its owner's choice
    assert heads(client)[0] == "生命周期"  # the other tab as ever
    assert 'class="table-scroll dense"' in client.get(LIST, here).content.decode()
    other.post(LIST + "columns/", {"column": ["joined"], "view": view.pk, "dense": "0", "query": ""})
    assert heads(other, **here) == ["加入时间"]
    assert heads(client, **here) == ["订单", "生命周期"]
    client.post(LIST + "columns/", {"column": ["number"], "view": "", "query": ""})
    assert heads(client) == ["会员编号"]
    assert heads(client, columns="gender.age") == ["性别", "年龄"]  # an address may say so
    assert ListSettings.objects.count() == 2


def test_without_any_column_the_usual_ones_are_shown(login, alice):
    client = login("operator")
    client.post(LIST + "columns/", {"query": "stage=1"})
    assert "生命周期" in heads(client)


def test_a_view_of_another_pool_is_no_view(login, other_pool, alice):
    user = factories.user("elsewhere", other_pool, "admin")
    theirs = SavedView.objects.create(pool=other_pool, owner=user, name="x", query="stage=1", is_shared=True)
    assert login("admin").post(f"{LIST}views/{theirs.pk}/", {"what": "first", "query": ""}).status_code == 404
    assert tabs(login("admin"), view=str(theirs.pk)) == []
