from django.urls import path

from members.communities import views

app_name = "communities"
urlpatterns = [
    path("", views.community_list, name="list"),
    path("new/", views.edit, name="new"),
    path("import/", views.upload, name="import"),
    path("template/<slug:key>/", views.template, name="template"),
    path("policy/", views.policy, name="policy"),
    path("measure/", views.measure, name="measure"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/edit/", views.edit, name="edit"),
    path("<int:pk>/dissolve/", views.dissolve, name="dissolve"),
    path("<int:pk>/see/", views.see, name="see"),
    path("<int:pk>/act/", views.act, name="act"),
]
