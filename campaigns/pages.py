"""Pages to look at: the list, a campaign, its dry run, its monitor, its results."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from campaigns import dryrun, queries, retrying
from campaigns import results as figures
from campaigns.acts import find, refusal
from campaigns.checks import blocking, gaps
from campaigns.content import problems_of
from campaigns.models import Campaign, Run
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.staff.access import allow
from scrm.staff.permissions import may

TONES = {
    "draft": "slate", "scheduled": "blue", "running": "green", "paused": "amber", "finished": "violet",
    "cancelled": "red", "missed": "red",
}  # fmt: skip


SMALL = 50_000


def shared(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """What every page of one campaign needs."""
    return {
        "campaign": campaign,
        "tone": TONES[campaign.status],
        "may_edit": may(request.role, "campaigns.edit"),  # type: ignore[attr-defined]
        "may_launch": may(request.role, "campaigns.launch"),  # type: ignore[attr-defined]
        "may_members": may(request.role, "members.view"),  # type: ignore[attr-defined]
    }


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 18 else None


@allow("campaigns.view")
def index(request: HttpRequest) -> HttpResponse:
    """The list, by status."""
    tab, q = request.GET.get("tab", "all"), request.GET.get("q", "").strip()
    tab = tab if tab in queries.TABS else "all"
    rows, after = queries.listed(request.pool, tab=tab, q=q, before=_number(request.GET.get("after")))  # type: ignore[attr-defined]
    for row in rows:
        row.tone, row.run_shown = TONES[row.status], row.run_list[0] if row.run_list else None  # type: ignore[attr-defined]
    counts = queries.tab_counts(request.pool)  # type: ignore[attr-defined]
    tabs = [(key, label, counts[key]) for key, (label, _statuses) in queries.TABS.items()]
    context = {
        "rows": rows,
        "next": after,
        "tab": tab,
        "tabs": tabs,
        "q": q,
        "may_edit": may(request.role, "campaigns.edit"),  # type: ignore[attr-defined]
        "total": counts["all"],
    }
    return render_page(request, "campaigns/list.html", "results", context)


@allow("campaigns.view")
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page that suits the state: results once over, the monitor while running, else the plan."""
    campaign = find(request, pk)
    if campaign.is_historic or campaign.status == Campaign.Status.FINISHED:
        return redirect("campaigns:results", pk=pk)
    if campaign.is_draft and may(request.role, "campaigns.edit"):  # type: ignore[attr-defined]
        return redirect("campaigns:edit", pk=pk)
    return redirect("campaigns:monitor" if not campaign.is_draft else "campaigns:dry_run", pk=pk)


@allow("campaigns.view")
def dry_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Who would get what, and why not."""
    campaign = find(request, pk)
    if campaign.is_historic or campaign.segment is None:
        missing = gaps(campaign, clock.now(), problems_of)
        return render(request, "campaigns/dry_run.html", {**shared(request, campaign), "missing": missing, "run": None})
    try:
        found = dryrun.dry_run(campaign, clock.now())
    except Problem as problem:
        return render(request, "campaigns/dry_run.html", {**shared(request, campaign), "run": None, "why": problem.message})
    missing = gaps(campaign, found.as_of, problems_of) if campaign.is_draft else []
    context = {**shared(request, campaign), "run": found, "missing": missing, "blocked": bool(blocking(missing))}
    return render_page(request, "campaigns/dry_run.html", "body", context)


@allow("campaigns.view")
def dry_run_members(request: HttpRequest, pk: int) -> HttpResponse:
    """The members with one reason, page by page."""
    campaign = find(request, pk)
    if campaign.segment is None:
        raise Http404("no audience")
    reason, after = request.GET.get("reason", ""), _number(request.GET.get("after")) or 0
    try:
        rows, following = dryrun.listed(campaign, clock.now(), reason=reason, after=after)
    except Problem as problem:
        return refusal(request, campaign, problem)
    label = rows[0]["label"] if rows else reason
    context = {**shared(request, campaign), "rows": rows, "next": following, "reason": reason, "label": label}
    return render_page(request, "campaigns/dry_run_members.html", "rows", context)


def _run(campaign: Campaign, request: HttpRequest) -> Run | None:
    asked = _number(request.GET.get("run"))
    if asked is None:
        return figures.latest_run(campaign)
    found = campaign.runs.filter(pk=asked).first()
    if found is None:
        raise Http404("no such run")
    return found


@allow("campaigns.view")
def monitor(request: HttpRequest, pk: int) -> HttpResponse:
    """The run as it goes; the fragment is asked for every two seconds while it moves."""
    campaign = find(request, pk)
    if campaign.is_historic:
        return redirect("campaigns:results", pk=pk)
    if campaign.is_draft:
        return redirect("campaigns:dry_run", pk=pk)
    run, now = _run(campaign, request), clock.now()
    live = None
    if run is not None:
        run.campaign = campaign
        live = queries.live(run, now)
    layers = {layer.pk: layer for layer in campaign.layers.all()}
    # Orders and layers are counted on every look at a small run; of a large one the minute's summary is shown.
    funnel = figures.funnel_of(run, now) if run is not None and run.entered <= SMALL else None
    per_layer = (
        [(layer, funnel.of(1, layer.pk, every_layer=False)) for layer in layers.values()] if funnel and len(layers) > 1 else []
    )
    ordered = funnel.treated.ordered if funnel else (run.summary.get("ordered") if run else None)
    moving = campaign.status in (Campaign.Status.SCHEDULED, Campaign.Status.RUNNING)
    context = {
        **shared(request, campaign),
        "run": run,
        "live": live,
        "per_layer": per_layer,
        "moving": moving,
        "causes": retrying.CAUSES,
        "now": now,
        "ordered": ordered,
        "small": funnel is not None,
    }
    return render_page(request, "campaigns/monitor.html", "live", context)


@allow("campaigns.view")
def results(request: HttpRequest, pk: int) -> HttpResponse:
    """What came of it, against the control group."""
    campaign = find(request, pk)
    if campaign.is_draft:
        return redirect("campaigns:dry_run", pk=pk)
    run = _run(campaign, request)
    found = figures.results(campaign, clock.now(), run)
    layers = [(each, found.funnel.of(1, each.layer.pk, every_layer=False)) for each in found.by_layer if each.layer]
    context = {**shared(request, campaign), "r": found, "run": found.run, "layers": layers, "words": VERDICTS[found.verdict]}
    context["redeem_rate"] = found.funnel.treated.share("redeemed")
    return render(request, "campaigns/results.html", context)


class _Words:
    """Words looked up in the reader's language when they are used."""

    def __getitem__(self, verdict: str) -> tuple[str, str, str]:
        return {
            "empty": ("slate", _("还没有人进入"), _("活动开始后，这里显示结果。")),
            "no_control": (
                "amber",
                _("没有对照组，无法知道增量"),
                _("下面只有触达组的数据：这些订单里有多少是活动带来的，看不出来。"),
            ),
            "mismatch": (
                "red",
                _("两组人数与设定不符，结果不可信"),
                _("样本比例检验（SRM）未通过：分组过程出了问题，请先查明原因。"),
            ),
            "too_few": ("amber", _("还不能下结论"), _("每组至少需要 50 人下单，结论才站得住；现在看到的差别可能只是偶然。")),
            "early": (
                "blue",
                _("目标窗口还没结束，先不要下结论"),
                _("窗口结束前反复查看，误判的机会会大大增加；数字每天都会变。"),
            ),
            "none": (
                "slate",
                _("看不出转化率的差别"),
                _("差值的 95% 区间包含 0：活动可能没有效果，也可能效果小于能测出的范围。"),
            ),
            "better": ("green", _("活动提高了转化率"), _("差值的 95% 区间全部大于 0。")),
            "worse": ("red", _("活动降低了转化率"), _("差值的 95% 区间全部小于 0：被触达的会员反而买得更少。")),
        }[verdict]


VERDICTS = _Words()
