"""Portraits on their page, as charts and files, and for programs."""

import json
from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from scrm.jobs.models import JobRun
from segmentation.models import Segment
from segmentation.portraits import services
from segmentation.segments import services as segments
from tests.portraits.drawing import segment_of

Login = Callable[[str], Client]


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
