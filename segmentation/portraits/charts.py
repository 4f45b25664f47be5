"""Charts of portraits: what distinguishes a segment, and any one dimension."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scrm.lib import clock
from scrm.lib.charts import Chart, chart
from segmentation.models import Segment
from segmentation.portraits import queries, shown
from segmentation.portraits.queries import Portrait, Trait, View

NOTE = gettext_lazy("TGI = 分群占比 ÷ 全体占比 × 100；区间为 95%，含 100 时不能说有差别")


def _asked(request: HttpRequest) -> Portrait:
    """`?segment=12`, and `&with=13` to compare, of the page's pool."""
    segment, other = _segment(request, "segment"), None
    if segment is None:
        raise Http404
    other = _segment(request, "with")
    found = queries.portrait(segment, clock.now(), other)
    if found is None:
        raise Http404
    return found


def _segment(request: HttpRequest, name: str) -> Segment | None:
    text = request.GET.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        return None
    return get_object_or_404(Segment.objects.select_related("pool"), pool=request.pool, pk=int(text))


def _chart(found: Portrait, title: str, lines: Sequence[tuple[View, Trait]], labels: list[str]) -> Chart:
    """Shares side by side, the first line on top."""
    series = [(found.segment.name, "@chart-0", [trait.figure.share for _view, trait in lines])]
    if found.other is not None:
        series.append((found.other.name, "@chart-2", [trait.other.share if trait.other else 0 for _view, trait in lines]))
    series.append((_("全体"), "@ink-3", [trait.figure.pool_share for _view, trait in lines]))
    return Chart(
        title=title,
        columns=shown.columns(found),
        rows=shown.cells(lines),
        option={
            "grid": {"left": 12, "right": 28, "top": 34, "bottom": 8, "containLabel": True},
            "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "@percent"},
            "legend": {"top": 0, "right": 0},
            "xAxis": {"type": "value", "axisLabel": {"formatter": "@percent", "hideOverlap": True}, "min": 0},
            "yAxis": {
                "type": "category",
                "inverse": True,
                "data": labels,
                "axisLabel": {"width": 170, "overflow": "break", "lineHeight": 15},
            },
            "series": [_bars(name, color, data) for name, color, data in series],
        },
        note=str(NOTE),
    )


def _bars(name: str, color: str, data: list[float]) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "color": color,
        "barMaxWidth": 12,
        "barGap": "15%",
        "data": [round(each, 5) for each in data],
    }


@chart("portrait_top", title=gettext_lazy("最有区别的十点"), permission="segments.view")
def portrait_top(request: HttpRequest) -> Chart:
    """The ten things that distinguish a segment most."""
    found = _asked(request)
    title = _("%(name)s：最有区别的十点") % {"name": found.segment.name}
    return _chart(
        found,
        title,
        found.top,
        [_("%(label)s：%(text)s") % {"label": view.label, "text": trait.label} for view, trait in found.top],
    )


@chart("portrait_dimension", title=gettext_lazy("一个维度的分布"), permission="segments.view")
def portrait_dimension(request: HttpRequest) -> Chart:
    """How the members of a segment spread over one dimension."""
    found, key = _asked(request), request.GET.get("dimension", "")
    view = next((each for each in found.views if each.about.key == key), None)
    if view is None:
        raise Http404
    lines = [(view, trait) for trait in view.traits]
    title = _("%(name)s：%(dimension)s") % {"name": found.segment.name, "dimension": view.label}
    return _chart(found, title, lines, [trait.label for trait in view.traits])
