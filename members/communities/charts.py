"""What went on in one group, drawn: `?community=7`."""

from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.communities import queries
from members.models import Community
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart

DAYS = 60
GRID = {"left": 8, "right": 8, "top": 32, "bottom": 4, "containLabel": True}


def _community(request: HttpRequest) -> Community:
    if not request.GET.get("community", "").isdecimal():
        raise Http404("no community")
    return queries.community_of(request.pool, int(request.GET["community"]))  # type: ignore[attr-defined]


def _days(community: Community) -> list[tuple[Any, Any]]:
    """Sixty days up to today, with what is known of each."""
    today = clock.now().astimezone(community.pool.zone).date()
    since = max(today - timedelta(days=DAYS - 1), community.created_at.astimezone(community.pool.zone).date())
    known = queries.days(community, since, today)
    span = [since + timedelta(days=n) for n in range((today - since).days + 1)]
    return [(day, known.get(day)) for day in span] if known else []


@chart("community_activity", title=gettext_lazy("消息与发言人数"), permission="communities.view")
def activity(request: HttpRequest) -> Chart:
    """Messages and people who spoke, by day."""
    rows = [(day, row.messages if row else 0, row.senders if row else 0) for day, row in _days(_community(request))]
    return Chart(
        title=_("消息与发言人数"),
        columns=[Column(_("日期"), "date"), Column(_("消息数"), "number"), Column(_("发言人数"), "number")],
        rows=rows,
        option={
            "grid": GRID,
            "tooltip": {"trigger": "axis"},
            "legend": {"top": 0},
            "xAxis": {"type": "category", "data": [day.isoformat()[5:] for day, *_rest in rows]},
            "yAxis": {"type": "value", "minInterval": 1},
            "series": [
                {"type": "bar", "name": _("消息数"), "data": [row[1] for row in rows], "barMaxWidth": 12},
                {"type": "line", "name": _("发言人数"), "data": [row[2] for row in rows], "showSymbol": False},
            ],
        },
        note=_("按会员池时区的自然日；同一人一天内多次发言计一次发言人数"),
    )


@chart("community_flow", title=gettext_lazy("入群与退群"), permission="communities.view")
def flow(request: HttpRequest) -> Chart:
    """Joins, leaves, and their sum over the span."""
    rows, total = [], 0
    for day, row in _days(_community(request)):
        joins, leaves = (row.joins, row.leaves) if row else (0, 0)
        total += joins - leaves
        rows.append((day, joins, leaves, joins - leaves, total))
    return Chart(
        title=_("入群与退群"),
        columns=[
            Column(_("日期"), "date"),
            Column(_("入群"), "number"),
            Column(_("退群"), "number"),
            Column(_("净增"), "number"),
            Column(_("累计净增"), "number"),
        ],
        rows=rows if any(row[1] or row[2] for row in rows) else [],
        option={
            "grid": GRID,
            "tooltip": {"trigger": "axis"},
            "legend": {"top": 0},
            "xAxis": {"type": "category", "data": [row[0].isoformat()[5:] for row in rows]},
            "yAxis": {"type": "value", "minInterval": 1},
            "series": [
                {
                    "type": "bar",
                    "stack": "flow",
                    "name": _("入群"),
                    "data": [row[1] for row in rows],
                    "itemStyle": {"color": "@chart-1"},
                },
                {
                    "type": "bar",
                    "stack": "flow",
                    "name": _("退群"),
                    "data": [-row[2] for row in rows],
                    "itemStyle": {"color": "@chart-3"},
                },
                {"type": "line", "name": _("累计净增"), "data": [row[4] for row in rows], "showSymbol": False},
            ],
        },
        note=_("只计知道入群时间的人；名单导入时没有入群时间的人不算当天入群"),
    )


@chart("community_cohorts", title=gettext_lazy("入群留存"), permission="communities.view")
def cohorts(request: HttpRequest) -> Chart:
    """Of each week's joiners, the part still in the group."""
    found = queries.cohorts(_community(request), clock.now())
    spans = [("w1", _("1 周")), ("w2", _("2 周")), ("w4", _("4 周")), ("w8", _("8 周")), ("w12", _("12 周"))]
    rows = [(row["week"], row["joined"], *(row[key] for key, _label in spans)) for row in found]
    weeks = [row["week"].isoformat()[5:] for row in reversed(found)]
    cells = [
        [column, line, round(100 * row[key], 1)]
        for line, row in enumerate(reversed(found))
        for column, (key, _label) in enumerate(spans)
        if row[key] is not None
    ]
    return Chart(
        title=_("入群留存"),
        columns=[
            Column(_("入群周"), "date"),
            Column(_("入群人数"), "number"),
            *(Column(label, "percent") for _key, label in spans),
        ],
        rows=rows if cells else [],
        option={
            "grid": {**GRID, "top": 8},
            "tooltip": {},
            "xAxis": {"type": "category", "data": [label for _key, label in spans]},
            "yAxis": {"type": "category", "data": weeks},
            "visualMap": {"min": 0, "max": 100, "show": False, "inRange": {"color": "@heatRange"}},
            "series": [{"type": "heatmap", "name": _("留存率（%）"), "data": cells, "label": {"show": True}}],
        },
        note=_("某周入群的人里，满 n 周时仍在群的比例；还没满 n 周的格子留空"),
    )
