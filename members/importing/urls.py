from django.urls import path, re_path

from members.importing import views

app_name = "imports"
urlpatterns = [
    path("", views.import_list, name="list"),
    path("new/", views.new, name="new"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/map/", views.map_columns, name="map"),
    path("<int:pk>/reread/", views.reread, name="reread"),
    path("<int:pk>/check/", views.check, name="check"),
    path("<int:pk>/start/", views.start, name="start"),
    path("<int:pk>/progress/", views.progress, name="progress"),
    re_path(r"^(?P<pk>\d+)/(?P<what>pause|resume|cancel|retry)/$", views.steer, name="steer"),
    path("<int:pk>/rejects.csv", views.rejects_csv, name="rejects"),
]
