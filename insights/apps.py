from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "insights"
    label = "insights"

    def ready(self) -> None:
        from insights import behind, charts, forgetting  # noqa: F401  (filters and charts announce themselves)
