from django.urls import path, re_path

from scrm.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.job_list, name="list"),
    path("tray/", views.tray, name="tray"),
    path("<int:job_id>/", views.progress, name="progress"),
    re_path(r"^(?P<job_id>\d+)/(?P<what>pause|cancel|resume|retry)/$", views.steer, name="steer"),
]
