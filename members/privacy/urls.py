from django.urls import path

from members.privacy.views import consents, safety
from members.views import exports

app_name = "privacy"
urlpatterns = [
    path("", safety.safety, name="safety"),
    path("access/", safety.access, name="access"),
    path("reseal/", safety.reseal, name="reseal"),
    path("unlock/<int:pk>/", safety.unlock, name="unlock"),
    path("erasures/", safety.erasures, name="erasures"),
    path("erasures/lift/", safety.lift, name="lift"),
    path("erasures/<int:pk>/", safety.certificate, name="certificate"),
    path("members/<int:pk>/erase/", safety.erase, name="erase"),
    path("exports/new/", exports.new, name="export_new"),
    path("exports/approvals/", exports.approvals, name="approvals"),
    path("exports/<int:pk>/decide/", exports.decide, name="decide"),
    path("exports/<int:pk>/cancel/", exports.cancel, name="cancel"),
    path("members/<int:pk>/export/", exports.person, name="person"),
    path("consents/", consents.overview, name="consents"),
    path("consents/wordings/", consents.wordings, name="wordings"),
]
