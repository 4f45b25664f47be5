from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    label = "campaigns"

    def ready(self) -> None:
        from campaigns import behind, charts, facts, forgetting, merged, offers, placeholders, shown  # noqa: F401  (they announce themselves)
        from campaigns import tagged as named  # noqa: F401  (where tags are named)
