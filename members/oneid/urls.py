from django.urls import path

from members.oneid import views

app_name = "oneid"
urlpatterns = [
    path("", views.review_list, name="list"),
    path("decide/", views.decide, name="decide"),
    path("reviews/<int:pk>/", views.review, name="review"),
    path("reviews/<int:pk>/reopen/", views.reopen, name="reopen"),
    path("guard/", views.guard, name="guard"),
    path("guard/staff/", views.staff, name="guard_staff"),
    path("guard/<int:pk>/", views.guarded, name="guarded"),
    path("guard/<int:pk>/allow/", views.allow_value, name="allow"),
    path("searches/", views.searches, name="searches"),
    path("searches/<int:pk>/", views.found, name="found"),
    path("searches/<int:pk>/table/", views.table, name="table"),
    path("searches/<int:pk>/queue/", views.queue, name="queue"),
    path("rates/", views.rates, name="rates"),
    path("rates/table/", views.rates_table, name="rates_table"),
    path("rules/", views.rules, name="rules"),
]
