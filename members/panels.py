"""Tabs of a member's page. Upper apps bring their own and stay unknown here.

    panels.register("points", label=_("积分"), template="loyalty/panel.html", context=panel, permission="points.view")

`context(request, member)` is called only when the tab is opened; `count(member)` may put a number on it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from members.models import Member
from scrm.lib.registry import Registry
from scrm.staff.permissions import may


@dataclass(frozen=True)
class Panel:
    key: str
    label: Any  # lazy text
    template: str
    context: Callable[[HttpRequest, Member], dict[str, Any]]
    permission: str
    icon: str
    order: int


panels: Registry[Panel] = Registry("member panel")


def register(
    key: str,
    *,
    label: Any,
    template: str,
    context: Callable[[HttpRequest, Member], dict[str, Any]],
    permission: str = "members.view",
    icon: str = "",
    order: int = 50,
) -> None:
    """Declare a tab."""
    panels.register(key)(Panel(key, label, template, context, permission, icon, order))


def shown(role: str | None) -> list[Panel]:
    """The tabs a role may open, in order."""
    return sorted((panel for _, panel in panels.items() if may(role, panel.permission)), key=lambda panel: panel.order)
