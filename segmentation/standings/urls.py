from django.urls import path

from segmentation.standings import views

app_name = "standings"
urlpatterns = [
    path("", views.scheme_list, name="list"),
    path("new/", views.new, name="new"),
    path("preview/", views.preview, name="preview"),
    path("runs/", views.runs, name="runs"),
    path("runs/again/", views.run_all, name="run-all"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/edit/", views.edit, name="edit"),
    path("<int:pk>/archive/", views.archive, name="archive"),
    path("<int:pk>/run/", views.run, name="run"),
]
