from django.urls import path, re_path

from members.importing import views

app_name = "imports"
urlpatterns = [
    path("", views.import_list, name="list"),
    path("new/", views.new, name="new"),
    path("mappings/", views.mapping_list, name="mappings"),
    path("mappings/<int:pk>/rename/", views.rename_mapping, name="rename_mapping"),
    path("mappings/<int:pk>/forget/", views.forget_mapping, name="forget_mapping"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/map/", views.map_columns, name="map"),
    path("<int:pk>/reread/", views.reread, name="reread"),
    path("<int:pk>/read-as/", views.read_as, name="read_as"),
    path("<int:pk>/keep/", views.keep_mapping, name="keep"),
    path("<int:pk>/check/", views.check, name="check"),
    path("<int:pk>/start/", views.start, name="start"),
    path("<int:pk>/revert/", views.take_back, name="revert"),
    path("<int:pk>/progress/", views.progress, name="progress"),
    re_path(r"^(?P<pk>\d+)/(?P<what>pause|resume|cancel|retry)/$", views.steer, name="steer"),
    path("<int:pk>/rejects.csv", views.rejects_csv, name="rejects"),
]
