import json

import pytest

from scrm.jobs import services

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(pool):
    return services.enqueue(kind="loyalty.earn", pool_id=pool.pk)


@pytest.mark.parametrize("role", ["admin", "operator", "marketer", "analyst"])
def test_everyone_sees_the_jobs_of_the_pool(login, job, role):
    page = login(role).get("/p/demo/jobs/")
    assert page.status_code == 200
    assert "计算订单积分" in page.content.decode()


def test_jobs_of_another_pool_do_not_exist(login, other_pool):
    job = services.enqueue(kind="loyalty.earn", pool_id=other_pool.pk)
    client = login("admin")
    assert client.get(f"/p/demo/jobs/{job.pk}/").status_code == 404
    assert client.post(f"/p/demo/jobs/{job.pk}/cancel/").status_code == 404


def test_an_analyst_watches_but_does_not_stop_the_work_of_others(login, job):
    assert login("analyst").post(f"/p/demo/jobs/{job.pk}/cancel/").status_code == 403
    assert login("operator").post(f"/p/demo/jobs/{job.pk}/cancel/").status_code == 302
    job.refresh_from_db()
    assert job.status == "cancelled"


def test_a_card_says_when_its_job_is_over_so_that_the_page_is_asked_for_anew(login, job):
    client, url = login("operator"), f"/p/demo/jobs/{job.pk}/"
    waiting = client.get(url, headers={"HX-Request": "true"})
    assert "HX-Trigger" not in waiting.headers
    assert "hx-get" in waiting.content.decode()
    over = client.post(f"{url}cancel/", headers={"HX-Request": "true"})
    for answer in (over, client.get(url, headers={"HX-Request": "true"})):
        assert json.loads(answer.headers["HX-Trigger"]) == {"job-over": {"target": "body"}}
        assert "hx-get" not in answer.content.decode()
        assert "刷新页面" in answer.content.decode()


def test_a_page_shown_after_its_job_was_over_does_not_ask_again(login, job):
    services.ask(job=job, what="cancel", actor=None)
    page = login("operator").get("/p/demo/jobs/").content.decode()
    assert f'id="job-{job.pk}"' in page
    assert f'/p/demo/jobs/{job.pk}/"' not in page
    assert "刷新页面" not in page
