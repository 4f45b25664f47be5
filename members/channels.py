"""The channels there are: a fixed list, kept in step with the database by each `migrate`."""

from typing import Any

from django.apps import apps as registry

CHANNELS = [
    (1, "pos", "门店", "Store"),
    (2, "wecom", "企业微信", "WeCom"),
    (3, "mini_program", "小程序", "Mini program"),
    (4, "official_account", "公众号", "Official account"),
    (5, "app", "App", "App"),
    (6, "tmall", "天猫", "Tmall"),
    (7, "jd", "京东", "JD"),
    (8, "meituan", "美团", "Meituan"),
    (9, "eleme", "饿了么", "Ele.me"),
    (10, "douyin", "抖音", "Douyin"),
    (11, "dealer", "经销商", "Dealer"),
    (12, "alliance", "异业合作", "Alliance"),
    (13, "web", "官网", "Website"),
    (14, "referral", "会员推荐", "Referral"),
    (15, "other", "其他", "Other"),
]


def keep(using: str, apps: Any = registry, **_kwargs: Any) -> None:
    """Write the list after a migration or a flush; `apps` knows the tables as they are then."""
    try:
        Channel = apps.get_model("members", "Channel")
    except LookupError:  # migrated back to before the table
        return
    rows = [Channel(id=number, code=code, name=name, name_en=english) for number, code, name, english in CHANNELS]
    Channel.objects.using(using).bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=["code", "name", "name_en"]
    )
