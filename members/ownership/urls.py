from django.urls import path

from members.ownership.views import handovers, staff

app_name = "ownership"
urlpatterns = [
    path("staff/", staff.staff_list, name="staff"),
    path("staff/new/", staff.staff_new, name="staff_new"),
    path("staff/rule/", staff.rule, name="rule"),
    path("staff/<int:user_id>/", staff.staff_edit, name="staff_edit"),
    path("staff/<int:user_id>/leave/", staff.staff_leave, name="staff_leave"),
    path("staff/<int:user_id>/back/", staff.staff_back, name="staff_back"),
    path("handovers/", handovers.handover_list, name="handovers"),
    path("handovers/new/", handovers.handover_new, name="handover_new"),
    path("handovers/preview/", handovers.handover_preview, name="handover_preview"),
    path("handovers/<int:pk>/", handovers.handover, name="handover"),
    path("handovers/<int:pk>/undo/", handovers.handover_undo, name="handover_undo"),
    path("owners/import/", handovers.owners_import, name="import"),
    path("owners/<int:pk>/", handovers.give, name="give"),
]
