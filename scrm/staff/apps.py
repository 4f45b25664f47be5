from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "scrm.staff"
    label = "staff"

    def ready(self) -> None:
        from scrm.staff import schema  # noqa: F401  (it announces itself)
