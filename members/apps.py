from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MembersConfig(AppConfig):
    name = "members"
    label = "members"

    def ready(self) -> None:
        from members import channels, history, merging, spend_chart  # noqa: F401  (each announces itself)

        post_migrate.connect(channels.keep, sender=self, dispatch_uid="members.channels")
        merging.declare()
        from members.attributes import listing as _own  # noqa: F401  (filters and columns)
        from members.attributes import work as _attributes  # noqa: F401  (declares its jobs)
        from members.bulk import work as _bulk  # noqa: F401
        from members.care import shown as _care  # noqa: F401
        from members.communities import charts as _drawn  # noqa: F401
        from members.communities import merged as _merged  # noqa: F401
        from members.communities import shown as _groups  # noqa: F401
        from members.communities import work as _files  # noqa: F401
        from members.edits import shown as _edits  # noqa: F401
        from members.habits import shown as _habits  # noqa: F401
        from members.importing import behind as _behind  # noqa: F401  (a filter of the list)
        from members.importing import work as _imports  # noqa: F401  (declares its jobs)
        from members.merging import work as _merges  # noqa: F401
        from members.oneid import shown as _oneid  # noqa: F401
        from members.oneid import work as _searches  # noqa: F401
        from members.ownership import shown as _owners  # noqa: F401
        from members.ownership import work as _ownership  # noqa: F401
        from members.privacy import declared as _privacy  # noqa: F401  (its tab, filter, jobs and decisions)
        from members.quality import behind, charts  # noqa: F401  (filters and charts announce themselves)
        from members.quality import work as _quality  # noqa: F401
        from members.stores import work as _stores  # noqa: F401
        from members.tagging import shown as _tags  # noqa: F401  (a chart and moments of the timeline)
        from members.tagging import work as _merging  # noqa: F401
