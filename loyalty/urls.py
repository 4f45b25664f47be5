from django.urls import path

from loyalty import views

app_name = "points"
urlpatterns = [
    path("", views.rules, name="rules"),
    path("<int:member_id>/adjust/", views.adjust, name="adjust"),
]
