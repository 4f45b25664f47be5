"""Every address. Pages of a pool are mounted under /p/<slug>/ by members.access.PoolMiddleware."""

from importlib.util import find_spec

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from scrm.charts import chart
from scrm.health import livez, readyz
from scrm.staff.views import SignIn, set_language


def _mounted(address: str, module: str) -> list[URLPattern | URLResolver]:
    return [path(address, include(module))] if find_spec(module) else []


urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", livez),
    path("readyz", readyz),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(next_page="/login/"), name="logout"),
    path("i18n/", set_language, name="set_language"),
    path("charts/<slug:name>.<slug:form>", chart, name="chart"),
    path("jobs/", include("scrm.jobs.urls")),
    path("settings/", include("scrm.staff.urls")),
    path("settings/team/", include("members.team.urls")),
    *_mounted("imports/", "members.importing.urls"),
    *_mounted("", "members.urls"),
    *_mounted("", "touchpoints.urls"),
    *_mounted("points/", "loyalty.urls"),
    *_mounted("segments/", "segmentation.urls"),
    *_mounted("campaigns/", "campaigns.urls"),
    *_mounted("", "insights.urls"),
    path("api/", include("scrm.api")),
]
handler403 = "scrm.staff.views.refused"
