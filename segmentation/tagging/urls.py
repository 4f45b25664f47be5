from django.urls import path

from segmentation.tagging import views

app_name = "tagrules"
urlpatterns = [
    path("rules/new/", views.rule_new, name="new"),
    path("rules/segment/", views.by_segment, name="by_segment"),
    path("rules/<int:pk>/", views.rule_edit, name="edit"),
    path("rules/<int:pk>/<slug:what>/", views.rule_act, name="act"),
    path("gallery/", views.gallery, name="gallery"),
    path("gallery/<slug:key>/", views.recipe, name="recipe"),
    path("gallery/<slug:key>/install/", views.install, name="install"),
]
