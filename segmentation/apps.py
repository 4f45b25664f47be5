from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    name = "segmentation"
    label = "segmentation"

    def ready(self) -> None:
        from segmentation import forgetting, shown, work  # noqa: F401  (they announce themselves)
        from segmentation.portraits import charts as portrait_charts  # noqa: F401
        from segmentation.portraits import work as portrait_work  # noqa: F401
        from segmentation.predicting import declared as models_declared  # noqa: F401
        from segmentation.predicting import shown as models_shown  # noqa: F401
        from segmentation.recalculation import shown as recalculation  # noqa: F401  (after the schemes it counts)
        from segmentation.segments import bulk, charts, merged, usage  # noqa: F401
        from segmentation.segments import shown as segments_shown  # noqa: F401
        from segmentation.segments import work as segment_work  # noqa: F401
        from segmentation.segments.hooks import forgetting as notices_forgetting  # noqa: F401
        from segmentation.segments.hooks import owing  # noqa: F401
        from segmentation.standings import shown as standings  # noqa: F401
        from segmentation.tagging import following  # noqa: F401
        from segmentation.tagging import shown as tags_shown  # noqa: F401
        from segmentation.tagging import usage as tags_named  # noqa: F401
        from segmentation.tagging import work as tags_work  # noqa: F401
