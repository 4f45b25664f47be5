from django.urls import include, path

from touchpoints import public, views

connectors = [
    path("", views.connector_list, name="list"),
    path("new/<slug:key>/", views.connector_new, name="new"),
    path("<int:pk>/", views.connector_detail, name="detail"),
    path("<int:pk>/edit/", views.connector_edit, name="edit"),
    path("<int:pk>/test/", views.connector_test, name="test"),
    path("<int:pk>/send-test/", views.connector_send_test, name="send_test"),
    path("<int:pk>/switch/", views.connector_switch, name="switch"),
]
inbox = [
    path("", views.inbox_list, name="list"),
    path("<str:name>/", views.inbox_message, name="message"),
]
reach = [
    path("policy/", views.policy_page, name="policy"),
    path("members/<int:pk>/try/", views.try_content, name="try"),
    path("blocks/<int:member_id>/<slug:carrier>/lift/", views.block_lift, name="lift"),
]

urlpatterns = [
    path("connectors/", include((connectors, "connectors"))),
    path("inbox/", include((inbox, "inbox"))),
    path("reach/", include((reach, "reach"))),
    # Public: no login, no pool in the address; what they are about stands in a signed token.
    path("t/o/<str:token>.gif", public.open_pixel),
    path("t/c/<str:token>", public.follow),
    path("t/u/<str:token>", public.unsubscribe),
    path("hooks/<int:pk>", public.take_receipts),
    path("hooks/catch/<str:token>", public.catch),
]
