"""Where a pool's members come from, over time."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from insights import figures, queries
from insights.charts.links import members
from insights.period import Period, asked
from members.models import Channel
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart

SHOWN = 7
WEEKS = 62  # days from which bars are weeks


@chart("pool_sources", title=_("来源增长"), permission="insights.view")
def pool_sources(request: HttpRequest) -> Chart:
    """New members per day or week, a colour per channel; the small ones together."""
    period = asked(request, clock.now())
    names = {row.pk: str(row) for row in Channel.objects.all()}
    step = 7 if period.days > WEEKS else 1
    starts = [period.first + timedelta(days=n) for n in range(0, period.days, step)]
    counted: dict[Any, dict[date, int]] = defaultdict(lambda: dict.fromkeys(starts, 0))
    for row in figures.rows("list_channel_days", period.params, queries.MEMBERS):
        place = (date.fromisoformat(row["day"]) - period.first).days // step
        counted[row["channel_id"]][starts[place]] += row["members"]
    order = sorted(counted, key=lambda channel: -sum(counted[channel].values()))
    series = [(names.get(channel, str(_("未注明来源"))), channel, counted[channel]) for channel in order[:SHOWN]]
    if order[SHOWN:]:
        rest = {start: sum(counted[channel][start] for channel in order[SHOWN:]) for start in starts}
        series.append((str(_("其余来源")), None, rest))
    table = [[str(start), *(values[start] for _name, _channel, values in series)] for start in starts]
    columns = [
        Column(gettext("周起始日") if step == 7 else gettext("日期")),
        *(Column(name, "number") for name, _channel, _values in series),
    ]
    option = _bars(period, starts, series, step)
    return Chart(gettext("来源增长"), columns, table if series else [], option, note=gettext("按加入时间，各来源新增的会员。"))


def _bars(period: Period, starts: list[date], series: list[tuple[str, Any, dict[date, int]]], step: int) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "@full"},
        "xAxis": {"type": "category", "data": [f"{start:%m-%d}" for start in starts]},
        "yAxis": {"type": "value", "minInterval": 1, "axisLabel": {"formatter": "@compact"}},
        "series": [
            {
                "type": "bar",
                "stack": "all",
                "name": name,
                "barMaxWidth": 28,
                "color": f"@chart-{n}",
                "data": [_datum(values[start], channel, start, step, period) for start in starts],
            }
            for n, (name, channel, values) in enumerate(series)
        ],
    }


def _datum(n: int, channel: Any, start: date, step: int, period: Period) -> dict[str, Any]:
    last = min(start + timedelta(days=step - 1), period.last)
    if not channel or not n:
        return {"value": n}
    return {"value": n, "url": members(f"channel={channel}&joined_min={start}&joined_max={last}")}
