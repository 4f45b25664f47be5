from django.urls import path

from members.attributes import views

app_name = "attributes"
urlpatterns = [
    path("", views.field_list, name="list"),
    path("filled/", views.filled, name="filled"),
    path("new/", views.edit, name="new"),
    path("<int:pk>/", views.edit, name="edit"),
    path("<int:pk>/values/", views.distribution, name="distribution"),
    path("<int:pk>/move/", views.move, name="move"),
    path("<int:pk>/archive/", views.archive, name="archive"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
