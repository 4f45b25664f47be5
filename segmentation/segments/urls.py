from django.urls import include, path

from segmentation.segments import views

pages = [
    path("", views.segment_list, name="list"),
    path("new/", views.segment_new, name="new"),
    path("lists/new/", views.list_new, name="list-new"),
    path("<int:pk>/", views.segment_detail, name="detail"),
    path("<int:pk>/edit/", views.segment_edit, name="edit"),
    path("<int:pk>/refresh/", views.segment_refresh, name="refresh"),
    path("<int:pk>/archive/", views.segment_archive, name="archive"),
    path("<int:pk>/freeze/", views.segment_freeze, name="freeze"),
    path("<int:pk>/export/", views.segment_export, name="export"),
]
urlpatterns = [path("", include((pages, "segments")))]
