"""Charts of segments."""

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scrm.lib.charts import Chart, Column, chart
from segmentation.models import Segment
from segmentation.segments import queries


@chart("segment_sizes", title=gettext_lazy("人数变化"), permission="segments.view")
def segment_sizes(request: HttpRequest) -> Chart:
    """Size of a segment at each of its snapshots: `?segment=12`."""
    text = request.GET.get("segment", "")
    if not text.isdecimal():
        raise Http404
    segment = get_object_or_404(Segment.objects.select_related("pool"), pool=request.pool, pk=int(text))  # type: ignore[attr-defined]
    points = [(at.astimezone(segment.pool.zone), size) for at, size in queries.history(segment)]
    return Chart(
        title=_("%(name)s：人数变化") % {"name": segment.name},
        columns=[Column(_("时间"), "date"), Column(_("人数"), "number")],
        rows=[(at.strftime("%Y-%m-%d %H:%M"), size) for at, size in points],
        option={
            "grid": {"left": 12, "right": 20, "top": 16, "bottom": 8, "containLabel": True},
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
    )
