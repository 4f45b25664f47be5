"""Charts of the monitor and the results page: `?run=7` says of which run."""

from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import queries, results
from campaigns.assignment import HOLDOUT, TREATED
from campaigns.models import Run
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart
from scrm.lib.ui import maybe_url

PERMISSION = "campaigns.view"


def _run(request: HttpRequest) -> Run:
    number = request.GET.get("run", "")
    pool = request.pool  # type: ignore[attr-defined]
    wanted = int(number) if number.isdecimal() and len(number) < 18 else 0
    found = Run.objects.select_related("campaign__pool").filter(pk=wanted, campaign__pool=pool).first()
    if found is None:
        raise Http404("no such run")
    return found


def behind_url(run: Run, arm: str, what: str, layer: int | None = None) -> str | None:
    """The member list behind a figure."""
    base = maybe_url("members:list")
    return f"{base}?campaign_run={run.pk}:{arm}:{layer or 'any'}:{what}" if base else None


@chart("campaign_speed", title=gettext_lazy("发送速率"), permission=PERMISSION)
def speed(request: HttpRequest) -> Chart:
    """Messages per interval since the first one left."""
    found = queries.step_sent(_run(request))
    rows = [(f"{timezone.localtime(row['at'], request.pool.zone):%m-%d %H:%M:%S}", row["sent"]) for row in found]  # type: ignore[attr-defined]
    option = {
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": [at for at, _n in rows], "boundaryGap": len(rows) < 2},
        "yAxis": {"type": "value", "minInterval": 1, "axisLabel": {"formatter": "@compact"}},
        "series": [{"type": "bar", "name": _("已发送"), "data": [n for _at, n in rows], "itemStyle": {"color": "@chart-0"}}],
    }
    return Chart(_("发送速率"), [_("时间"), Column(_("已发送"), "number")], rows, option)


@chart("campaign_conversion", title=gettext_lazy("累计转化率"), permission=PERMISSION)
def conversion(request: HttpRequest) -> Chart:
    """The share of each arm that has ordered, day by day since it entered."""
    run = _run(request)
    now = clock.now()
    curves, sizes = results.conversions_by_day(run, now), {arm: part.members for arm, part in _arms(run, now).items()}
    names = {TREATED: _("触达组"), HOLDOUT: _("对照组")}
    shown = [arm for arm in (TREATED, HOLDOUT) if sizes.get(arm)]
    days = len(curves[TREATED])
    shares = {arm: [count / sizes[arm] for count in curves[arm]] for arm in shown}
    rows = [(day + 1, *(shares[arm][day] for arm in shown)) for day in range(days)] if shown else []
    colours = {TREATED: "@chart-0", HOLDOUT: "@ink-3"}
    option = {
        "tooltip": {"trigger": "axis", "valueFormatter": "@percent"},
        "legend": {"top": 0},
        "grid": {"left": 8, "right": 16, "top": 36, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": [_("第 %(n)s 天") % {"n": row[0]} for row in rows], "boundaryGap": False},
        "yAxis": {"type": "value", "axisLabel": {"formatter": "@percent"}},
        "series": [
            {"type": "line", "name": names[arm], "data": shares[arm], "showSymbol": days < 2,
             "itemStyle": {"color": colours[arm]},
             "lineStyle": {"width": 2, "type": "solid" if arm == TREATED else "dashed"}}
            for arm in shown
        ],
    }  # fmt: skip
    columns = [Column(_("天"), "number"), *(Column(names[arm], "percent") for arm in shown)]
    return Chart(_("累计转化率"), columns, rows, option, note=_("进入活动后至少有一笔已支付订单的会员占该组的比例"))


def _arms(run: Run, now: object) -> dict[int, results.Arm]:
    found: dict[int, results.Arm] = {}
    for (arm, _layer), part in results.measure(run, now).items():  # type: ignore[arg-type]
        found[arm] = found.get(arm, results.NOBODY) + part
    return found


@chart("campaign_funnel", title=gettext_lazy("触达漏斗"), permission=PERMISSION)
def funnel(request: HttpRequest) -> Chart:
    """Treated members from target to order; a click opens the members."""
    run = _run(request)
    treated = results.funnel_of(run, clock.now()).treated
    steps = [("members", _("目标"), "entered"), ("sent", _("已发送"), "sent"), ("delivered", _("已送达"), "delivered")]
    steps += [("opened", _("已打开"), "opened"), ("clicked", _("已点击"), "clicked"), ("ordered", _("已下单"), "ordered")]
    rows = [(label, getattr(treated, name), treated.share(name)) for name, label, _what in steps]
    links = [behind_url(run, "treated", what) for _name, _label, what in steps]
    data = [
        {"value": count, "url": link, "itemStyle": {"color": f"@chart-{0 if n < 5 else 1}"}}
        for n, ((_label, count, _share), link) in enumerate(zip(rows, links, strict=True))
    ]
    option = {
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 8, "right": 48, "top": 8, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "value", "minInterval": 1, "axisLabel": {"formatter": "@compact"}},
        "yAxis": {"type": "category", "inverse": True, "data": [label for label, _count, _share in rows]},
        "series": [
            {
                "type": "bar",
                "name": _("会员"),
                "data": data,
                "label": {"show": True, "position": "right", "formatter": "@barLabel"},
            }
        ],
    }
    return Chart(
        _("触达漏斗"), [_("步骤"), Column(_("会员"), "number"), Column(_("占目标"), "percent")], rows, option, links=links
    )
