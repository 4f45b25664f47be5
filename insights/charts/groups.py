"""Charts of what members are like: RFM groups and grid, lifecycle and its flow."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from insights import queries
from insights.charts.links import members
from insights.period import Period, asked
from members.models import StateChange
from members.models.state import RfmGroup, Stage
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart
from scrm.lib.flows import flow, node

SCORES = range(1, 6)


@chart("rfm_groups", title=gettext_lazy("RFM 客户分组"))
def rfm_groups(request: HttpRequest) -> Chart:
    """The eight groups by size, with their share and what they spent in all."""
    found = queries.rfm_groups(request.pool.pk)  # type: ignore[attr-defined]
    total = sum(row["members"] for row in found) or 1
    cells = [_group_cell(row, total) for row in found]
    option = {
        "tooltip": {"formatter": "@treemap"},
        "series": [
            {
                "type": "treemap",
                "roam": False,
                "nodeClick": False,
                "breadcrumb": {"show": False},
                "top": 0,
                "left": 0,
                "right": 0,
                "bottom": 0,
                "itemStyle": {"gapWidth": 3, "borderWidth": 0, "borderRadius": 6},
                "label": {
                    "formatter": "@treemapLabel",
                    "position": "insideTopLeft",
                    "fontSize": 13,
                    "lineHeight": 20,
                    "rich": {"v": {"fontSize": 17, "fontWeight": 600, "lineHeight": 24}, "s": {"fontSize": 12, "opacity": 0.85}},
                },
                "data": cells,
            }
        ],
    }
    columns = [Column(_("RFM 分组")), Column(_("会员"), "number"), Column(_("占比"), "percent"), Column(_("累计消费"), "money")]
    rows = [[cell["name"], cell["value"], cell["share"], cell["money"]] for cell in cells]
    return Chart(
        _("RFM 客户分组"),
        columns,
        rows,
        option,
        note=_("按最近购买、购买次数、消费金额的高低分成八组；分界见「RFM 与生命周期」。没有订单的会员不在其中。"),
        links=[cell["url"] for cell in cells],
    )


def _group_cell(row: dict[str, Any], total: int) -> dict[str, Any]:
    group = RfmGroup(row["rfm_group"])
    return {
        "name": str(group.label),
        "value": row["members"],
        "share": row["members"] / total,
        "money": row["amount"],
        "url": members(f"rfm={group.value}"),
        "itemStyle": {"color": f"@rfm-{group.name.lower()}"},
    }


@chart("rfm_grid", title=gettext_lazy("RFM 网格"))
def rfm_grid(request: HttpRequest) -> Chart:
    """Members per recency and frequency score."""
    found = queries.rfm_cells(request.pool.pk)  # type: ignore[attr-defined]
    names = [str(score) for score in SCORES]
    links = [members(f"rf={row['r']}~{row['f']}") for row in found]
    data = [
        {"value": [row["r"] - 1, row["f"] - 1, row["members"]], "name": f"R{row['r']} · F{row['f']}", "url": link}
        for row, link in zip(found, links, strict=True)
    ]
    axis = {"type": "category", "data": names, "axisLine": {"show": False}, "axisTick": {"show": False}}
    most = max((row["members"] for row in found), default=1)
    option = {
        "grid": {"left": 28, "right": 4, "top": 8, "bottom": 28, "containLabel": True},
        "tooltip": {"formatter": "@heatCount"},
        "xAxis": {**axis, "name": _("最近购买 R"), "nameLocation": "middle", "nameGap": 24},
        "yAxis": {**axis, "name": _("购买次数 F"), "nameLocation": "middle", "nameGap": 24},
        "visualMap": {"show": False, "min": 0, "max": most, "inRange": {"color": "@heatRange"}},
        "series": [
            {
                "type": "heatmap",
                "data": data,
                "label": {"show": True, "formatter": "@heatCountLabel", "color": "@ink"},
                "itemStyle": {"borderRadius": 4, "borderWidth": 3, "borderColor": "@surface"},
            }
        ],
    }
    columns = [Column("R", "number"), Column("F", "number"), Column(_("会员"), "number"), Column(_("窗口内消费"), "money")]
    rows = [[row["r"], row["f"], row["members"], row["amount"]] for row in found]
    return Chart(_("RFM 网格"), columns, rows, option, note=_("R、F 各 1–5 分，5 分最好；颜色越深人数越多。"), links=links)


@chart("lifecycle_flow", title=gettext_lazy("生命周期迁移"))
def lifecycle_flow(request: HttpRequest) -> Chart:
    """Where members stood at the start of the period and where at its end."""
    period = asked(request, clock.now())
    found = queries.moves(period, StateChange.Kind.STAGE)
    stages = list(Stage)
    starts = [stage for stage in stages if any(row["from_code"] == stage for row in found)]
    ends = [stage for stage in stages if any(row["to_code"] == stage for row in found)]
    new = any(row["from_code"] is None for row in found)
    nodes = [_node(side, stage) for side, found_there in (("a", starts), ("b", ends)) for stage in found_there]
    if new:
        nodes.append(node("a", "--", _("新加入"), "@ink-3"))
    links = [_flow(row, period) for row in found]
    columns = [Column(_("期初")), Column(_("期末")), Column(_("会员"), "number")]
    rows = [[_stage(row["from_code"]), _stage(row["to_code"]), row["members"]] for row in found]
    note = _("左为期初所处阶段，右为期末；每次变化都有记录。点击可查看这些会员。")
    return Chart(
        _("生命周期迁移"), columns, rows, flow(nodes, links, right=120), note=note, links=[link["url"] for link in links]
    )


def _stage(code: int | None) -> str:
    return _("新加入") if code is None else str(Stage(code).label)


def _node(side: str, stage: Stage) -> dict[str, Any]:
    return node(side, f"-{stage.value}", stage.label, f"@stage-{stage.name.lower()}")


def _flow(row: dict[str, Any], period: Period) -> dict[str, Any]:
    start = "-" if row["from_code"] is None else row["from_code"]
    kind = int(StateChange.Kind.STAGE)
    return {
        "source": f"a-{start}",
        "target": f"b-{row['to_code']}",
        "value": row["members"],
        "url": members(f"moved={kind}~{start}~{row['to_code']}~{period.first}~{period.last}"),
    }
