"""Charts of coming back: cohorts and the repurchase ladder."""

from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from insights import queries
from insights.charts.links import members
from insights.charts.trade import bars
from insights.period import Period
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart

MONTHS = 12


def _year(request: HttpRequest) -> Period:
    """The last twelve calendar months, the present one included."""
    pool = request.pool  # type: ignore[attr-defined]
    today = clock.now().astimezone(pool.zone).date()
    index = today.year * 12 + today.month - MONTHS
    return Period(pool, date(index // 12, index % 12 + 1, 1), today)


@chart("cohorts", title=gettext_lazy("复购留存同期群"))
def cohorts(request: HttpRequest) -> Chart:
    """Of those who first bought in a month, the share that bought again in each later month."""
    found = queries.cohorts(_year(request))
    sizes = {row["cohort"]: row["members"] for row in found if row["later"] == 0}
    months = sorted(sizes)
    kept = {(row["cohort"], int(row["later"])): row["members"] for row in found if row["later"] > 0}
    last = max((later for _month, later in kept), default=1)
    names = [_("第 %(n)s 月") % {"n": n} for n in range(1, last + 1)]
    data = [_cell(months, sizes, month, later, n) for (month, later), n in sorted(kept.items())]
    option = {
        "grid": {"left": 16, "right": 4, "top": 28, "bottom": 0, "containLabel": True},
        "tooltip": {"formatter": "@heat"},
        "xAxis": {"type": "category", "data": names, "position": "top", "axisLine": {"show": False}, "axisTick": {"show": False}},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [f"{month[:7]}  {sizes[month]:,}" for month in months],
            "axisLine": {"show": False},
            "axisTick": {"show": False},
        },
        "visualMap": {"show": False, "min": 0, "max": 1, "inRange": {"color": "@heatRange"}},
        "series": [
            {
                "type": "heatmap",
                "data": data,
                "label": {"show": True, "formatter": "@heatLabel", "fontSize": 12, "color": "@ink"},
                "itemStyle": {"borderRadius": 4, "borderWidth": 2, "borderColor": "@surface"},
            }
        ],
    }
    columns = [Column(_("首购月份")), Column(_("人数"), "number"), *[Column(name, "percent") for name in names]]
    rows = [
        [month[:7], sizes[month], *[_share(kept.get((month, n)), sizes[month]) for n in range(1, last + 1)]] for month in months
    ]
    return Chart(
        _("复购留存同期群"),
        columns,
        rows,
        option,
        note=_("首购月份的会员中，在之后各月再次购买的比例。"),
        links=[members(f"cohort={month[:7]}~0") for month in months],
    )


def _share(part: int | None, whole: int) -> float | None:
    return None if part is None else part / whole


def _cell(months: list[str], sizes: dict[str, int], month: str, later: int, n: int) -> dict[str, Any]:
    return {
        "value": [later - 1, months.index(month), n / sizes[month]],
        "name": f"{month[:7]} · {n:,}",
        "url": members(f"cohort={month[:7]}~{later}"),
    }


@chart("ladder", title=gettext_lazy("复购阶梯"))
def ladder(request: HttpRequest) -> Chart:
    """How many members reached their first to fifth purchase."""
    found = queries.ladder(request.pool.pk)  # type: ignore[attr-defined]
    first = max((row["members"] for row in found), default=0)
    rows = []
    for n, row in enumerate(found):
        before = found[n - 1]["members"] if n else row["members"]
        rows.append(
            [
                _("第 %(n)s 次购买") % {"n": row["n"]},
                row["members"],
                _share(row["members"], first or 1),
                _share(row["members"], before or 1),
            ]
        )
    links = [members(f"orders_min={row['n']}") for row in found]
    data = [{"value": row[1], "rate": row[2], "url": link} for row, link in zip(rows, links, strict=True)]
    columns = [Column(_("阶梯")), Column(_("会员"), "number"), Column(_("占首购"), "percent"), Column(_("较上一步"), "percent")]
    return Chart(_("复购阶梯"), columns, rows, bars([row[0] for row in rows], data), links=links)
