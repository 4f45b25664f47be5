"""The hours of one member."""

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import queries as people
from members.habits import queries
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart


@chart("member_hours", title=gettext_lazy("活跃时段"), permission="members.view")
def member_hours(request: HttpRequest) -> Chart:
    """`?member=42`: orders and events of the last year by hour of the pool's day."""
    text = request.GET.get("member", "")
    if not text.isdecimal() or len(text) > 18:
        raise Http404("no member")
    member = people.member_of(request.pool, int(text))  # type: ignore[attr-defined]
    rows = queries.hours(member, clock.now())
    series = [(_("订单"), [row[1] for row in rows]), (_("行为"), [row[2] for row in rows])]
    return Chart(
        title=_("活跃时段"),
        columns=[Column(_("时刻")), Column(_("订单"), "number"), Column(_("行为"), "number")],
        rows=[(f"{hour}:00", orders, events) for hour, orders, events in rows] if any(o or e for _h, o, e in rows) else [],
        option={
            "grid": {"left": 8, "right": 8, "top": 28, "bottom": 4, "containLabel": True},
            "legend": {"top": 0},
            "tooltip": {"trigger": "axis"},
            "xAxis": {"type": "category", "data": [f"{hour}" for hour, _orders, _events in rows]},
            "yAxis": {"type": "value", "minInterval": 1},
            "series": [{"type": "bar", "stack": "all", "name": name, "data": data, "barMaxWidth": 18} for name, data in series],
        },
        note=_("最近 365 天已支付的订单和行为事件，按会员池时区的钟点计数"),
    )
