"""Exports of the member list: asked for from the list, agreed to by a second person, fetched here."""

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import exported, exporting, saved
from members import queries as members
from members.models import ExportRequest
from members.privacy import looks
from members.privacy.forms import ExportForm, PersonForm
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.export import XLSX, filename
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import Refused, allow
from scrm.staff.permissions import may

TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX, "zip": "application/zip"}
SHOWN = 50


def _export(request: HttpRequest, pk: int) -> ExportRequest:
    found = ExportRequest.objects.select_related("pool", "requester", "approver")
    return get_object_or_404(found, pool=request.pool, pk=pk)


def _with_jobs(rows: list[ExportRequest]) -> list[tuple[ExportRequest, JobRun | None]]:
    known = JobRun.objects.in_bulk([row.job_id for row in rows if row.job_id])
    return [(row, known.get(row.job_id or 0)) for row in rows]


def ask(request: HttpRequest, chosen: dict[str, Any]) -> None:
    """From the bar of the list: {"ids": […]} or {"query": "stage=1"}."""
    for permission in ("members.export", *(["members.reveal"] if request.POST.get("plain") else [])):
        if not may(request.role, permission):
            raise Refused(permission)
    made = exporting.request(
        pool=request.pool,
        chosen=chosen,
        purpose=request.POST.get("purpose", ""),
        reason=request.POST.get("reason", ""),
        columns=request.POST.getlist("column") or None,
        form=request.POST.get("form", "csv"),
        full=bool(request.POST.get("plain")),
        actor=request.user,
        as_of=clock.now(),
        via=looks.via(request),
    )
    waits = made.status == ExportRequest.Status.REQUESTED
    said = _("已提交审批：另一位同事同意后生成文件") if waits else _("导出已开始，完成后可在「我的导出」中下载")
    toast(request, said)


@require_http_methods(["GET", "POST"])
@allow("members.export")
def new(request: HttpRequest) -> HttpResponse:
    """An export of everybody a query of the list asks for."""
    query = saved.cleaned((request.POST or request.GET).get("query", ""))
    form = _form(request, query)
    if request.method == "POST" and form.is_valid():
        try:
            ask(request, {"query": query})
            return redirect("members:exports")
        except Problem as problem:
            form.add_error(next((name for name in problem.fields if name in form.fields), None), problem.message)
    return page(request, query, form=form)


def _form(request: HttpRequest, query: str) -> ExportForm:
    columns = [(key, str(part.label)) for key, part in exported.parts(request.pool).items()]
    initial = {"query": query, "column": exported.USUAL, "purpose": "analysis"}
    reveals = may(request.role, "members.reveal")
    return ExportForm(request.POST or None, initial=initial, columns=columns, reveals=reveals)


def page(request: HttpRequest, query: str, *, title: str = "", form: ExportForm | None = None) -> HttpResponse:
    """The form of an export, for whoever has a list of their own to offer."""
    form = form or _form(request, query)
    count = len(exporting.set_of(request.pool, {"query": query}))
    context = {"form": form, "count": count, "title": title, "query": query}
    return render(request, "privacy/export_new.html", context, status=422 if form.is_bound else 200)


@require_GET
@allow("members.export")
def exports(request: HttpRequest) -> HttpResponse:
    """One's own exports, newest first."""
    rows = _with_jobs(list(exporting.requests_of(request.pool, request.user)[:SHOWN]))
    busy = any(row.status in ("requested", "approved") for row, _job in rows)
    return render_page(request, "privacy/exports.html", "rows", {"rows": rows, "busy": busy, "tab": "mine", **_waiting(request)})


def _waiting(request: HttpRequest) -> dict[str, Any]:
    return {"waiting": exporting.waiting_for(request.pool, request.user, clock.now()).count()}


@require_GET
@allow("members.export.approve")
def approvals(request: HttpRequest) -> HttpResponse:
    """Requests of others that wait, and those that were decided on."""
    waiting = exporting.waiting_for(request.pool, request.user, clock.now())[:SHOWN]
    known = exported.parts(request.pool)
    context = {
        "open": [(row, [str(known[key].label) for key in row.columns if key in known]) for row in waiting],
        "decided": list(exporting.decided(request.pool)[:SHOWN]),
        "tab": "approvals",
        **_waiting(request),
    }
    return render(request, "privacy/approvals.html", context)


@require_POST
@allow("members.export.approve")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Agree or refuse."""
    approve = request.POST.get("approve") == "1"
    try:
        exporting.decide(
            export=_export(request, pk),
            approve=approve,
            note=request.POST.get("note", ""),
            actor=request.user,
            as_of=clock.now(),
        )
        toast(request, _("已同意，文件正在生成") if approve else _("已拒绝"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("privacy:approvals")


@require_POST
@allow("members.export")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        exporting.cancel(export=_export(request, pk), actor=request.user)
        toast(request, _("已取消"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("members:exports")


@require_GET
@allow("members.export")
def download(request: HttpRequest, job_id: int) -> FileResponse:
    """The file, for whoever asked for it; each download is written down."""
    export = _export(request, job_id)
    try:
        path = exporting.download(export=export, actor=request.user, as_of=clock.now(), via=looks.via(request))
    except Problem as problem:
        raise Http404(problem.message) from problem
    title = f"{_('会员')}-{export.pool.slug}-{export.pk}"
    response = FileResponse(
        path.open("rb"), as_attachment=True, filename=filename(title, export.form), content_type=TYPES[export.form]
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "POST"])
@allow("members.reveal")
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """A copy of everything about one member."""
    member = members.member_of(request.pool, pk)
    if member.merged_into is not None:
        raise Http404("merged or erased")
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            exporting.request_person(
                member=member, **form.cleaned_data, actor=request.user, as_of=clock.now(), via=looks.via(request)
            )
            toast(request, _("已开始，完成后可在「我的导出」中下载"))
            return redirect("members:exports")
        except Problem as problem:
            form.add_error(None, problem.message)
    return render(request, "privacy/person.html", {"member": member, "form": form}, status=422 if form.is_bound else 200)
