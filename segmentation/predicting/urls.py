from django.urls import path

from segmentation.predicting import views

app_name = "predicting"
urlpatterns = [
    path("", views.shelf, name="list"),
    path("<str:key>/", views.detail, name="detail"),
    path("<str:key>/switch/", views.switch, name="switch"),
    path("<str:key>/train/", views.train, name="train"),
    path("<str:key>/save/", views.save, name="save"),
    path("<str:key>/tag/", views.tag, name="tag"),
    path("<str:key>/untag/", views.untag, name="untag"),
    path("<str:key>/expand/", views.expand, name="expand"),
    path("<str:key>/name/", views.name_groups, name="name"),
]
