"""Pages of the people who look after members."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.models import Store
from members.ownership import queries, services
from members.ownership.forms import ColleagueForm, ProfileForm, RuleForm
from members.team import profiles, workload
from members.team.sliced import cut
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow

SORTS: dict[str, Any] = {
    "name": lambda row: str(row.who),
    "members": lambda row: row.members,
    "reachable": lambda row: row.reachable,
    "tasks": lambda row: (row.overdue, row.tasks),
    "touches": lambda row: row.touches,
    "sales": lambda row: row.sales,
    "full": lambda row: row.full or 0.0,
}


@require_GET
@allow("owners.view")
def staff_list(request: HttpRequest) -> HttpResponse:
    """Everybody with what is on their plate."""
    now = clock.now()
    rows = _wanted(request, workload.loads(request.pool, now))
    sort = request.GET.get("sort", "-members")
    key = SORTS.get(sort.lstrip("-"), SORTS["members"])
    rows.sort(key=lambda row: (key(row), row.who.pk), reverse=sort.startswith("-"))
    page = cut(rows, lambda row: row.who.pk, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    context = {
        "page": page,
        "count": len(rows),
        "counted_at": next((row.counted_at for row in rows if row.counted_at != now), None),
        "behind": [row for row in rows if row.to_hand_over],
        "stores": [(row.pk, row.name) for row in Store.objects.filter(pool=request.pool, is_registered=True).order_by("name")],
        "duties": [("on", _("在职")), ("off", _("离职"))],
        "rule": queries.rule_of(request.pool),
        "rule_form": RuleForm(initial={"mode": queries.rule_of(request.pool).mode}),
    }
    return render_page(request, "ownership/staff.html", "results", context)


def _wanted(request: HttpRequest, rows: list[workload.Load]) -> list[workload.Load]:
    text = request.GET.get("q", "").strip().lower()
    stores, duties = set(request.GET.getlist("store")), set(request.GET.getlist("duty"))

    def fits(row: workload.Load) -> bool:
        said = f"{row.who} {row.who.user.username} {row.who.profile.wecom_userid if row.who.profile else ''}".lower()
        duty = "on" if row.who.is_on_duty else "off"
        return text in said and (not stores or str(row.who.store_id) in stores) and (not duties or duty in duties)

    return [row for row in rows if fits(row)]


@require_http_methods(["GET", "POST"])
@allow("staff.manage")
def staff_new(request: HttpRequest) -> HttpResponse:
    form = ColleagueForm(request.pool, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            profiles.add_colleague(
                pool=request.pool,
                username=form.cleaned_data["username"],
                display_name=form.cleaned_data["display_name"],
                facts=form.facts(),
                phone=form.said_phone or "",
                actor=request.user,
            )
            messages.success(request, _("已添加员工"))
            return redirect("ownership:staff")
        except Problem as problem:
            _refuse(form, problem)
    return render(request, "ownership/staff_edit.html", {"form": form}, status=422 if form.errors else 200)


def _refuse(form: Any, problem: Problem) -> None:
    field = next(iter(problem.fields), None)
    form.add_error(field if field in form.fields else None, problem.message)


@require_http_methods(["GET", "POST"])
@allow("staff.manage")
def staff_edit(request: HttpRequest, user_id: int) -> HttpResponse:
    who = queries.colleague_of(request.pool, user_id)
    form = ProfileForm(request.pool, request.POST or None, instance=who.profile)
    if request.method == "POST" and form.is_valid():
        try:
            profiles.save_profile(pool=request.pool, user=who.user, facts=form.facts(), phone=form.said_phone, actor=request.user)
            messages.success(request, _("档案已保存"))
            return redirect("ownership:staff")
        except Problem as problem:
            _refuse(form, problem)
    context = {"form": form, "who": who, "today": clock.now().astimezone(request.pool.zone).date()}
    return render(request, "ownership/staff_edit.html", context, status=422 if form.errors else 200)


@require_POST
@allow("staff.manage")
def staff_leave(request: HttpRequest, user_id: int) -> HttpResponse:
    """Somebody left: their members are handed over next."""
    who = queries.colleague_of(request.pool, user_id)
    try:
        on = date.fromisoformat(request.POST.get("on", ""))
        members = profiles.leave(pool=request.pool, user=who.user, on=on, actor=request.user)
    except (ValueError, Problem) as error:
        toast(request, getattr(error, "message", _("请填写离职日期")), level=messages.ERROR)
        return redirect("ownership:staff_edit", user_id)
    if members:
        messages.success(request, _("已登记离职；名下还有 %(n)s 位会员，请移交") % {"n": members})
        from django.urls import reverse

        return redirect(f"{reverse('ownership:handover_new')}?from={user_id}&kind=left")
    messages.success(request, _("已登记离职"))
    return redirect("ownership:staff")


@require_POST
@allow("staff.manage")
def staff_back(request: HttpRequest, user_id: int) -> HttpResponse:
    profiles.come_back(pool=request.pool, user=queries.colleague_of(request.pool, user_id).user, actor=request.user)
    messages.success(request, _("已恢复在职"))
    return redirect("ownership:staff_edit", user_id)


@require_POST
@allow("staff.manage")
def rule(request: HttpRequest) -> HttpResponse:
    form = RuleForm(request.POST)
    if form.is_valid():
        services.save_rule(pool=request.pool, mode=form.cleaned_data["mode"], actor=request.user)
        toast(request, _("自动分配规则已保存，对之后加入的会员生效"))
    else:
        toast(request, _("没有这种分配方式"), level=messages.ERROR)
    return redirect("ownership:staff")
