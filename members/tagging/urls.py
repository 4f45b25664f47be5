from django.urls import path

from members.tagging import views

app_name = "tags"
urlpatterns = [
    path("", views.tag_list, name="list"),
    path("report/", views.report, name="report"),
    path("groups/new/", views.group_edit, name="group_new"),
    path("groups/<int:pk>/", views.group_edit, name="group_edit"),
    path("groups/<int:pk>/delete/", views.group_delete, name="group_delete"),
    path("groups/<int:group_pk>/new/", views.tag_edit, name="new"),
    path("groups/<int:group_pk>/<int:pk>/", views.tag_edit, name="edit"),
    path("merges/<int:pk>/undo/", views.merge_undo, name="merge_undo"),
    path("<int:pk>/", views.tag_detail, name="detail"),
    path("<int:pk>/changes/", views.tag_changes, name="changes"),
    path("<int:pk>/merge/", views.tag_merge, name="merge"),
    path("<int:pk>/delete/", views.tag_delete, name="delete"),
]
