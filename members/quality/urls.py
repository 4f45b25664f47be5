from django.urls import path, re_path

from members.quality import views

app_name = "quality"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("count/", views.recount, name="count"),
    re_path(r"^(?P<source>-?\d{1,4})/$", views.source, name="source"),
]
