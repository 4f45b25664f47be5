from django.urls import path

from campaigns import acts, pages, wizard

app_name = "campaigns"
urlpatterns = [
    path("", pages.index, name="list"),
    path("new/", wizard.gallery, name="new"),
    path("new/<slug:key>/", wizard.start, name="start"),
    path("<int:pk>/", pages.detail, name="detail"),
    path("<int:pk>/edit/", wizard.edit, name="edit"),
    path("<int:pk>/edit/<slug:step>/", wizard.edit, name="step"),
    path("<int:pk>/layers/add/", wizard.add_layer, name="add_layer"),
    path("<int:pk>/layers/<int:layer>/", wizard.save_layer, name="layer"),
    path("<int:pk>/layers/<int:layer>/remove/", wizard.remove_layer, name="remove_layer"),
    path("<int:pk>/layers/<int:layer>/move/<slug:way>/", wizard.move_layer, name="move_layer"),
    path("<int:pk>/dry-run/", pages.dry_run, name="dry_run"),
    path("<int:pk>/dry-run/members/", pages.dry_run_members, name="dry_run_members"),
    path("<int:pk>/monitor/", pages.monitor, name="monitor"),
    path("<int:pk>/results/", pages.results, name="results"),
    path("<int:pk>/launch/", acts.launch, name="launch"),
    path("<int:pk>/pause/", acts.pause, name="pause"),
    path("<int:pk>/resume/", acts.resume, name="resume"),
    path("<int:pk>/cancel/", acts.cancel, name="cancel"),
    path("<int:pk>/reopen/", acts.reopen, name="reopen"),
    path("<int:pk>/clone/", acts.clone, name="clone"),
    path("<int:pk>/discard/", acts.discard, name="discard"),
    path("<int:pk>/retry/", acts.retry, name="retry"),
]
