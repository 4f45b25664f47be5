"""Every address. Pages of a pool are mounted under /p/<slug>/ by members.access.PoolMiddleware."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from scrm.charts import chart
from scrm.health import livez, readyz
from scrm.staff.views import SignIn, set_language

urlpatterns = [
    path("livez", livez),
    path("readyz", readyz),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(next_page="/login/"), name="logout"),
    path("i18n/", set_language, name="set_language"),
    path("charts/<slug:name>.<slug:form>", chart, name="chart"),
    path("jobs/", include("scrm.jobs.urls")),
    path("settings/", include("scrm.staff.urls")),
    path("settings/team/", include("members.team.urls")),
    path("settings/fields/", include("members.attributes.urls")),
    path("settings/pool/", include("members.pools.urls")),
    path("quality/", include("members.quality.urls")),
    path("settings/sites/", include("members.tracking.urls")),
    path("c/", include("members.tracking.public_urls")),
    path("imports/", include("members.importing.urls")),
    path("stores/", include("members.stores.urls")),
    path("communities/", include("members.communities.urls")),
    path("", include("members.ownership.urls")),
    path("oneid/", include("members.oneid.urls")),
    path("privacy/", include("members.privacy.urls")),
    path("tags/", include("members.tagging.urls")),
    path("", include("members.care.urls")),
    path("", include("members.urls")),
    path("", include("touchpoints.urls")),
    path("points/", include("loyalty.urls")),
    path("segments/", include("segmentation.urls")),
    path("tags/", include("segmentation.tagging.urls")),
    path("campaigns/", include("campaigns.urls")),
    path("", include("insights.urls")),
    path("api/", include("scrm.api")),
]
handler403 = "scrm.staff.views.refused"
