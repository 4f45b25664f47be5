"""Charts of what campaigns brought."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Campaign
from campaigns.results import Results, results
from insights.charts.trade import bars
from scrm.lib import clock
from scrm.lib.charts import Chart, Column, chart

LATEST = 12
VERDICTS = {
    "empty": gettext_lazy("没有触达任何人"),
    "no_control": gettext_lazy("没有对照组，增量未知"),
    "mismatch": gettext_lazy("分组人数异常，结果不可用"),
    "too_few": gettext_lazy("转化太少，还不能下结论"),
    "early": gettext_lazy("窗口未结束"),
    "none": gettext_lazy("与对照组没有明显差别"),
    "better": gettext_lazy("有增量"),
    "worse": gettext_lazy("低于对照组"),
}


def _measured(request: HttpRequest) -> list[tuple[Campaign, Results]]:
    """The latest campaigns that have run, with their results."""
    pool = request.pool  # type: ignore[attr-defined]
    found = Campaign.objects.filter(pool=pool, runs__entered_at__isnull=False).distinct().order_by("-launched_at")[:LATEST]
    now = clock.now()
    return [(campaign, results(campaign, now)) for campaign in found]


@chart("campaign_results", title=gettext_lazy("活动成效"), permission="campaigns.view")
def campaign_results(request: HttpRequest) -> Chart:
    """Share of the reached members who ordered within the window, campaign by campaign."""
    found = _measured(request)
    links = [reverse("campaigns:results", args=[campaign.pk]) for campaign, _found in found]
    rows = [_row(campaign, measured) for campaign, measured in found]
    data = [{"value": row[3], "url": link} for row, link in zip(rows, links, strict=True)]
    option = bars([row[0] for row in rows], data, label="@ratioLabel")
    columns = [
        Column(_("活动")),
        Column(_("触达组"), "number"),
        Column(_("对照组"), "number"),
        Column(_("下单率"), "percent"),
        Column(_("增量下单率"), "percent"),
        Column(_("增量成交额"), "money"),
        Column(_("结论")),
    ]
    note = _("目标窗口内触达组下单的比例；增量为与对照组之差。历史活动没有对照组，不能说明增量。")
    return Chart(_("活动成效"), columns, rows, option, note=note, links=links)


def _row(campaign: Campaign, found: Results) -> list[Any]:
    whole = found.whole
    return [
        campaign.name,
        whole.treated.members,
        whole.holdout.members,
        whole.treated.rate.value if whole.treated.members else None,
        whole.difference.value if whole.is_possible else None,
        round(whole.extra_revenue.value) if whole.is_possible and whole.extra_revenue.is_known else None,
        str(VERDICTS[found.verdict]),
    ]
