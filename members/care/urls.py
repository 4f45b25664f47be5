from django.urls import path

from members.care import views

app_name = "care"
urlpatterns = [
    path("tasks/", views.task_list, name="list"),
    path("tasks/<int:number>/", views.task_steer, name="task"),
    path("members/<int:pk>/notes/new/", views.note_new, name="note_new"),
    path("members/<int:pk>/notes/<int:number>/", views.note_change, name="note"),
    path("members/<int:pk>/tasks/new/", views.task_new, name="task_new"),
]
