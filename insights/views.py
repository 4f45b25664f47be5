from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from insights import catalog, todo
from insights.catalog import Reading
from insights.charts.links import members
from insights.period import Period, asked
from scrm.lib import clock
from scrm.staff.access import allow

HOME = ("members", "gmv", "buyers", "repurchase_rate")
BOARD = ("members", "joined", "gmv", "buyers", "aov", "repurchase_rate", "sent", "click_rate")


@require_GET
@allow("insights.view")
def home(request: HttpRequest) -> HttpResponse:
    """The workbench: how the pool stands today and what waits for somebody."""
    now = clock.now()
    period = asked(request, now)
    context = {"tiles": tiles(HOME, period), "todo": todo.waiting(request, now), **_said(period, now)}
    return render(request, "insights/home.html", context)


@require_GET
@allow("insights.view")
def dashboard(request: HttpRequest) -> HttpResponse:
    """All figures of a period with their charts."""
    now = clock.now()
    period = asked(request, now)
    return render(request, "insights/dashboard.html", {"tiles": tiles(BOARD, period), **_said(period, now)})


def tiles(keys: tuple[str, ...], period: Period) -> list[dict[str, Any]]:
    """Metrics as tiles: printed by unit, with their change and the members behind them."""
    return [_tile(catalog.read(key, period)) for key in keys]


def _tile(reading: Reading) -> dict[str, Any]:
    return {
        "reading": reading,
        "metric": reading.metric,
        "url": members(reading.behind) if reading.behind else "",
        "as_points": reading.metric.unit == "ratio",
    }


def _said(period: Period, now: datetime) -> dict[str, Any]:
    return {"period": period, "query": period.query, "as_of": now, "days": period.preset or ""}
