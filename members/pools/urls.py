from django.urls import path

from members.pools import views

app_name = "pools"
urlpatterns = [
    path("", views.edit, name="edit"),
    path("new/", views.new, name="new"),
    path("targets/", views.targets, name="targets"),
    path("archive/", views.archive, name="archive"),
    path("restore/<int:pk>/", views.restore, name="restore"),
]
