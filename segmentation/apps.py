from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    name = "segmentation"
    label = "segmentation"

    def ready(self) -> None:
        from segmentation import forgetting, shown, work  # noqa: F401  (they announce themselves)
        from segmentation.segments import bulk, charts, merged  # noqa: F401
