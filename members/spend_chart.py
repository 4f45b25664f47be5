"""The monthly spend of one member."""

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import queries
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart


@chart("member_spend", title=gettext_lazy("月度消费"), permission="members.view")
def member_spend(request: HttpRequest) -> Chart:
    """`?member=42`: paid orders less refunds, by month of the pool's calendar."""
    text = request.GET.get("member", "")
    if not text.isdecimal() or len(text) > 18:
        raise Http404("no member")
    member = queries.member_of(request.pool, int(text))  # type: ignore[attr-defined]
    rows = queries.spend_by_month(member, clock.now())
    months = [row["month"] for row in rows]
    spent = [row["amount"] for row in rows]
    return Chart(
        title=_("月度消费"),
        columns=[Column(_("月份")), Column(_("净消费"), "money"), Column(_("订单数"), "number")],
        rows=[(row["month"], row["amount"], row["orders"]) for row in rows] if any(row["orders"] for row in rows) else [],
        option={
            "grid": {"left": 8, "right": 8, "top": 16, "bottom": 4, "containLabel": True},
            "tooltip": {"trigger": "axis", "valueFormatter": "@money"},
            "xAxis": {"type": "category", "data": months},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "@moneyCompact"}},
            "series": [
                {
                    "type": "bar",
                    "name": _("净消费"),
                    "data": spent,
                    "barMaxWidth": 18,
                    "itemStyle": {"borderRadius": [3, 3, 0, 0]},
                }
            ],
        },
        note=_("已支付订单的实付金额减退款，按会员池的时区分月"),
    )
