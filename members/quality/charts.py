"""How data quality changes: shares per day as they were counted."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members.quality import figures, queries
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart

SHOWN = ("field.name", "field.birthday", "identity.phone", f"stale.{figures.USUAL_STALE}", figures.DUPLICATES)


@chart("quality_trend", title=_("数据质量走势"), permission="insights.view")
def quality_trend(request: HttpRequest) -> Chart:
    pool, text = request.pool, request.GET.get("source", "0")  # type: ignore[attr-defined]
    source = int(text) if text.removeprefix("-").isdecimal() and len(text) < 6 else 0
    rows = queries.trend(pool, source, list(SHOWN), clock.now())
    labels = [figures.label_of(pool, name) for name in SHOWN]
    table = [[str(row["day"]), *(_share(row, name) for name in SHOWN)] for row in rows]
    return Chart(
        gettext("数据质量走势"),
        [Column(_("日期")), *(Column(label, "percent") for label in labels)],
        table,
        _lines([str(row["day"]) for row in rows], labels, table),
        note=gettext("每天统计一次：占这个来源会员的比例。"),
    )


def _share(row: dict[str, Any], name: str) -> float | None:
    return row.get(name, 0) / row["members"] if row["members"] else None


def _lines(days: list[str], labels: list[str], table: list[list[Any]]) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", "valueFormatter": "@percent"},
        "xAxis": {"type": "category", "data": days},
        "yAxis": {"type": "value", "min": 0, "max": 1, "axisLabel": {"formatter": "@percent0"}},
        "series": [
            {
                "type": "line",
                "name": label,
                "showSymbol": len(days) < 15,
                "color": f"@chart-{n}",
                "data": [line[n + 1] for line in table],
            }
            for n, label in enumerate(labels)
        ],
    }
