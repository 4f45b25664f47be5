"""Charts of schemes."""

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models.state import RfmGroup
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart
from scrm.lib.flows import flow, node
from segmentation.models import Scheme
from segmentation.standings import asked, queries
from segmentation.standings.families import is_known

GRID = {"left": 12, "right": 20, "top": 36, "bottom": 8, "containLabel": True}


def _asked(request: HttpRequest) -> Scheme:
    """`?scheme=12`, of the page's pool."""
    text = request.GET.get("scheme", "")
    if not text.isdecimal() or len(text) > 9:
        raise Http404
    found: Scheme = get_object_or_404(Scheme.objects.select_related("pool"), pool=request.pool, pk=int(text))  # type: ignore[misc]
    if not is_known(found.family):
        raise Http404
    return found


def _colours(scheme: Scheme) -> dict[int, str]:
    """A class has one colour in every picture of its scheme."""
    if scheme.family == "rfm":
        return {group.value: f"@rfm-{group.name.lower()}" for group in RfmGroup}
    return {code.number: f"@chart-{n % 8}" for n, code in enumerate(queries.codes(scheme))}


@chart("standing_sizes", title=gettext_lazy("各层人数变化"), permission="segments.view")
def standing_sizes(request: HttpRequest) -> Chart:
    """Sizes of the classes at the end of each day on which anything changed."""
    scheme = _asked(request)
    days, codes, colours = queries.sizes_by_day(scheme), queries.codes(scheme), _colours(scheme)
    return Chart(
        title=_("%(name)s：各层人数变化") % {"name": scheme.name},
        columns=[Column(_("日期"), "date"), *(Column(str(code.label), "number") for code in codes)],
        rows=[(day.isoformat(), *(sizes.get(code.number, 0) for code in codes)) for day, sizes in days],
        option={
            "grid": GRID,
            "tooltip": {"trigger": "axis"},
            "legend": {"top": 0, "right": 0, "type": "scroll"},
            "xAxis": {"type": "time", "splitLine": {"show": False}},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "@compact"}, "minInterval": 1},
            "series": [
                {
                    "type": "line",
                    "name": str(code.label),
                    "step": "end",
                    "stack": "all",
                    "areaStyle": {"opacity": 0.5},
                    "symbolSize": 5,
                    "color": colours[code.number],
                    "data": [[day.isoformat(), sizes.get(code.number, 0)] for day, sizes in days],
                }
                for code in codes
            ],
        },
        note=_("有会员换层的每一天结束时的人数"),
    )


@chart("standing_moves", title=gettext_lazy("会员流向"), permission="segments.view")
def standing_moves(request: HttpRequest) -> Chart:
    """Who went from which class to which between two days, as a flow."""
    scheme = _asked(request)
    days = asked.days(request.GET, scheme, clock.now())
    found = queries.migrations(scheme, *asked.ends(scheme, *days))
    names, colours = [str(code.label) for code in found.heads], _colours(scheme)
    flows = [
        (str(code.label), names[n], members) for code, cells, _all in found.rows if code for n, members in enumerate(cells[:-1])
    ]
    flows = [flow for flow in flows if flow[2]]
    seen = {f"a{a}" for a, _b, _n in flows} | {f"b{b}" for _a, b, _n in flows}
    return Chart(
        title=_("%(name)s：会员流向") % {"name": scheme.name},
        columns=[Column(_("从")), Column(_("到")), Column(_("人数"), "number")],
        rows=flows,
        option=flow(
            [
                node(side, head.label, head.label, colours[head.number])
                for side in "ab"
                for head in found.heads
                if f"{side}{head.label}" in seen
            ],
            [{"source": f"a{a}", "target": f"b{b}", "value": members} for a, b, members in flows],
            right="22%",
        ),
        note=_("两个日期结束时都在方案中的会员；左为开始，右为结束"),
    )
