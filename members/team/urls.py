from django.urls import path

from members.team import views

app_name = "team"
urlpatterns = [
    path("", views.team, name="list"),
    path("<int:access_id>/", views.change, name="change"),
]
