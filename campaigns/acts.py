"""What a button does to a campaign: one permission, one service, and back to a page."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns import launching, retrying, services
from campaigns.models import Campaign
from scrm.lib import clock, toasts
from scrm.lib.problems import Problem
from scrm.staff.access import allow

View = Callable[..., HttpResponse]


def find(request: HttpRequest, pk: int) -> Campaign:
    """A campaign of the request's pool, or 404."""
    rows = Campaign.objects.select_related("pool", "segment__pool", "connector", "actor")
    return get_object_or_404(rows, pool=request.pool, pk=pk)  # type: ignore[attr-defined]


def refusal(request: HttpRequest, campaign: Campaign, problem: Problem) -> HttpResponse:
    """A page that says why an act was refused: 409."""
    template = "campaigns/refused.html#said" if getattr(request, "htmx", False) else "campaigns/refused.html"
    return render(request, template, {"campaign": campaign, "problem": problem}, status=409)


def act(permission: str) -> Callable[[View], View]:
    """A POST on one campaign; a service's refusal becomes a 409 page with its sentence."""

    def made(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
            campaign = find(request, pk)
            try:
                return view(request, campaign, **kwargs)
            except Problem as problem:
                return refusal(request, campaign, problem)

        return allow(permission)(require_POST(guarded))

    return made


@act("campaigns.launch")
def launch(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    if launching.launch(campaign=campaign, actor=request.user, as_of=clock.now()):  # type: ignore[arg-type]
        toasts.toast(request, _("“%(name)s”已发布") % {"name": campaign.name})
    return redirect("campaigns:monitor", pk=campaign.pk)


@act("campaigns.launch")
def pause(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    launching.pause(campaign=campaign, actor=request.user)  # type: ignore[arg-type]
    toasts.toast(request, _("已暂停，未发送的消息留在队列里"))
    return redirect("campaigns:monitor", pk=campaign.pk)


@act("campaigns.launch")
def resume(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    launching.resume(campaign=campaign, actor=request.user, as_of=clock.now())  # type: ignore[arg-type]
    toasts.toast(request, _("已继续"))
    return redirect("campaigns:monitor", pk=campaign.pk)


@act("campaigns.launch")
def cancel(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    launching.cancel(campaign=campaign, actor=request.user, as_of=clock.now())  # type: ignore[arg-type]
    toasts.toast(request, _("已取消，未发送的不会再发送"))
    return redirect("campaigns:monitor", pk=campaign.pk)


@act("campaigns.launch")
def reopen(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    launching.reopen(campaign=campaign, actor=request.user)  # type: ignore[arg-type]
    toasts.toast(request, _("已退回草稿"))
    return redirect("campaigns:edit", pk=campaign.pk)


@act("campaigns.edit")
def clone(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    made = services.clone(campaign=campaign, actor=request.user)  # type: ignore[arg-type]
    toasts.toast(request, _("已复制为草稿"))
    return redirect("campaigns:edit", pk=made.pk)


@act("campaigns.edit")
def discard(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    services.discard(campaign=campaign, actor=request.user)  # type: ignore[arg-type]
    toasts.toast(request, _("草稿已删除"))
    return redirect("campaigns:list")


@act("campaigns.launch")
def retry(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    count = retrying.retry(campaign=campaign, reason=request.POST.get("reason", ""), actor=request.user, as_of=clock.now())  # type: ignore[arg-type]
    toasts.toast(request, _("%(n)s 条消息将重新发送") % {"n": count})
    return redirect("campaigns:monitor", pk=campaign.pk)
