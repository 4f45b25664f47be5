"""Jobs, the trail and the team over the API."""

import pytest

from members.models import PoolAccess
from scrm.jobs import services

pytestmark = pytest.mark.django_db


def test_jobs_are_listed_and_steered(api, pool, other_pool):
    ours = services.enqueue(kind="loyalty.earn", pool_id=pool.pk)
    theirs = services.enqueue(kind="loyalty.earn", pool_id=other_pool.pk)
    client = api("operator")
    assert [row["id"] for row in client.get("/api/jobs/").json()["results"]] == [ours.pk]
    assert client.post(f"/api/jobs/{ours.pk}/steer/", {"what": "cancel"}).json()["status"] == "cancelled"
    assert client.post(f"/api/jobs/{theirs.pk}/steer/", {"what": "cancel"}).status_code == 404
    assert api("analyst").post(f"/api/jobs/{ours.pk}/steer/", {"what": "retry"}).status_code == 403


def test_the_trail_is_for_administrators(api):
    assert api("marketer").get("/api/audit/").status_code == 403
    assert api("admin").get("/api/audit/?action=token").json()["results"][0]["action"] == "token.issue"


def test_the_team_is_kept_over_the_api(api, pool):
    client = api("admin")
    made = client.post("/api/team/", {"username": "xiaoli", "password": "a long enough one", "role": "operator"}).json()
    assert client.patch(f"/api/team/{made['id']}/", {"role": "analyst"}).json()["role"] == "analyst"
    assert client.delete(f"/api/team/{made['id']}/").status_code == 204
    assert not PoolAccess.objects.filter(user__username="xiaoli").exists()


def test_the_last_administrator_is_refused_with_a_code(api, staff):
    access = PoolAccess.objects.get(user=staff["admin"])
    answer = api("admin").delete(f"/api/team/{access.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (422, "last_admin")
