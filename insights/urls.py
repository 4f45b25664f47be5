from django.urls import path

from insights import pages, views

app_name = "insights"
urlpatterns = [
    path("", views.home, name="home"),
    path("dashboard/", views.dashboard, name="dashboard"),
    path("pool/", pages.pool, name="pool"),
    path("pools/", pages.every_pool, name="pools"),
]
