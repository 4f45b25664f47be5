"""Consents given and taken back, per day."""

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import consents
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart


@chart("consent_changes", title=gettext_lazy("授权变化"), permission="members.view")
def consent_changes(request: HttpRequest) -> Chart:
    """Grants above the line, withdrawals below it; 30 days, or `?days=`."""
    text = request.GET.get("days", "")
    days = int(text) if text.isdecimal() and len(text) < 6 else 30
    rows = consents.changes(request.pool, clock.now(), min(max(days, 7), 366))  # type: ignore[attr-defined]
    quiet = not any(row["granted"] or row["withdrawn"] for row in rows)
    bar = {"type": "bar", "stack": "all", "barMaxWidth": 16}
    return Chart(
        title=_("授权变化"),
        columns=[Column(_("日期"), "date"), Column(_("同意"), "number"), Column(_("撤回"), "number")],
        rows=[] if quiet else [(row["day"], row["granted"], row["withdrawn"]) for row in rows],
        option={
            "grid": {"left": 8, "right": 8, "top": 32, "bottom": 4, "containLabel": True},
            "tooltip": {"trigger": "axis"},
            "legend": {"top": 0},
            "xAxis": {"type": "category", "data": [row["day"].strftime("%m-%d") for row in rows]},
            "yAxis": {"type": "value", "minInterval": 1, "axisLabel": {"formatter": "@compact"}},
            "series": [
                {**bar, "name": _("同意"), "data": [row["granted"] for row in rows], "itemStyle": {"color": "@chart-1"}},
                {**bar, "name": _("撤回"), "data": [-row["withdrawn"] for row in rows], "itemStyle": {"color": "@chart-3"}},
            ],
        },
        note=_("按会员池的时区分日；同一会员多次表态分别计数"),
    )
