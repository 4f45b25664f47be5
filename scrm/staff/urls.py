from django.urls import path

from scrm.staff import pages

app_name = "staff"
urlpatterns = [
    path("audit/", pages.trail, name="audit"),
    path("tokens/", pages.token_list, name="tokens"),
    path("tokens/<int:token_id>/revoke/", pages.token_revoke, name="revoke"),
]
