"""The import wizard: upload → map → check → import → result."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.importing import queries, rejects, services
from members.importing.forms import EXTENSIONS, MappingForm, ReadingForm, UploadForm
from members.models import ImportRun
from scrm.lib import clock
from scrm.lib.export import csv_response
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.staff.access import allow

Status = ImportRun.Status


@require_GET
@allow("imports.view")
def import_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "imports/list.html", "rows", {"runs": queries.runs(request.pool)})


@require_http_methods(["GET", "POST"])
@allow("imports.run")
def new(request: HttpRequest) -> HttpResponse:
    form = UploadForm(
        request.POST or None, request.FILES or None, initial={"kind": request.GET.get("kind", "members"), "channel": 1}
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            run = services.upload(
                pool=request.pool,
                kind=given["kind"],
                file=given["file"],
                file_name=given["file"].name,
                actor=request.user,
                channel=given["channel"],
            )
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            return redirect("imports:map", run.pk)
    return render(
        request, "imports/new.html", {"form": form, "extensions": EXTENSIONS, "steps": queries.steps()}, status=_status(form)
    )


def _status(form: Any) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200


@require_http_methods(["GET", "POST"])
@allow("imports.run")
def map_columns(request: HttpRequest, pk: int) -> HttpResponse:
    run = queries.run_of(request.pool, pk)
    if run.state.open:
        return redirect("imports:detail", pk)
    form = MappingForm(request.POST or None, run=run)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.save_mapping(
                run=run, mapping=given["mapping"], options=given["options"], channel=given.get("channel"), actor=request.user
            )
            services.start_check(run=run, actor=request.user)
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            return redirect("imports:detail", pk)
    return render(request, "imports/map.html", _map_page(run, form), status=_status(form))


def _map_page(run: ImportRun, form: MappingForm, reading: ReadingForm | None = None) -> dict[str, Any]:
    reading = reading or ReadingForm(initial={"encoding": run.encoding, "delimiter": run.delimiter})
    return {
        "run": run,
        "form": form,
        "reading": reading,
        "steps": queries.steps(),
        "twin": queries.twins(run).first(),
        "preview": run.sample[:8],
    }


@require_POST
@allow("imports.run")
def reread(request: HttpRequest, pk: int) -> HttpResponse:
    run = queries.run_of(request.pool, pk)
    reading = ReadingForm(request.POST)
    if reading.is_valid():
        try:
            services.reread(run=run, actor=request.user, **reading.cleaned_data)
            return redirect("imports:map", pk)
        except Problem as problem:
            reading.add_error(None, problem.message)
    return render(request, "imports/map.html", _map_page(run, MappingForm(run=run), reading), status=422)


@require_POST
@allow("imports.run")
def check(request: HttpRequest, pk: int) -> HttpResponse:
    services.start_check(run=queries.run_of(request.pool, pk), actor=request.user)
    return redirect("imports:detail", pk)


@require_POST
@allow("imports.run")
def start(request: HttpRequest, pk: int) -> HttpResponse:
    services.start_import(run=queries.run_of(request.pool, pk), actor=request.user)
    return redirect("imports:detail", pk)


@require_GET
@allow("imports.view")
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    run = queries.run_of(request.pool, pk)
    return render(request, "imports/detail.html", _detail(run))


def _detail(run: ImportRun) -> dict[str, Any]:
    state: queries.State = run.state  # type: ignore[attr-defined]
    context: dict[str, Any] = {"run": run, "state": state, "steps": queries.steps(), "step": queries.step_of(run)}
    if state.job is not None:
        context |= {"job": state.job, "phase": queries.PHASES.get(state.job.phase, ""), **queries.pace(state.job, clock.now())}
    if not state.open:
        context |= {"refusals": queries.refusals(run), "twin": queries.twins(run).first(), "tiles": _tiles(run)}
    return context


def _tiles(run: ImportRun) -> list[tuple[str, str, int, str]]:
    """What the rows came to: key, label, number, icon."""
    counts = run.counts
    checked = run.status == Status.CHECKED
    tiles = [
        ("rows", _("数据行"), "list-numbers"),
        ("new", _("将新增") if checked else _("新增"), "circle-plus"),
        ("updated", _("将更新") if checked else _("更新"), "refresh"),
        ("unchanged", _("没有变化"), "equal"),
        ("refused", _("拒绝"), "alert-triangle"),
        ("repeated", _("文件内重复"), "copy"),
        ("leads", _("新潜客"), "user-plus"),
        ("merged", _("合并的会员"), "arrow-merge"),
    ]
    always = {"rows", "new", "updated", "unchanged", "refused"}
    return [(key, label, counts.get(key, 0), icon) for key, label, icon in tiles if key in always or counts.get(key)]


@require_GET
@allow("imports.view")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The moving part of the page; when the job is over the whole page is asked for again."""
    run = queries.run_of(request.pool, pk)
    if not run.state.moving:
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    return render(request, "imports/progress.html", _detail(run))


@require_POST
@allow("imports.run")
def steer(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    run = queries.run_of(request.pool, pk)
    if run.state.job is not None:
        services.steer(run=run, what=what, actor=request.user)
    return redirect("imports:detail", pk)


@require_GET
@allow("imports.run")
def rejects_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The refused cells as they were sent, telephone numbers included: only for those who may upload them again."""
    run = queries.run_of(request.pool, pk)
    services.note_download(run=run, actor=request.user)
    title = _("%(name)s 被拒绝的行") % {"name": run.file_name.rsplit(".", 1)[0]}
    return csv_response(title, rejects.columns(run), rejects.rows(run))
