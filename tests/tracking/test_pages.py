"""Sites in the browser and over the API."""

import pytest
from django.test import Client

from members.models import Event, Site
from members.tracking.collecting import collect
from scrm.lib import clock
from scrm.staff.models import AuditEntry
from tests import factories
from tests.tracking.conftest import ORIGIN
from tests.tracking.test_collecting import visit

pytestmark = pytest.mark.django_db
LIST = "/p/demo/settings/sites/"


def saved(client: Client, **said: object) -> object:
    given = {"name": "官网", "origins": "shop.example\nhttp://localhost:8080/x", "consent": "asked", "is_active": "on", **said}
    return client.post(f"{LIST}new/", given)


def test_a_site_is_added_and_its_page_shows_the_snippet(login):
    answer = saved(login("admin"))
    site = Site.objects.get()
    assert answer.url == f"{LIST}{site.pk}/"
    assert site.origins == ["https://shop.example", "http://localhost:8080"]
    page = login("analyst").get(answer.url).content.decode()
    assert f"data-site=&quot;{site.key}&quot;" in page
    assert "http://testserver/c/track.js" in page


@pytest.mark.parametrize("origins", ["", "   ", "ftp://x", "https://a:99999", "java script"])
def test_addresses_that_are_none_are_named(login, origins):
    answer = saved(login("admin"), origins=origins)
    assert answer.status_code == 422
    assert not Site.objects.exists()


def test_two_sites_of_a_pool_have_two_names(login):
    client = login("admin")
    saved(client)
    assert "已有同名网站" in saved(client).content.decode()


def test_the_secret_is_shown_on_request_only_and_who_asked_is_written_down(login, site):
    client = login("admin")
    page = client.get(f"{LIST}{site.pk}/").content.decode()
    shown = client.post(f"{LIST}{site.pk}/secret/").content.decode()
    assert 'id="secret"' in shown
    assert 'id="secret"' not in page
    client.post(f"{LIST}{site.pk}/secret/", {"renew": "1"})
    assert list(AuditEntry.objects.filter(action__startswith="site.").values_list("action", flat=True).order_by("pk")) == [
        "site.save", "site.secret_seen", "site.secret",
    ]  # fmt: skip


def test_what_arrived_is_shown_with_who_it_was(login, site, alice):
    now = clock.now()
    factories.identity(alice, "visitor_id", "visitor-0001")
    collect(site=site, visit=visit(now, "event-001", kind="search", properties={"words": "婴儿奶粉"}), as_of=now)
    collect(site=site, visit=visit(now, "event-002", visitor="stranger-1"), as_of=now)
    page = login("operator").get(f"{LIST}{site.pk}/").content.decode()
    assert "婴儿奶粉" in page
    assert "未识别的访客" in page
    assert f"/members/{alice.pk}/" in page
    row = login("operator").get(LIST).content.decode()
    assert "接收中" in row


def test_sites_over_the_api(api, pool):
    client = api("admin")
    made = client.post("/api/sites/", {"name": "官网", "origins": [ORIGIN]}, format="json")
    assert made.status_code == 201
    assert "sealed" not in made.json()
    changed = client.patch(f"/api/sites/{made.json()['id']}/", {"is_active": False}, format="json").json()
    assert (changed["is_active"], changed["origins"]) == (False, [ORIGIN])
    assert client.get("/api/sites/").json()["results"][0]["name"] == "官网"


def test_a_program_says_who_a_visitor_is(api, site, alice):
    now = clock.now()
    collect(site=site, visit=visit(now, "event-001"), as_of=now)
    answer = api("operator").post(
        "/api/visitors/", {"visitor": "visitor-0001", "kind": "phone", "value": "+86 13800000001"}, format="json"
    )
    assert answer.json() == {"member": alice.pk}
    assert Event.objects.get().member_id == alice.pk
    bad = api("operator").post("/api/visitors/", {"visitor": "visitor-0001", "kind": "phone", "value": "x"}, format="json")
    assert bad.status_code == 422
    assert "电话号码" in str(bad.json())
