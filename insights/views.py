from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from insights import catalog, queries, todo
from insights import pool as pools
from insights.catalog import Reading
from insights.charts.links import members
from insights.period import Period, asked
from members.access import PREFIX
from members.models import Channel, Pool
from members.pools.queries import archived_of
from scrm.lib import clock
from scrm.lib.formats import in_currency, money_compact
from scrm.staff.access import allow
from scrm.staff.permissions import may

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


# -- One pool, and all of them --------------------------------------------------------------------
HOURLY = timedelta(hours=1)
FIRST = 4


@require_GET
@allow("insights.view")
def pool(request: HttpRequest) -> HttpResponse:
    """How the pool stands: totals, sources, identities, targets, imports, what waits for a decision."""
    now, here = clock.now(), request.pool
    period, stands = asked(request, now), pools.standing(here, now)
    context = {
        "stands": stands,
        "tiles": _tiles(stands, now.astimezone(here.zone).date()),
        "sources": pools.sources(period, stands),
        "aims": pools.aims(here, stands, now),
        "aim_labels": {"members": _("会员总数"), "active": _("活跃会员"), "revenue": _("本月成交额")},
        "imports": pools.latest_imports(here),
        "reviews": pools.open_reviews(here) if may(request.role, "members.merge") else None,
        "period": period,
        "query": period.query,
        "days": period.preset or "",
    }
    return render(request, "insights/pool.html", context)


@require_GET
@allow("insights.view")
def pool_known(request: HttpRequest) -> HttpResponse:
    """Who is reachable and known how: fetched after the page, since it looks at every identity when nothing is kept."""
    now = clock.now()
    stands = pools.standing(request.pool, now)
    context = {"carriers": pools.carriers(request.pool, stands, now), "overlaps": pools.overlaps(request.pool, stands)}
    return render(request, "insights/pool_known.html", context)


@dataclass(frozen=True)
class Tile:
    """A total with its change since the day began and the members behind it."""

    label: str
    icon: str
    value: int
    url: str
    change: int | None
    note: str


def _tiles(stands: pools.Standing, today: Any) -> list[Tile]:
    counts, change = stands.counts, stands.change
    week, month = today - timedelta(days=6), today - timedelta(days=29)
    return [
        Tile(_("全部"), "users", counts["total"], members(""), change("total"), _("在池的人数，含潜客；已被合并的不计。")),
        Tile(_("会员"), "user-check", counts["members"], members("status=2"), change("members"), _("身份为会员的人数。")),
        Tile(_("潜客"), "user-question", counts["leads"], members("status=1"), change("leads"), _("有过接触、还不是会员的人。")),
        Tile(_("活跃"), "activity", counts["active"], members("stage=1"), change("active"), _("生命周期为活跃期的会员。")),
        Tile(_("今日新增"), "user-plus", counts["joined_today"], members(f"joined_min={today}&joined_max={today}"), None, ""),
        Tile(_("近 7 天新增"), "calendar-week", counts["joined_7"], members(f"joined_min={week}&joined_max={today}"), None, ""),
        Tile(
            _("近 30 天新增"), "calendar-month", counts["joined_30"], members(f"joined_min={month}&joined_max={today}"), None, ""
        ),
    ]


# -- All pools -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    """One pool of several: its totals, this month's trade, where its members come from."""

    pool: Pool
    url: str
    stands: pools.Standing
    gmv: str
    sources: list[tuple[str, int, float]]
    is_here: bool


@require_GET
@allow("insights.view")
def every_pool(request: HttpRequest) -> HttpResponse:
    """Each pool one may enter, and the archived ones one may open again."""
    now = clock.now()
    rows = [row(each, now, here=request.pool) for each in request.pools]
    archived = archived_of(request.user) if may(request.role, "pools.edit") else []
    return render(request, "insights/pools.html", {"rows": rows, "archived": archived})


def row(each: Pool, now: datetime, here: Pool) -> Row:
    """A pool's line of the overview; figures up to an hour old."""
    today = now.astimezone(each.zone).date()
    stands = pools.standing(each, now, HOURLY)
    trade = queries.trade(Period(each, today.replace(day=1), today))
    names = {channel.pk: str(channel) for channel in Channel.objects.all()}
    total = stands.counts["total"]
    found = queries.sources(Period(each, today.replace(day=1), today))[:FIRST]
    sources = [
        (names.get(source["channel_id"], _("未注明来源")), source["members"], source["members"] / total if total else 0.0)
        for source in found
    ]
    with in_currency(each.currency):
        gmv = money_compact(trade["gmv"])
    return Row(each, f"{PREFIX}{each.slug}/pool/", stands, gmv, sources, each == here)
