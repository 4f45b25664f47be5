"""What surrounds every page: navigation, pools, theme, tasks and the command palette."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.access import PREFIX
from scrm.lib.toasts import as_data
from scrm.lib.ui import maybe_url
from scrm.staff import permissions

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class Item:
    """One entry of the navigation; `key` is pressed after G to jump there."""

    label: str | Promise
    icon: str
    page: str
    permission: str = ""
    key: str = ""
    url: str = ""
    current: bool = False


@dataclass(frozen=True)
class Group:
    """Entries under one heading."""

    label: str | Promise
    items: tuple[Item, ...]


NAV = (
    Group("", (Item(_("工作台"), "layout-dashboard", "insights:home", "insights.view", "h"),)),
    Group(
        _("客户"),
        (
            Item(_("会员池"), "chart-donut", "insights:pool", "insights.view", "z"),
            Item(_("会员"), "users", "members:list", "members.view", "m"),
            Item(_("跟进任务"), "checklist", "care:list", "members.view", "y"),
            Item(_("客户分群"), "filter-cog", "segments:list", "segments.view", "s"),
            Item(_("标签"), "tags", "tags:list", "members.view", "e"),
            Item(_("社群"), "messages", "communities:list", "communities.view", "g"),
            Item(_("导入中心"), "file-import", "imports:list", "imports.view", "i"),
            Item(_("数据质量"), "heart-rate-monitor", "quality:overview", "insights.view", "q"),
            Item(_("身份识别"), "fingerprint", "oneid:list", "members.merge", "x"),
            Item(_("身份合并"), "arrow-merge", "members:merges", "members.merge", "d"),
        ),
    ),
    Group(
        _("门店与员工"),
        (
            Item(_("员工"), "user-heart", "ownership:staff", "owners.view", "v"),
            Item(pgettext_lazy("many", "门店"), "building-store", "stores:list", "stores.view"),
            Item(_("会员移交"), "transfer", "ownership:handovers", "owners.view"),
        ),
    ),
    Group(
        _("运营"),
        (
            Item(_("活动"), "send", "campaigns:list", "campaigns.view", "c"),
            Item(_("触点连接器"), "plug-connected", "connectors:list", "connectors.view", "t"),
            Item(_("触达策略"), "shield-check", "reach:policy", "connectors.view", "p"),
            Item(_("授权管理"), "rubber-stamp", "privacy:consents", "members.view", "n"),
            Item(_("收件箱"), "mailbox", "inbox:list", "inbox.view", "b"),
            Item(_("积分"), "coin", "points:rules", "points.view", "l"),
        ),
    ),
    Group(
        _("分析"),
        (
            Item(_("数据看板"), "chart-bar", "insights:dashboard", "insights.view", "o"),
            Item(_("RFM 与生命周期"), "chart-treemap", "models:settings", "segments.view", "r"),
            Item(_("预测模型"), "chart-dots-3", "predicting:list", "segments.view"),
            Item(_("状态模型"), "stairs", "standings:list", "segments.view"),
            Item(_("后台任务"), "progress-down", "jobs:list", "jobs.view", "j"),
        ),
    ),
    Group(
        _("设置"),
        (
            Item(_("会员池设置"), "building-store", "pools:edit", "pools.edit"),
            Item(_("自定义字段"), "forms", "attributes:list", "members.view", "f"),
            Item(_("成员与角色"), "users-group", "team:list", "staff.manage", "u"),
            Item(_("网站追踪"), "world-www", "sites:list", "sites.view", "w"),
            Item(_("审计日志"), "history", "staff:audit", "audit.view", "a"),
            Item(_("隐私与安全"), "shield-lock", "privacy:safety", "privacy.view"),
            Item(_("API 密钥"), "key", "staff:tokens", "tokens.own", "k"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[Group]:
    """The entries this role may open; a page that does not exist is left out."""
    if getattr(request, "pool", None) is None:
        return []
    found = [Group(group.label, tuple(_reachable(request, group.items))) for group in NAV]
    return _mark_current([group for group in found if group.items], request.path)


def _reachable(request: HttpRequest, items: Iterable[Item]) -> list[Item]:
    placed = [replace(item, url=maybe_url(item.page)) for item in items if may(request, item.permission)]
    return [item for item in placed if item.url]


def may(request: HttpRequest, permission: str) -> bool:
    """Whether the role held in this pool includes a permission."""
    return not permission or permissions.may(getattr(request, "role", None), permission)


def _mark_current(groups: list[Group], path: str) -> list[Group]:
    """The entry whose address is the longest beginning of this page's."""
    urls = [item.url for group in groups for item in group.items if path.startswith(item.url)]
    here = max(urls, key=len, default="")
    return [Group(group.label, tuple(replace(item, current=item.url == here) for item in group.items)) for group in groups]


def _pools(request: HttpRequest) -> list[dict[str, Any]]:
    here = getattr(request, "pool", None)
    found = getattr(request, "pools", ())
    return [
        {"name": pool.name, "slug": pool.slug, "color": pool.color, "url": f"{PREFIX}{pool.slug}/", "current": pool == here}
        for pool in found
    ]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context for base.html; each part is worked out only when a template reads it."""
    theme = request.COOKIES.get("theme", "auto")
    return {
        "nav": SimpleLazyObject(lambda: navigation(request)),
        "pools": SimpleLazyObject(lambda: _pools(request)),
        "pool": getattr(request, "pool", None),
        "role_label": permissions.Role(request.role).label if getattr(request, "role", None) else "",
        "may": permissions.granted(getattr(request, "role", None)),
        "theme": theme if theme in THEMES else "auto",
        "nav_collapsed": request.COOKIES.get("nav") == "mini",
        "dense": request.COOKIES.get("rows") == "dense",
        "toasts": SimpleLazyObject(lambda: [as_data(message) for message in get_messages(request)]),
        "tray_url": SimpleLazyObject(lambda: maybe_url("jobs:tray") if getattr(request, "pool", None) else ""),
        "tasks_url": SimpleLazyObject(lambda: maybe_url("jobs:list") if getattr(request, "pool", None) else ""),
        "find_url": SimpleLazyObject(lambda: maybe_url("members:search") if may(request, "members.view") else ""),
    }
