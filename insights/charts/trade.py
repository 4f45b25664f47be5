"""Charts of trade and growth."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from insights import catalog, queries
from insights.charts.links import members
from insights.period import asked
from members.models import Channel
from scrm.lib import clock, formats
from scrm.lib.charts import Chart, Column, chart

GRID = {"left": 4, "right": 4, "top": 36, "bottom": 0, "containLabel": True}


def definition(key: str) -> str:
    """A metric's definition, for the chart's note."""
    return formats.labelled(catalog.metrics[key].label, catalog.metrics[key].definition)


@chart("trade_trend", title=gettext_lazy("成交趋势"))
def trade_trend(request: HttpRequest) -> Chart:
    """Net sales and orders per day."""
    days = queries.trade_days(asked(request, clock.now()))
    links = [members(f"bought=1~{row['day']}~{row['day']}") if row["orders"] else None for row in days]
    line: dict[str, Any] = {"type": "line", "showSymbol": len(days) < 2, "smooth": 0.2, "lineStyle": {"width": 2}}
    gmv = [{"value": row["gmv"], "url": link} for row, link in zip(days, links, strict=True)]
    option = {
        "legend": {"top": 0, "right": 0},
        "grid": GRID,
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": [row["day"][5:] for row in days]},
        "yAxis": [
            {"type": "value", "splitNumber": 4, "axisLabel": {"formatter": "@moneyCompact"}},
            {"type": "value", "splitNumber": 4, "splitLine": {"show": False}, "axisLabel": {"formatter": "@compact"}},
        ],
        "series": [
            {**line, "name": _("成交额"), "areaStyle": {"opacity": 0.12}, "data": gmv, "tooltip": {"valueFormatter": "@money"}},
            {
                **line,
                "name": _("订单数"),
                "yAxisIndex": 1,
                "data": [row["orders"] for row in days],
                "tooltip": {"valueFormatter": "@full"},
            },
        ],
    }
    columns = [
        Column(_("日期"), "date"),
        Column(_("成交额"), "money"),
        Column(_("订单数"), "number"),
        Column(_("购买会员"), "number"),
    ]
    rows = [[row["day"], row["gmv"], row["orders"], row["buyers"]] for row in days]
    return Chart(_("成交趋势"), columns, rows, option, note=definition("gmv"), links=links)


def _written(totals: list[int]) -> str:
    """How an axis writes its numbers: in full where they differ too little to be told apart when rounded."""
    return "@full" if totals and (max(totals) - min(totals)) * 20 < max(totals) else "@compact"


@chart("member_growth", title=gettext_lazy("会员增长"))
def member_growth(request: HttpRequest) -> Chart:
    """Members in all, and who joined, per day."""
    days = queries.join_days(asked(request, clock.now()))
    links = [members(f"joined_min={row['day']}&joined_max={row['day']}") if row["joined"] else None for row in days]
    joined = [{"value": row["joined"], "url": link} for row, link in zip(days, links, strict=True)]
    option = {
        "legend": {"top": 0, "right": 0},
        "grid": GRID,
        "tooltip": {"trigger": "axis", "valueFormatter": "@full"},
        "xAxis": {"type": "category", "data": [row["day"][5:] for row in days]},
        "yAxis": [
            {"type": "value", "splitNumber": 4, "minInterval": 1, "axisLabel": {"formatter": "@compact"}},
            {
                "type": "value",
                "splitNumber": 4,
                "scale": True,
                "minInterval": 1,
                "splitLine": {"show": False},
                "axisLabel": {"formatter": _written([row["total"] for row in days])},
            },
        ],
        "series": [
            {
                "type": "bar",
                "name": _("新增会员"),
                "barMaxWidth": 18,
                "itemStyle": {"borderRadius": [3, 3, 0, 0]},
                "data": joined,
            },
            {"type": "line", "name": _("会员总数"), "yAxisIndex": 1, "showSymbol": False, "data": [row["total"] for row in days]},
        ],
    }
    columns = [Column(_("日期"), "date"), Column(_("新增会员"), "number"), Column(_("会员总数"), "number")]
    return Chart(
        _("会员增长"),
        columns,
        [[row["day"], row["joined"], row["total"]] for row in days],
        option,
        note=definition("members"),
        links=links,
    )


@chart("source_mix", title=gettext_lazy("来源构成"))
def source_mix(request: HttpRequest) -> Chart:
    """Members by the channel they came from."""
    names = {channel.pk: str(channel) for channel in Channel.objects.all()}
    found = queries.sources(asked(request, clock.now()))
    total = sum(row["members"] for row in found) or 1
    rows = [[names.get(row["channel_id"], _("未记录")), row["members"], row["members"] / total, row["joined"]] for row in found]
    links = [members(f"channel={row['channel_id']}") if row["channel_id"] else None for row in found]
    data = [{"value": row[1], "rate": row[2], "url": link} for row, link in zip(rows, links, strict=True)]
    columns = [Column(_("来源渠道")), Column(_("会员"), "number"), Column(_("占比"), "percent"), Column(_("期内新增"), "number")]
    return Chart(_("来源构成"), columns, rows, bars([row[0] for row in rows], data), links=links)


@chart("category_sales", title=gettext_lazy("热销品类"))
def category_sales(request: HttpRequest) -> Chart:
    """The best-selling categories of the period."""
    found = queries.categories(asked(request, clock.now()))
    rows = [[row["category"] or _("未分类"), row["amount"], row["members"]] for row in found]
    option = bars([row[0] for row in rows], [{"value": row[1]} for row in rows], label="@moneyLabel")
    columns = [Column(_("品类")), Column(_("销售额"), "money"), Column(_("购买会员"), "number")]
    return Chart(_("热销品类"), columns, rows, option, note=_("期内已支付订单的订单行金额，按商品品类合计。"))


def bars(names: list[str], data: list[dict[str, Any]], label: str = "@barLabel") -> dict[str, Any]:
    """Horizontal bars, the largest on top, with their value beside."""
    return {
        "grid": {"left": 14, "right": 96, "top": 0, "bottom": 0, "containLabel": True},
        "tooltip": {"trigger": "item", "formatter": "@tip"},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {"type": "category", "inverse": True, "data": names, "axisLine": {"show": False}, "axisTick": {"show": False}},
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 20,
                "showBackground": True,
                "backgroundStyle": {"borderRadius": 4, "color": "@muted"},
                "itemStyle": {"borderRadius": 4},
                "data": [{**each, "text": name} for name, each in zip(names, data, strict=True)],
                "label": {"show": True, "position": "right", "formatter": label},
            }
        ],
    }
