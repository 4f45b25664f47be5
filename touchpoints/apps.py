from django.apps import AppConfig


class TouchpointsConfig(AppConfig):
    name = "touchpoints"
    label = "touchpoints"

    def ready(self) -> None:
        from touchpoints import forgetting, merged, ringing, shown, workload  # noqa: F401  (they announce themselves)
