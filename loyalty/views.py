import uuid
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from loyalty import queries, services
from loyalty.forms import AdjustForm, RuleForm
from members.models import Member
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.access import allow
from scrm.staff.permissions import may

WINDOW = timedelta(days=30)


@require_http_methods(["GET", "POST"])
@allow("points.view")
def rules(request: HttpRequest) -> HttpResponse:
    """The earning rule: its versions, and what the one being typed would have given."""
    now = clock.now()
    with timezone.override(request.pool.zone):
        form = RuleForm(request.POST or None, initial={"starts_at": timezone.localtime(now)})
        is_saving = request.method == "POST" and "preview" not in request.POST and form.is_valid()
        if is_saving and (answer := _saved(request, form)):
            return answer
        context = {
            "form": form,
            "rules": queries.rules_of(request.pool.pk),
            "totals": queries.totals(request.pool.pk, now - WINDOW, now),
            "preview": _preview(request, form) if form.is_bound and form.is_valid() else None,
            "may_edit": may(request.role, "points.edit"),
        }
        return render(request, "loyalty/rules.html", context)


def _preview(request: HttpRequest, form: RuleForm) -> dict[str, int]:
    now = clock.now()
    return queries.preview(request.pool.pk, **form.terms(), since=now - WINDOW, until=now)


@allow("points.edit")
def _saved(request: HttpRequest, form: RuleForm) -> HttpResponse | None:
    try:
        services.save_rule(pool=request.pool, **form.terms(), starts_at=form.cleaned_data["starts_at"], actor=request.user)
    except Problem as problem:
        form.add_error("starts_at", problem.message)
        return None
    messages.success(request, _("积分规则已保存，对生效时间之后的订单起作用"))
    return redirect("points:rules")


@require_POST
@allow("points.adjust")
def adjust(request: HttpRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(Member, pk=member_id, pool=request.pool, merged_into=None)
    form = AdjustForm(request.POST)
    if form.is_valid():
        try:
            services.adjust(member=member, **form.cleaned_data, at=clock.now(), actor=request.user)
            messages.success(request, _("积分已调整"))
        except Problem as problem:
            form.add_error("reason" if "reason" in problem.fields else "amount", problem.message)
    if getattr(request, "htmx", False):
        return render(request, "loyalty/panel.html", panel_context(request, member, None if form.is_valid() else form))
    return redirect("members:detail", member.pk)


def panel_context(request: HttpRequest, member: Member, form: AdjustForm | None = None) -> dict[str, object]:
    """What the member page's points panel shows."""
    return {
        "member": member,
        "account": queries.account_of(member),
        "entries": queries.entries_of(member)[:50],
        "adjust_form": form or AdjustForm(initial={"key": uuid.uuid4().hex}),
        "may_adjust": may(request.role, "points.adjust"),
    }
