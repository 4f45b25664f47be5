"""Pools: made in the browser and over the API, usable at once, archived and opened again."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from members.attributes import services as attributes
from members.models import Pool, PoolAccess, PoolTarget
from members.pools import services
from members.pools.services import Target
from members.versions import versions
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.models import User
from tests import factories

pytestmark = pytest.mark.django_db
Login = Callable[[str], Client]
EMPTY_PAGES = [
    "",
    "pool/",
    "pools/",
    "members/",
    "imports/",
    "segments/",
    "quality/",
    "settings/fields/",
    "settings/pool/",
    "dashboard/",
    "tags/",
]


def test_a_new_pool_can_be_used_at_once(login: Login, staff: dict[str, User]) -> None:
    admin = login("admin")
    form = {"name": "香港旗舰", "slug": "hk", "time_zone": "Asia/Hong_Kong", "currency": "HKD", "color": "green"}
    answer = admin.post("/p/demo/settings/pool/new/", form)
    assert answer["Location"] == "/p/hk/"
    assert PoolAccess.objects.get(pool__slug="hk").role == "admin"
    for page in EMPTY_PAGES:
        assert admin.get(f"/p/hk/{page}").status_code == 200, page
    assert "导入第一批会员" in admin.get("/p/hk/pool/").content.decode()
    assert 'data-currency="HK$"' in admin.get("/p/hk/pool/").content.decode()
    assert login("operator").get("/p/hk/").status_code == 404


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"slug": "Up"}, "slug"),
        ({"slug": "new"}, "slug"),
        ({"slug": "demo"}, "slug"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"currency": "JPY"}, "currency"),
        ({"color": "plaid"}, "color"),
        ({"name": " "}, "name"),
    ],
)
def test_a_pool_that_could_not_work_is_refused(pool: Pool, staff: dict[str, User], facts: dict[str, str], field: str) -> None:
    with pytest.raises(Problem) as refused:
        services.create_pool(actor=staff["admin"], **{"name": "x", "slug": "x", **facts})
    assert list(refused.value.fields) == [field]


def test_another_time_zone_has_days_counted_anew(pool: Pool, staff: dict[str, User]) -> None:
    before = versions(pool.pk)
    services.edit_pool(pool=pool, name="改名", actor=staff["admin"])
    assert versions(pool.pk) == before
    services.edit_pool(pool=pool, time_zone="America/New_York", actor=staff["admin"])
    assert all(versions(pool.pk)[domain] > n for domain, n in before.items())
    assert JobRun.objects.filter(pool_id=pool.pk, kind="segmentation.recalculate").count() == 1


def test_a_members_value_is_a_number_of_the_pool(pool: Pool, staff: dict[str, User]) -> None:
    attributes.create_field(pool=pool, key="worth", kind="number", label="净资产", actor=None)
    attributes.create_field(pool=pool, key="note", kind="text", label="备注", actor=None)
    services.edit_pool(pool=pool, worth="worth", actor=staff["admin"])
    pool.refresh_from_db()
    assert pool.settings == {"value_attribute": "worth"}
    for wrong in ("note", "gone"):
        with pytest.raises(Problem):
            services.edit_pool(pool=pool, worth=wrong, actor=staff["admin"])
    services.edit_pool(pool=pool, worth="", actor=staff["admin"])
    pool.refresh_from_db()
    assert pool.settings == {}


def test_targets_are_set_and_taken_back(login: Login, pool: Pool) -> None:
    admin = login("admin")
    page = admin.get("/p/demo/settings/pool/").content.decode()
    month = page.split('name="members:')[1][:10]
    form = {f"members:{month}": "1000", f"active:{month}": "", f"revenue:{month}": "12.50"}
    assert admin.post("/p/demo/settings/pool/targets/", form).status_code == 302
    target = PoolTarget.objects.get(pool=pool)
    assert (str(target.month), target.members, target.active, target.revenue) == (month, 1000, None, 1250)
    assert admin.post("/p/demo/settings/pool/targets/", {f"members:{month}": "many"}).status_code == 422
    admin.post("/p/demo/settings/pool/targets/", {})
    assert not PoolTarget.objects.exists()
    with pytest.raises(Problem):
        services.set_targets(pool=pool, targets={date(2026, 11, 2): Target(1)}, actor=None)


def test_an_archived_pool_is_nobodys_until_it_is_opened_again(
    login: Login, pool: Pool, other_pool: Pool, staff: dict[str, User], api: Callable[..., APIClient]
) -> None:
    admin, program = login("admin"), api("admin")
    with pytest.raises(Problem) as refused:
        services.archive_pool(pool=pool, actor=staff["admin"])
    assert refused.value.code == "pool.last"
    PoolAccess.objects.create(user=staff["admin"], pool=other_pool, role="admin")
    job = JobRun.objects.create(pool_id=pool.pk, kind="members.export", params={})
    with pytest.raises(Problem) as refused:
        services.archive_pool(pool=pool, actor=staff["admin"])
    assert refused.value.code == "pool.busy"
    job.delete()
    assert admin.post("/p/demo/settings/pool/archive/").status_code == 302
    assert admin.get("/p/demo/").status_code == 404
    assert program.get("/api/members/").status_code == 404
    assert "演示会员池" in admin.get("/p/other/pools/").content.decode()
    assert admin.post(f"/p/other/settings/pool/restore/{pool.pk}/").status_code == 302
    assert admin.get("/p/demo/").status_code == 200


def test_only_its_administrator_opens_a_pool_again(pool: Pool, other_pool: Pool, staff: dict[str, User]) -> None:
    stranger = factories.user("stranger", other_pool, "admin")
    with pytest.raises(Problem):
        services.restore_pool(pool=pool, actor=stranger)


def test_pools_over_the_api(api: Callable[..., APIClient], pool: Pool, other_pool: Pool) -> None:
    client = api("admin")
    assert [row["slug"] for row in client.get("/api/pools/").json()["results"]] == ["demo"]
    made = client.post("/api/pools/", {"name": "新", "slug": "fresh"}, format="json")
    assert made.status_code == 201
    assert client.get(f"/api/pools/{made.json()['id']}/").status_code == 404
    assert client.patch(f"/api/pools/{pool.pk}/", {"color": "green"}, format="json").json()["color"] == "green"
    assert client.patch(f"/api/pools/{other_pool.pk}/", {"color": "green"}, format="json").status_code == 404
    today: Any = date.today().replace(day=1)
    rows = [{"month": str(today), "members": 5, "revenue": 100}]
    answer = client.put(f"/api/pools/{pool.pk}/targets/", rows, format="json")
    assert answer.json()["results"] == [{"month": str(today), "members": 5, "active": None, "revenue": 100}]
    assert api("operator").post("/api/pools/", {"name": "x", "slug": "y"}, format="json").status_code == 403
