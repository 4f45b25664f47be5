from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    name = "segmentation"
    label = "segmentation"

    def ready(self) -> None:
        from segmentation import bulk, charts, forgetting, merged, shown, work  # noqa: F401  (they announce themselves)
