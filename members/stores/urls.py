from django.urls import path

from members.stores import views

app_name = "stores"
urlpatterns = [
    path("", views.store_list, name="list"),
    path("new/", views.store_edit, name="new"),
    path("import/", views.store_import, name="import"),
    path("template.csv", views.template, name="template"),
    path("notice/", views.notice, name="notice"),
    path("homes/", views.homes, name="homes"),
    path("<int:pk>/", views.store_edit, name="edit"),
    path("<int:pk>/register/", views.store_register, name="register"),
    path("<int:pk>/close/", views.store_close, name="close"),
]
