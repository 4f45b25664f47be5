from django.urls import include, path

from segmentation.portraits import views

pages = [
    path("", views.segment_portrait, name="detail"),
    path("download/", views.download, name="download"),
    path("refresh/", views.refresh, name="refresh"),
]
urlpatterns = [path("<int:pk>/portrait/", include((pages, "portraits")))]
