"""The whole API in one place: each app's `api.routes`, the schema and its reader's page."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

import campaigns.api
import insights.api
import loyalty.api
import members.api
import members.attributes.api
import members.bulk.api
import members.care.api
import members.communities.api
import members.list_api
import members.merging.api
import members.oneid.api
import members.ownership.api
import members.pools.api
import members.privacy.api
import members.quality.api
import members.stores.api
import members.team.api
import members.tracking.api
import scrm.jobs.api
import scrm.staff.endpoints
import segmentation.api
import touchpoints.api
from scrm.docs_page import api_docs

router = SimpleRouter()
for part in (
    scrm.staff.endpoints,
    scrm.jobs.api,
    members.attributes.api,
    members.pools.api,
    members.merging.api,
    members.quality.api,
    members.team.api,
    members.ownership.api,
    members.communities.api,
    members.stores.api,
    members.care.api,
    members.tracking.api,
    members.oneid.api,
    members.bulk.api,
    members.list_api,
    members.api,
    members.privacy.api,
    touchpoints.api,
    loyalty.api,
    segmentation.api,
    campaigns.api,
    insights.api,
):
    part.routes(router)

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", api_docs, name="api-docs"),
    *router.urls,
]
