"""Segments by owner, home store and community; the workbench says what waits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from members.communities import services, watch
from members.communities.people import Person
from members.communities.services import Happening
from members.models import Community, Member, Pool, StaffProfile, Store
from members.ownership import services as ownership
from members.stores import services as stores
from scrm.lib import clock
from scrm.staff.models import User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(pool: Pool, alice: Member, bob: Member) -> Community:
    now = clock.now()
    facts = {"name": "一群", "external_id": "wr1", "created_at": now - timedelta(days=50)}
    made = services.save_community(pool=pool, community=None, facts=facts, actor=None, as_of=now)
    told = [("join", alice, 40), ("message", alice, 39), ("join", bob, 3), ("leave", bob, 1)]
    happenings = [Happening(kind, now - timedelta(days=back), Person(member=who.pk)) for kind, who, back in told]
    services.record(community=made, happenings=happenings, actor=None, as_of=now)
    return made


def test_rules_select_by_owner_store_and_community(
    api: Callable[..., APIClient], pool: Pool, group: Community, alice: Member, bob: Member, staff: dict[str, User]
) -> None:
    now = clock.now()
    guide = factories.user("guide", None, "operator")
    StaffProfile.objects.create(pool=pool, user=guide)
    store = stores.save_store(pool=pool, store=None, facts={"code": "S1", "name": "东店"}, actor=None, as_of=now)
    stores.set_home(pool=pool, members=[bob.pk], store=store, actor=None, as_of=now)
    ownership.assign(pool=pool, members=[bob.pk], to=guide, reason="", actor=None, as_of=now)
    program = api("marketer")

    def size(rule: dict[str, Any]) -> int:
        answer = program.post("/api/segments/count/", {"rule": rule}, format="json")
        assert answer.status_code == 200, answer.json()
        return int(answer.json()["size"])

    assert size({"fact": "community", "op": "any", "value": [group.pk]}) == 1
    assert size({"fact": "community", "op": "none", "value": [group.pk]}) == 1
    assert size({"fact": "community", "op": "any", "value": [group.pk], "window": {"last": 7, "unit": "days"}}) == 0
    assert size({"fact": "home_store", "op": "in", "value": [store.pk]}) == 1
    assert size({"fact": "owner", "op": "in", "value": [guide.pk]}) == 1
    back = Happening("join", now, Person(member=bob.pk))
    services.record(community=group, happenings=[back], actor=None, as_of=now)
    assert size({"fact": "community", "op": "any", "value": [group.pk]}) == 2  # the kept answer was stale


def test_the_workbench_says_what_waits(
    login: Callable[[str], Client], pool: Pool, group: Community, staff: dict[str, User], alice: Member
) -> None:
    watch.measure(pool=pool, as_of=clock.now())
    Member.objects.filter(pk=alice.pk).update(owner=staff["marketer"])
    StaffProfile.objects.create(pool=pool, user=staff["marketer"], is_on_duty=False)
    page = login("operator").get("/p/demo/").content.decode()
    assert "社群「一群」快不行了" in page
    assert "marketer 已离职，1 位会员待移交" in page
    watch.see(community=group, actor=staff["operator"], as_of=clock.now())
    assert "社群「一群」快不行了" not in login("operator").get("/p/demo/").content.decode()
    assert Store.objects.count() == 0
