from django.apps import AppConfig


class ScrmConfig(AppConfig):
    """The project itself: its commands and the checks of its settings."""

    name = "scrm"
    label = "scrm"

    def ready(self) -> None:
        from scrm import celery, checks  # noqa: F401  (the app for shared tasks; the system checks)
