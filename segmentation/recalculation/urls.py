from django.urls import path

from segmentation.recalculation import views

app_name = "models"
urlpatterns = [
    path("", views.settings, name="settings"),
    path("preview/", views.preview, name="preview"),
    path("save/", views.save, name="save"),
    path("lifecycle/", views.lifecycle, name="lifecycle"),
    path("lifecycle/preview/", views.lifecycle_preview, name="lifecycle-preview"),
    path("lifecycle/save/", views.lifecycle_save, name="lifecycle-save"),
    path("moves/", views.moves, name="moves"),
    path("run/", views.run, name="run"),
]
