from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MembersConfig(AppConfig):
    name = "members"
    label = "members"

    def ready(self) -> None:
        from members import channels, merging

        post_migrate.connect(channels.keep, sender=self, dispatch_uid="members.channels")
        merging.declare()
        from members.importing import work  # noqa: F401  (declares its jobs)
