from django.urls import path

from segmentation.recalculation import views

app_name = "models"
urlpatterns = [
    path("", views.settings, name="settings"),
    path("preview/", views.preview, name="preview"),
    path("save/", views.save, name="save"),
    path("run/", views.run, name="run"),
]
