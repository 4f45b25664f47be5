"""Charts of stages and groups: who went which way, and how many stayed away per stage."""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models.state import Stage
from scrm.lib import clock, formats
from scrm.lib.charts import Chart, Column, chart
from scrm.lib.flows import flow, node
from scrm.lib.problems import Problem
from segmentation.recalculation import moves, queries


@chart("state_moves", title=gettext_lazy("迁移"), permission="segments.view")
def state_moves(request: HttpRequest) -> Chart:
    """Two days and who went from which class to which: `?kind=2&since=2026-09-01&until=2026-11-01`."""
    pool = request.pool  # type: ignore[attr-defined]
    try:
        between = moves.span(pool, request.GET.get("since"), request.GET.get("until"), clock.now())
        found = moves.moves(pool, request.GET.get("kind", "1"), between)
    except Problem as problem:
        raise Http404(problem.message) from problem
    about = found.choice
    nodes = [node(side, code, about.said(code), about.colour(code)) for side in ("a", "b") for code in _used(found, side)]
    columns = [Column(str(between.first)), Column(str(between.last)), Column(_("会员"), "number")]
    rows = [[about.said(was), about.said(now), members] for was, now, members in found.flows]
    links = [moves.address(about.kind, was, now, between) for was, now, _n in found.flows]
    title = _("%(label)s迁移") % {"label": about.label}
    return Chart(title, columns, rows, flow(nodes, _links(found, links)), links=links)


def _used(found: moves.Moves, side: str) -> list[int | None]:
    place = 0 if side == "a" else 1
    present = {flow[place] for flow in found.flows}
    return [code for code, _label in found.heads if code in present]


def _links(found: moves.Moves, urls: list[str]) -> list[dict[str, Any]]:
    return [
        {"source": f"a{was}", "target": f"b{now}", "value": members, "url": url}
        for (was, now, members), url in zip(found.flows, urls, strict=True)
    ]


@chart("stage_rates", title=gettext_lazy("各阶段的实际不购买率"), permission="segments.view")
def stage_rates(request: HttpRequest) -> Chart:
    """Per stage of an earlier day, how many ordered no more within the horizon."""
    found = queries.judged(request.pool)  # type: ignore[attr-defined]
    rows = [row for row in (found or {}).get("stages", []) if row["members"]]
    names = [str(Stage(row["stage"]).label) for row in rows]
    colours = [f"@stage-{Stage(row['stage']).name.lower()}" for row in rows]
    data = [
        {"value": row["rate"], "tip": _tip(row), "itemStyle": {"color": colour}, "name": name}
        for row, colour, name in zip(rows, colours, names, strict=True)
    ]
    label = {"show": True, "position": "top", "formatter": "@ratioLabel"}
    option = {
        "grid": {"left": 8, "right": 12, "top": 28, "bottom": 4, "containLabel": True},
        "tooltip": {"formatter": "@tip"},
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value", "min": 0, "max": 1, "axisLabel": {"formatter": "@percent0"}},
        "series": [{"type": "bar", "barMaxWidth": 56, "data": data, "label": label}],
    }
    columns = [Column(_("阶段")), Column(_("会员"), "number"), Column(_("未再购买"), "number"), Column(_("不购买率"), "percent"),
               Column(_("下限"), "percent"), Column(_("上限"), "percent")]  # fmt: skip
    table = [
        [name, row["members"], row["stayed_away"], row["rate"], row["low"], row["high"]]
        for name, row in zip(names, rows, strict=True)
    ]
    return Chart(_("各阶段的实际不购买率"), columns, table, option)


def _tip(row: dict[str, Any]) -> list[str]:
    interval = f"{formats.percent(row['low'])}–{formats.percent(row['high'])}"
    return [f"{formats.percent(row['rate'])} ({interval})", _("%(n)s 人") % {"n": formats.full(row["members"])}]
