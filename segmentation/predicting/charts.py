"""Charts of models: foretold against what came, what mattered, how scores are spread."""

from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scrm.lib import formats
from scrm.lib.charts import Chart, Column, chart
from segmentation.models import ModelVersion
from segmentation.predicting import queries, words
from segmentation.predicting.declaring import Model, is_known, model

GRID = {"left": 12, "right": 20, "top": 16, "bottom": 8, "containLabel": True}
MOST = 12
SCALE = {"share": 100, "money": 0.01}


def _asked(request: HttpRequest) -> tuple[Model, ModelVersion]:
    """`?model=churn&version=3`, of the page's pool."""
    key, number = request.GET.get("model", ""), request.GET.get("version", "")
    predictor = queries.predictor(request.pool, key) if is_known(key) else None
    if predictor is None or not number.isdecimal() or len(number) > 9:
        raise Http404
    version = queries.versions(predictor).filter(number=int(number)).first()
    if version is None:
        raise Http404
    return model(key), version


def _shown(value: float, unit: str) -> float:
    return round(value * SCALE.get(unit, 1), 3)


@chart("model_calibration", title=gettext_lazy("预测与实际"), permission="segments.view")
def calibration(request: HttpRequest) -> Chart:
    """Members in ten parts by what was foretold, and what came of each."""
    declared, version = _asked(request)
    unit = "share" if declared.unit in ("days", "class") else declared.unit
    bins = version.calibration
    points = [[_shown(each["predicted"], unit), _shown(each["actual"], unit)] for each in bins]
    limits = [[_shown(each[name], unit) for name in ("predicted", "low", "high")] for each in bins]
    most = max([value for point in points for value in point], default=1)
    least = min([0, *(value for point in points for value in point)])
    floor = {} if least < 0 else {"min": 0}
    axis = {"share": " (%)", "money": f" ({formats.currency_sign()})"}.get(unit, "")
    return Chart(
        title=_("预测与实际"),
        columns=[
            Column(_("预测平均"), _kind(unit)),
            Column(_("实际平均"), _kind(unit)),
            Column(_("实际下限"), _kind(unit)),
            Column(_("实际上限"), _kind(unit)),
            Column(_("人数"), "number"),
        ],
        rows=[(each["predicted"], each["actual"], each["low"], each["high"], each["members"]) for each in bins],
        option={
            "grid": {**GRID, "top": 28, "bottom": 34},
            "tooltip": {"trigger": "item"},
            "xAxis": {"type": "value", "name": _("预测") + axis, "nameLocation": "middle", "nameGap": 26, **floor},
            "yAxis": {"type": "value", "name": _("实际") + axis, **floor},
            "series": [
                {
                    "type": "line", "name": _("完全准确"), "data": [[least, least], [most, most]], "showSymbol": False,
                    "lineStyle": {"type": "dashed", "width": 1.5}, "color": "@chart-3", "silent": True,
                },
                *_whiskers(limits),
                {"type": "line", "name": _("实际"), "data": points, "symbolSize": 8, "color": "@chart-0"},
            ],
        },
        note=_("把检验会员按预测从低到高分成十等份；点越靠近虚线越准，竖线是实际值的 95% 区间"),
    )  # fmt: skip


def _whiskers(limits: list[list[float]]) -> list[dict[str, Any]]:
    """The limits of each point as a thin upright line."""
    return [
        {
            "type": "line", "name": _("95% 区间"), "data": [[at, low], [at, high]], "showSymbol": False, "silent": True,
            "lineStyle": {"width": 2, "opacity": 0.45}, "color": "@chart-0", "tooltip": {"show": False},
        }
        for at, low, high in limits
    ]  # fmt: skip


@chart("model_importance", title=gettext_lazy("哪些信息起作用"), permission="segments.view")
def importance(request: HttpRequest) -> Chart:
    """How much worse the model gets without each column."""
    declared, version = _asked(request)
    found = [(str(declared.feature_labels.get(each["feature"], each["feature"])), each["value"]) for each in version.importance]
    shown = [each for each in found if each[1] > 0][:MOST]
    return Chart(
        title=_("哪些信息起作用"),
        columns=[Column(_("信息")), Column(_("打乱后误差增加"), "decimal")],
        rows=[(name, round(value, 5)) for name, value in found],
        option={
            "grid": GRID,
            "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
            "xAxis": {"type": "value", "axisLabel": {"hideOverlap": True}},
            "yAxis": {"type": "category", "data": [name for name, _value in reversed(shown)]},
            "series": [
                {
                    "type": "bar",
                    "name": _("打乱后误差增加"),
                    "data": [round(value, 5) for _name, value in reversed(shown)],
                    "barMaxWidth": 16,
                    "color": "@chart-0",
                }
            ],
        },
        note=_("在检验会员上把一项信息打乱，看模型变差多少；相近的信息会互相分担"),
    )


@chart("model_spread", title=gettext_lazy("评分分布"), permission="segments.view")
def spread(request: HttpRequest) -> Chart:
    """How many members have which score."""
    declared, version = _asked(request)
    row = version.predictor
    bars = row.spread if row.version_id == version.pk else []
    unit = "days" if declared.unit == "days" else declared.unit
    names = [f"{words.written(low, unit)} – {words.written(high, unit)}" for low, high, _n in bars]
    return Chart(
        title=_("评分分布"),
        columns=[Column(str(declared.value_label)), Column(_("人数"), "number")],
        rows=[(name, bar[2]) for name, bar in zip(names, bars, strict=True)],
        option={
            "grid": GRID,
            "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
            "xAxis": {"type": "category", "data": [words.written(bar[0], unit) for bar in bars]},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "@compact"}, "minInterval": 1},
            "series": [
                {"type": "bar", "name": _("人数"), "data": [bar[2] for bar in bars], "barCategoryGap": "12%", "color": "@chart-0"}
            ],
        },
        note=_("最低与最高的百分之一并入两端"),
    )


def _kind(unit: str) -> Any:
    return {"share": "percent", "money": "money", "days": "days"}.get(unit, "decimal")
