from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    name = "loyalty"
    label = "loyalty"

    def ready(self) -> None:
        from loyalty import forgetting, on_the_member_page, reactions, work  # noqa: F401  (each announces itself)
