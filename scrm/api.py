"""The whole API in one place: each app's `api.routes`, the schema and its reader's page."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from scrm.docs_page import api_docs

router = SimpleRouter()
for app in ("scrm.staff", "scrm.jobs", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights"):
    module = f"{app}.{'endpoints' if app == 'scrm.staff' else 'api'}"
    if find_spec(module):
        import_module(module).routes(router)

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", api_docs, name="api-docs"),
    *router.urls,
]
