from django.urls import include, path

urlpatterns = [
    path("models/", include("segmentation.recalculation.urls")),
    path("predictions/", include("segmentation.predicting.urls")),
    path("standings/", include("segmentation.standings.urls")),
    path("", include("segmentation.portraits.urls")),
    path("", include("segmentation.segments.urls")),
]
