from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

app_name = "members"
urlpatterns: list[URLPattern | URLResolver] = []
if find_spec("members.importing") and find_spec("members.importing.urls"):
    urlpatterns.append(path("imports/", include("members.importing.urls")))
