from django.urls import path

from members.merging import views

urlpatterns = [
    path("members/merges/", views.merge_list, name="merges"),
    path("members/merges/apart/", views.apart_list, name="apart"),
    path("members/merges/apart/<int:pk>/end/", views.apart_end, name="apart_end"),
    path("members/merges/<int:pk>/", views.merge_detail, name="merge_detail"),
    path("members/merges/<int:pk>/undo/", views.merge_undo, name="merge_undo"),
    path("members/merge/", views.merge_two, name="merge_two"),
    path("members/<int:pk>/merge/", views.merge, name="merge"),
    path("members/<int:pk>/apart/", views.apart_new, name="apart_new"),
]
