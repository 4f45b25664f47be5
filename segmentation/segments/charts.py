"""Charts of segments."""

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scrm.lib.charts import Chart, Column, chart
from segmentation.models import Segment
from segmentation.segments import history


def _asked(request: HttpRequest) -> Segment:
    """`?segment=12`, of the page's pool."""
    text = request.GET.get("segment", "")
    if not text.isdecimal() or len(text) > 18:
        raise Http404
    return get_object_or_404(Segment.objects.select_related("pool"), pool=request.pool, pk=int(text))


GRID = {"left": 12, "right": 20, "top": 16, "bottom": 8, "containLabel": True}


@chart("segment_sizes", title=gettext_lazy("人数变化"), permission="segments.view")
def segment_sizes(request: HttpRequest) -> Chart:
    """Size of a segment each time somebody moved."""
    segment = _asked(request)
    points = [(at.astimezone(segment.pool.zone), size) for at, size in history.sizes(segment)]
    return Chart(
        title=_("%(name)s：人数变化") % {"name": segment.name},
        columns=[Column(_("时间"), "date"), Column(_("人数"), "number")],
        rows=[(at.strftime("%Y-%m-%d %H:%M"), size) for at, size in points],
        option={
            "grid": GRID,
            "tooltip": {"trigger": "axis"},
            "xAxis": {"type": "time", "splitLine": {"show": False}},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "@compact"}, "minInterval": 1},
            "series": [
                {
                    "type": "line",
                    "name": _("人数"),
                    "step": "end",
                    "symbolSize": 6,
                    "areaStyle": {"opacity": 0.08},
                    "color": "@chart-0",
                    "data": [[at.isoformat(), size] for at, size in points],
                }
            ],
        },
        note=_("成员有变化时记一个点；两天以前每天保留最后一个"),
    )


@chart("segment_moves", title=gettext_lazy("进入与离开"), permission="segments.view")
def segment_moves(request: HttpRequest) -> Chart:
    """Who came and went at each of the latest snapshots."""
    segment = _asked(request)
    steps = [(at.astimezone(segment.pool.zone), came, went) for at, came, went in history.steps(segment)]
    bars = [
        (_("进入"), "@green", [came for _at, came, _went in steps]),
        (_("离开"), "@red", [-went for _at, _came, went in steps]),
    ]
    return Chart(
        title=_("%(name)s：进入与离开") % {"name": segment.name},
        columns=[Column(_("时间"), "date"), Column(_("进入"), "number"), Column(_("离开"), "number")],
        rows=[(at.strftime("%Y-%m-%d %H:%M"), came, went) for at, came, went in steps],
        option={
            "grid": {**GRID, "top": 32},
            "tooltip": {"trigger": "axis"},
            "legend": {"top": 0, "right": 0},
            "xAxis": {"type": "category", "data": [at.strftime("%m-%d %H:%M") for at, _came, _went in steps]},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "@compact"}, "minInterval": 1},
            "series": [
                {"type": "bar", "name": name, "stack": "moves", "color": color, "data": data, "barMaxWidth": 26}
                for name, color, data in bars
            ],
        },
        note=_("每个保留的快照与前一个相比；中间进入又离开的不计"),
    )
