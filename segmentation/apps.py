from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    name = "segmentation"
    label = "segmentation"

    def ready(self) -> None:
        from segmentation import work  # noqa: F401  (declares this app's jobs)
