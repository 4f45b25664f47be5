from django.urls import include, path

from segmentation.segments.views import building, comparing, detail, history, hooks, listed, listing

pages = [
    path("", listing.segment_list, name="list"),
    path("new/", building.segment_new, name="new"),
    path("lists/new/", listed.list_new, name="list-new"),
    path("compare/", comparing.compare, name="compare"),
    path("combine/", comparing.combine, name="combine"),
    path("<int:pk>/", detail.segment_detail, name="detail"),
    path("<int:pk>/edit/", building.segment_edit, name="edit"),
    path("<int:pk>/refresh/", detail.segment_refresh, name="refresh"),
    path("<int:pk>/cancel/", detail.segment_cancel, name="cancel"),
    path("<int:pk>/archive/", detail.segment_archive, name="archive"),
    path("<int:pk>/freeze/", detail.segment_freeze, name="freeze"),
    path("<int:pk>/rename/", detail.segment_rename, name="rename"),
    path("<int:pk>/cadence/", detail.segment_cadence, name="cadence"),
    path("<int:pk>/export/", detail.segment_export, name="export"),
    path("<int:pk>/members/", listed.segment_listed, name="listed"),
    path("<int:pk>/history/", history.segment_history, name="history"),
    path("<int:pk>/versions/", history.segment_versions, name="versions"),
    path("<int:pk>/versions/<int:n>/restore/", history.segment_roll_back, name="roll-back"),
    path("<int:pk>/hooks/", hooks.segment_hooks, name="hooks"),
    path("<int:pk>/hooks/new/", hooks.hook_new, name="hook-new"),
    path("<int:pk>/hooks/<int:hook_id>/<slug:what>/", hooks.hook_act, name="hook-act"),
]
urlpatterns = [path("", include((pages, "segments")))]
