from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "scrm.jobs"
    label = "jobs"

    def ready(self) -> None:
        from scrm.jobs import bell  # noqa: F401  (listens for queued jobs)
