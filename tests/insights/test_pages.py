"""The workbench and the dashboard as their readers open them."""

import pytest

from scrm.lib.charts import CHARTS
from tests import factories

pytestmark = pytest.mark.django_db
ROLES = ["admin", "operator", "marketer", "analyst"]
OURS = [
    "trade_trend",
    "member_growth",
    "source_mix",
    "category_sales",
    "rfm_groups",
    "rfm_grid",
    "lifecycle_flow",
    "campaign_results",
    "cohorts",
    "ladder",
    "pool_sources",
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", ["/p/demo/", "/p/demo/dashboard/"])
def test_every_role_reads_the_pages(login, alice, role, page):
    answer = login(role).get(page)
    assert answer.status_code == 200
    assert "会员总数" in answer.content.decode()


def test_another_pools_dashboard_does_not_exist(login, other_pool):
    assert login("analyst").get("/p/other/dashboard/").status_code == 404
    assert login("analyst").get("/p/other/charts/rfm_groups.json").status_code == 404


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("form", ["json", "html", "csv", "xlsx"])
def test_each_chart_answers_in_each_form_with_and_without_data(login, alice, as_of, name, form):
    client = login("analyst")
    assert client.get(f"/p/demo/charts/{name}.{form}").status_code == 200
    factories.order(alice, "A-1", as_of, 9900)
    assert client.get(f"/p/demo/charts/{name}.{form}?days=90").status_code == 200


def test_no_chart_is_forgotten_by_these_tests():
    assert {name for name in CHARTS if CHARTS[name].build.__module__.startswith("insights.")} == set(OURS)


@pytest.mark.parametrize(
    "query", ["days=abc", "days=-1", "days=99999999", "since=x&until=y", "since=2026-05-01&until=2026-04-01"]
)
def test_nonsense_in_the_address_falls_back_to_thirty_days(login, alice, query):
    assert login("analyst").get(f"/p/demo/dashboard/?{query}").status_code == 200


def test_the_api_reads_the_same_catalogue(api, alice):
    found = api("analyst").get("/api/insights/metrics/").json()
    assert {row["key"]: row["value"] for row in found}["members"] == 1
    assert api("analyst").get("/api/insights/charts/ladder/").json()["columns"][1] == "会员"
    assert api("analyst").get("/api/insights/charts/nothing/").status_code == 404
