from django.urls import include, path, re_path

from members.bulk import views as bulk
from members.views import exports, listing, profile, saved

app_name = "members"
urlpatterns = [
    path("", include("members.merging.urls")),
    path("members/", listing.member_list, name="list"),
    path("members/count/", listing.count, name="count"),
    path("members/filters/", listing.panel, name="filters"),
    path("members/columns/", listing.layout, name="columns"),
    path("members/search/", listing.find, name="search"),
    path("members/bulk/", bulk.bulk, name="bulk"),
    path("members/bulk/form/<slug:key>/", bulk.form, name="bulk_form"),
    path("members/bulk/<int:pk>/", bulk.progress, name="bulk_progress"),
    path("members/bulk/<int:pk>/undo/", bulk.undo, name="bulk_undo"),
    path("members/exports/", exports.exports, name="exports"),
    path("members/exports/<int:job_id>/", exports.download, name="download"),
    path("members/views/", saved.save, name="view_save"),
    path("members/views/<int:pk>/", saved.change, name="view_change"),
    path("members/views/<int:pk>/delete/", saved.delete, name="view_delete"),
    path("members/new/", profile.new, name="new"),
    path("members/<int:pk>/", profile.detail, name="detail"),
    path("members/<int:pk>/edit/", profile.edit, name="edit"),
    path("members/<int:pk>/tab/<slug:key>/", profile.tab, name="tab"),
    path("members/<int:pk>/timeline/", profile.moments, name="timeline"),
    path("members/<int:pk>/orders/", profile.orders, name="orders"),
    # The id of an order is a 64-bit hash and may be negative.
    re_path(r"^members/(?P<pk>\d+)/orders/(?P<order_id>-?\d+)/$", profile.order, name="order"),
    path("members/<int:pk>/panels/<slug:key>/", profile.panel, name="panel"),
    path("members/<int:pk>/consents/", profile.consent_tab, name="consents"),
    path("members/<int:pk>/consents/set/", profile.consent, name="consent"),
    path("members/<int:pk>/reveal/", profile.reveal, name="reveal"),
    path("members/<int:pk>/identities/new/", profile.identity_new, name="identity_new"),
    path("members/<int:pk>/identities/remove/", profile.identity_remove, name="identity_remove"),
    path("members/<int:pk>/tags/", profile.tag_menu, name="tag_menu"),
    path("members/<int:pk>/tags/set/", profile.tag, name="tag"),
]
