"""Pages of hand-overs: begin one, watch it, take it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import queries as people
from members.models import Handover, Member, Store
from members.ownership import choosing, files, queries, services, uploading
from members.ownership.forms import HandoverForm, OwnersFileForm
from members.stores import services as stores
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.models import User

PAGE = 30


@require_GET
@allow("owners.view")
def handover_list(request: HttpRequest) -> HttpResponse:
    """Everything that changed hands together, newest first; `after` is the last number seen."""
    found = queries.handovers(request.pool)
    if (after := request.GET.get("after", "")).isdecimal():
        found = found.filter(pk__lt=int(after))
    rows = list(found[: PAGE + 1])
    context = {"rows": queries.with_jobs(rows[:PAGE]), "next": rows[PAGE - 1].pk if len(rows) > PAGE else "", "after": after}
    return render_page(request, "ownership/handovers.html", "results", context)


def _form(request: HttpRequest, data: Any = None) -> HandoverForm:
    receivers = queries.may_receive(request.pool)
    choices = [(str(each.pk), f"{each} · {n:,}") for each, n in receivers]
    return HandoverForm(request.pool, choices, data, initial={"kind": request.GET.get("kind", "on_duty")})


@require_http_methods(["GET", "POST"])
@allow("owners.assign")
def handover_new(request: HttpRequest) -> HttpResponse:
    """Whose members, which, to whom; the counts follow every change."""
    giving = queries.gives(request.pool)
    number = request.POST.get("from") or request.GET.get("from", "")
    chosen = next((each for each, _n in giving if str(each.pk) == number), giving[0][0] if giving and not number else None)
    if request.method == "POST" and chosen is None:
        toast(request, _("请选择把谁的会员移交出去"), level=messages.ERROR)
        return redirect("ownership:handover_new")
    form = _form(request, request.POST or None)
    if chosen and "kind" not in request.GET and not chosen.is_on_duty:
        form.initial["kind"] = Handover.Kind.LEFT
    if request.method == "POST" and form.is_valid():
        try:
            made = _start(request, form, chosen.user)  # type: ignore[union-attr]  # asked for above
            return redirect("ownership:handover", made.pk)
        except Problem as problem:
            field = next(iter(problem.fields), None)
            form.add_error(field if field in form.fields else None, problem.message)
    context = {
        "form": form,
        "giving": giving,
        "chosen": chosen,
        "receivers": queries.may_receive(request.pool),
        "picked": request.POST.getlist("to"),
        "plan": _plan(request, form, chosen) if chosen else None,
    }
    return render(request, "ownership/handover_new.html", context, status=422 if form.errors else 200)


def _start(request: HttpRequest, form: HandoverForm, giver: User) -> Handover:
    given = form.cleaned_data
    return services.hand_over(
        pool=request.pool,
        from_user=giver,
        to=[int(each) for each in given["to"]],
        kind=given["kind"],
        split=given["split"],
        query=form.query(),
        reason=given["reason"],
        actor=request.user,
        as_of=clock.now(),
    )


def _plan(request: HttpRequest, form: HandoverForm, chosen: Any) -> dict[str, Any]:
    """Who would get how many, as the form stands."""
    given = getattr(form, "cleaned_data", {}) if form.is_bound else {}
    query = form.query() if given else ""
    to = [int(each) for each in given.get("to", [])]
    ids = choosing.chosen(request.pool, {"query": query}, chosen.pk)
    parts = choosing.shares(request.pool, ids, to, given.get("split", "even")) if to else []
    busy = {each.pk: (each, n) for each, n in queries.may_receive(request.pool)}
    rows = [(busy[user][0], busy[user][1], len(part)) for user, part in parts if user in busy]
    return {"total": len(ids), "rows": rows}


@require_POST
@allow("owners.assign")
def handover_preview(request: HttpRequest) -> HttpResponse:
    """The counts alone, as the form stands."""
    number = request.POST.get("from", "")
    chosen = queries.colleague_of(request.pool, int(number) if number.isdecimal() else 0)
    form = _form(request, request.POST)
    form.is_valid()
    return render(request, "ownership/plan.html", {"plan": _plan(request, form, chosen)})


@require_GET
@allow("owners.view")
def handover(request: HttpRequest, pk: int) -> HttpResponse:
    """Who got whom, and who is still there."""
    found = queries.handover_of(request.pool, pk)
    job = JobRun.objects.filter(pk=found.job_id or 0).first()
    undoing = JobRun.objects.filter(pk=found.undo_job_id or 0).first()
    context = {
        "handover": found,
        "job": job,
        "undoing": undoing,
        "rows": queries.outcome(found),
        "may_undo": bool(found.moved and not found.undo_job_id and not (job and job.is_open)),
    }
    return render_page(request, "ownership/handover.html", "outcome", context)


@require_POST
@allow("owners.assign")
def handover_undo(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        services.undo(handover=queries.handover_of(request.pool, pk), actor=request.user)
        toast(request, _("正在撤销；期间又换了归属的会员保持不动"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("ownership:handover", pk)


@require_http_methods(["GET", "POST"])
@allow("owners.assign")
def owners_import(request: HttpRequest) -> HttpResponse:
    """A file of owners and home stores, and what became of the ones before."""
    form = OwnersFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            uploading.upload(pool=request.pool, file=form.cleaned_data["file"], actor=request.user)
            toast(request, _("文件已收下，正在导入"))
            return redirect("ownership:import")
        except Problem as problem:
            form.add_error(None, problem.message)
    jobs = JobRun.objects.filter(pool_id=request.pool.pk, kind=services.FILE_JOB).select_related("actor").order_by("-pk")[:20]
    context = {"form": form, "jobs": jobs, "columns": files.COLUMNS}
    return render(request, "ownership/import.html", context, status=422 if form.errors else 200)


# -- One member -----------------------------------------------------------------------------------
@require_POST
@allow("owners.assign")
def give(request: HttpRequest, pk: int) -> HttpResponse:
    """On the member's page: another owner, another home store."""
    member = people.member_of(request.pool, pk)
    try:
        _give(request, member)
        toast(request, _("归属已更改"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return HttpResponseRedirect(reverse("members:detail", args=[pk]) + "?tab=ownership")


def _give(request: HttpRequest, member: Member) -> None:
    now, owner, store = clock.now(), request.POST.get("owner", ""), request.POST.get("store", "")
    to = queries.colleague_of(request.pool, int(owner)).user if owner.isdecimal() else None
    home = Store.objects.filter(pool=request.pool, pk=int(store)).first() if store.isdecimal() else None
    if str(member.owner_id or "") != owner:
        reason = request.POST.get("reason", "").strip()
        services.assign(pool=request.pool, members=[member.pk], to=to, reason=reason, actor=request.user, as_of=now)
    if str(member.store_id or "") != store:
        stores.set_home(pool=request.pool, members=[member.pk], store=home, actor=request.user, as_of=now)
