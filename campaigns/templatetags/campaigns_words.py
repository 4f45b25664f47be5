"""Filters of the campaign pages."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.translation import gettext as _

from campaigns.statistics import Estimate
from members.models import Pool
from scrm.lib.formats import full, money, percent, points

register = template.Library()
PRINT: dict[str, Any] = {
    "points": lambda value: points(value, 2),
    "percent": lambda value: ("+" if value > 0 else "") + percent(value, 1),
    "rate": lambda value: percent(value, 2),
    "money": lambda value: ("+" if value > 0 else "") + money(value),
    "count": lambda value: ("+" if value > 0 else "") + full(value),
    "times": lambda value: f"{value:.2f}",
}


@register.filter
def clock_of(moment: datetime, pool: Pool) -> str:
    """14:03 by the pool's clock."""
    return f"{moment.astimezone(pool.zone):%H:%M:%S}"


@register.filter
def middle(estimate: Estimate | None, kind: str) -> str:
    """The figure itself."""
    return PRINT[kind](estimate.value) if estimate is not None and estimate.is_known else "–"


@register.filter
def interval(estimate: Estimate | None, kind: str) -> str:
    """The interval: 0.12 至 1.30 个百分点."""
    if estimate is None or not estimate.is_known:
        return _("无法估计")
    low = f"{estimate.low * 100:+.2f}" if kind == "points" else PRINT[kind](estimate.low)
    return _("%(low)s 至 %(high)s") % {"low": low, "high": PRINT[kind](estimate.high)}


@register.filter
def points_plain(value: float) -> str:
    """A difference of rates without a sign: 2.20 个百分点."""
    return points(abs(value), 2).lstrip("+")
