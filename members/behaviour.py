"""How behaviour reads: what each kind of event is called, and the part of its properties worth showing."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

KINDS: dict[str, tuple[str | Promise, str]] = {
    "view": (gettext_lazy("浏览"), "eye"),
    "search": (gettext_lazy("搜索"), "search"),
    "click": (gettext_lazy("点击"), "click"),
    "stay": (gettext_lazy("停留"), "clock"),
    "add_to_cart": (gettext_lazy("加入购物车"), "shopping-cart-plus"),
    "favourite": (gettext_lazy("收藏"), "heart"),
    "share": (gettext_lazy("分享"), "share"),
    "sign_in": (gettext_lazy("签到"), "calendar-check"),
    "message_open": (gettext_lazy("打开消息"), "mail-opened"),
}
# Said by the script about every event, and of use to programs only.
_SILENT = {"site", "referrer"}
_FIRST = ("words", "name", "text", "title", "path", "href")
SHOWN = 4


def name_of(kind: str) -> str:
    """The kind in words; a kind nobody declared by its code."""
    return str(KINDS[kind][0]) if kind in KINDS else kind


def icon_of(kind: str) -> str:
    return KINDS[kind][1] if kind in KINDS else "click"


def about(properties: Mapping[str, Any]) -> str:
    """What was looked for, read or clicked, in a line; other properties with their names."""
    said = {key: value for key, value in properties.items() if key not in _SILENT and value not in ("", None)}
    seconds = said.pop("seconds", None)
    plain = [str(said.pop(key)) for key in _FIRST if key in said]
    parts = [*plain, *([_("%(n)s 秒") % {"n": seconds}] if seconds is not None else [])]
    return " · ".join([*parts, *(f"{key}: {value}" for key, value in said.items())][:SHOWN])
