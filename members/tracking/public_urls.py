"""Outside every pool: what pages of other origins load and send."""

from django.urls import path

from members.tracking import public

app_name = "sites_public"
urlpatterns = [
    path("track.js", public.script, name="script"),
    path("<str:key>/events", public.collect, name="collect"),
    path("<str:key>/identify", public.identify, name="identify"),
]
