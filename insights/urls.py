from django.urls import path

from insights import views

app_name = "insights"
urlpatterns = [
    path("", views.home, name="home"),
    path("dashboard/", views.dashboard, name="dashboard"),
    path("pool/", views.pool, name="pool"),
    path("pool/known/", views.pool_known, name="pool_known"),
    path("pools/", views.every_pool, name="pools"),
]
