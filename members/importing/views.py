"""The import wizard: upload → map → check → import → result."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.importing import fields, mappings, presets, queries, rejects, revert, services, sniffing
from members.importing.fields import ATTRIBUTE
from members.importing.forms import EXTENSIONS, MappingForm, ReadingForm, SaveForm, UploadForm, looks_like_items, preset_choices
from members.models import ImportLeftover, ImportRun
from members.privacy import looks
from scrm.lib import clock, formats
from scrm.lib.export import csv_response
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow

Status = ImportRun.Status
LEFT = 200  # rows of what a revert left that the page shows
TAKEN = {
    "members_removed": gettext_lazy("收回的会员"),
    "members_restored": gettext_lazy("复原的会员"),
    "identities_removed": gettext_lazy("收回的身份标识"),
    "merges_undone": gettext_lazy("解除的合并"),
    "orders_removed": gettext_lazy("收回的订单"),
    "orders_restored": gettext_lazy("复原的订单"),
    "lines_removed": gettext_lazy("收回的订单行"),
    "lines_restored": gettext_lazy("复原的订单行"),
    "refunds_removed": gettext_lazy("收回的退款"),
    "refunds_restored": gettext_lazy("复原的退款"),
    "products_removed": gettext_lazy("收回的商品"),
    "products_restored": gettext_lazy("复原的商品"),
    "events_removed": gettext_lazy("收回的行为事件"),
    "stores_removed": gettext_lazy("收回的门店"),
    "consents_removed": gettext_lazy("收回的同意记录"),
}
LABELS = {
    "member": gettext_lazy("会员"),
    "identity": gettext_lazy("身份标识"),
    "order": gettext_lazy("订单"),
    "line": gettext_lazy("订单行"),
    "product": gettext_lazy("商品"),
    "event": gettext_lazy("行为事件"),
    "merge": gettext_lazy("身份合并"),
    "refund": gettext_lazy("退款"),
    "stores": gettext_lazy("门店"),
    "consent": gettext_lazy("同意"),
}


@require_GET
@allow("imports.view")
def import_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "imports/list.html", "rows", {"runs": queries.runs(request.pool)})


@require_http_methods(["GET", "POST"])
@allow("imports.run")
def new(request: HttpRequest) -> HttpResponse:
    corrects = queries.corrected(request.pool, request.GET.get("corrects", ""))
    form = UploadForm(request.POST or None, request.FILES or None, initial=_upload_initial(request, corrects))
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
                told=services.Told(corrects=corrects if corrects and corrects.kind == given["kind"] else None),
            )
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            return redirect("imports:map", run.pk)
    context = {"form": form, "extensions": EXTENSIONS, "steps": queries.steps(), "corrects": corrects, "platforms": _platforms()}
    return render(request, "imports/new.html", context, status=_status(form))


def _upload_initial(request: HttpRequest, corrects: ImportRun | None) -> dict[str, Any]:
    if corrects:
        return {"kind": corrects.kind, "channel": corrects.channel_id}
    return {"kind": request.GET.get("kind", "members")}


def _platforms() -> list[str]:
    """What is recognised by itself, named for the page."""
    return list(dict.fromkeys(preset.label for preset in presets.every().values()))


def _status(form: Any) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200


@require_http_methods(["GET", "POST"])
@allow("imports.run")
def map_columns(request: HttpRequest, pk: int) -> HttpResponse:
    run = queries.run_of(request.pool, pk)
    if run.state.open:
        return redirect("imports:detail", pk)
    if request.method == "POST" and request.GET.get("preview"):
        return render_page(request, "imports/map.html", "body", _map_page(run, _previewed(run, request.POST)))
    form = MappingForm(request.POST or None, run=run)
    if request.method == "POST" and form.is_valid() and (answer := _mapped(request, run, form)) is not None:
        return answer
    return render(request, "imports/map.html", _map_page(run, form), status=_status(form))


def _previewed(run: ImportRun, given: Any) -> MappingForm:
    """The form as it would look with other columns chosen: their samples and words. Nothing is kept."""
    run.mapping = {name[4:]: column for name, column in given.items() if name.startswith("map:") and column in run.columns}
    run.mapping |= {f"{ATTRIBUTE}{column}": column for column in given.getlist("own")}
    initial = {name: given.getlist(name) if name == "own" else value for name, value in given.items()}
    return MappingForm(run=run, initial=initial)


def _mapped(request: HttpRequest, run: ImportRun, form: MappingForm) -> HttpResponse | None:
    """Keep the mapping and check the file, unless there are words to be explained first."""
    given = form.cleaned_data
    try:
        services.save_mapping(
            run=run, mapping=given["mapping"], options=given["options"], channel=given.get("channel"), actor=request.user
        )
        if form.unseen():
            toast(request, _("新选的列里有不认识的词：请说明它们的含义，或直接再点一次「检查文件」"), level=messages.WARNING)
            return redirect("imports:map", run.pk)
        services.start_check(run=run, actor=request.user)
    except Problem as problem:
        form.add_error(None, problem.message)
        return None
    return redirect("imports:detail", run.pk)


def _map_page(run: ImportRun, form: MappingForm, reading: ReadingForm | None = None) -> dict[str, Any]:
    applied = run.options.get("applied", {})
    return {
        "run": run,
        "form": form,
        "reading": reading or ReadingForm(run=run),
        "layout": sniffing.found_of(run),
        "steps": queries.steps(),
        "twin": queries.twins(run).first(),
        "preview": list(run.sample[:8]),
        "ignored": [name for name in run.columns if name in fields.ours()],
        "applied": applied,
        "preset": presets.get(applied.get("key", "")),
        "choices": preset_choices(run),
        "saved": mappings.saved_mappings(run.pool),
        "elsewhere": _elsewhere(run),
        "items": looks_like_items(run),
        "saving": SaveForm(initial={"name": applied.get("name", "") if applied.get("by") == "saved" else ""}),
    }


def _elsewhere(run: ImportRun) -> presets.Match | None:
    """A preset of another kind of file that fits much better than what this file was said to be."""
    if presets.matches(run.columns, run.kind):
        return None
    lacking = fields.missing(run.kind, run.mapping)
    return next((match for match in presets.matches(run.columns) if lacking or match.preset.sure), None)


@require_POST
@allow("imports.run")
def reread(request: HttpRequest, pk: int) -> HttpResponse:
    run = queries.run_of(request.pool, pk)
    reading = ReadingForm(request.POST, run=run)
    if reading.is_valid():
        try:
            services.reread(run=run, actor=request.user, **{key: value for key, value in reading.cleaned_data.items() if value})
            return redirect("imports:map", pk)
        except Problem as problem:
            reading.add_error(None, problem.message)
    return render(request, "imports/map.html", _map_page(run, MappingForm(run=run), reading), status=422)


@require_POST
@allow("imports.run")
def read_as(request: HttpRequest, pk: int) -> HttpResponse:
    """By a preset, a kept mapping, or the headings alone."""
    run = queries.run_of(request.pool, pk)
    chosen = request.POST.get("by", "")
    try:
        if chosen.startswith("saved:"):
            services.read_as(run=run, actor=request.user, saved=mappings.saved_of(request.pool, chosen.removeprefix("saved:")))
        else:
            services.read_as(run=run, actor=request.user, preset=chosen)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("imports:map", pk)


@require_POST
@allow("imports.run")
def keep_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what stands in the mapping form under a name, for the next file of this kind."""
    run = queries.run_of(request.pool, pk)
    form, saving = MappingForm(request.POST, run=run), SaveForm(request.POST)
    if not (form.is_valid() and saving.is_valid()):
        if saving.is_valid():
            toast(request, _("还没有保存：请先把列对应好"), level=messages.ERROR)
        return render(request, "imports/map.html", _map_page(run, form) | {"saving": saving}, status=422)
    given = form.cleaned_data
    try:
        kept = services.keep_mapping(
            run=run,
            name=saving.cleaned_data["name"],
            mapping=given["mapping"],
            options=given["options"],
            channel=given.get("channel"),
            actor=request.user,
        )
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    else:
        toast(request, _("已保存为方案「%(name)s」，下次遇到同样的列会自动用上") % {"name": kept.name})
    return redirect("imports:map", pk)


@require_GET
@allow("imports.view")
def mapping_list(request: HttpRequest) -> HttpResponse:
    return render(request, "imports/mappings.html", {"saved": mappings.saved_mappings(request.pool), "presets": _by_platform()})


def _by_platform() -> list[tuple[str, list[presets.Preset]]]:
    grouped: dict[str, list[presets.Preset]] = {}
    for preset in presets.every().values():
        grouped.setdefault(preset.label, []).append(preset)
    return list(grouped.items())


@require_POST
@allow("imports.run")
def rename_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        mappings.rename(saved=mappings.saved_of(request.pool, str(pk)), name=request.POST.get("name", ""), actor=request.user)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("imports:mappings")


@require_POST
@allow("imports.run")
def forget_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    mappings.forget(saved=mappings.saved_of(request.pool, str(pk)), actor=request.user)
    return redirect("imports:mappings")


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
    return render(request, "imports/detail.html", _detail(run) | _outcome(run, request.GET.get("show", "")))


def _detail(run: ImportRun) -> dict[str, Any]:
    state: queries.State = run.state  # type: ignore[attr-defined]
    context: dict[str, Any] = {"run": run, "state": state, "steps": queries.steps(), "step": queries.step_of(run)}
    if state.job is not None:
        context |= {"job": state.job, "phase": queries.PHASES.get(state.job.phase, ""), **queries.pace(state.job, clock.now())}
    return context


def _outcome(run: ImportRun, show: str) -> dict[str, Any]:
    """What came of a check or an import; what a revert left."""
    if run.state.open:  # type: ignore[attr-defined]
        return {}
    context: dict[str, Any] = {"refusals": queries.refusals(run), "twin": queries.twins(run).first(), "tiles": _tiles(run)}
    if run.status == Status.CHECKED:
        tabs = queries.tabs(run)
        shown = show if show in {tab["key"] for tab in tabs} else next((tab["key"] for tab in tabs if tab["count"]), "")
        headings, seen = queries.samples(run, shown)
        context |= {"tabs": tabs, "shown": shown, "headings": headings, "seen": seen}
    elif run.status == Status.REVERTED:
        left = revert.leftovers(run)
        context |= {"stayed": [_left(each) for each in left[:LEFT]], "stayed_count": left.count(), "taken": _taken(run)}
    else:
        context["unrevertable"] = revert.revertable(run, clock.now())
    return context


def _left(each: ImportLeftover) -> dict[str, Any]:
    return {
        "what": LABELS.get(each.label, each.label),
        "name": each.name,
        "member": each.subject,
        "reason": revert.REASONS.get(each.reason, each.reason),
        "detail": formats.listed(each.detail.get("fields") or each.detail.get("tables") or []),
    }


def _taken(run: ImportRun) -> list[tuple[str, int]]:
    """What a revert took out or put back."""
    done: dict[str, int] = run.journal.get("reverted", {})
    return [(str(label), done[name]) for name, label in TAKEN.items() if done.get(name)]


@require_POST
@allow("imports.run")
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the import back."""
    try:
        revert.start_revert(run=queries.run_of(request.pool, pk), actor=request.user, as_of=clock.now())
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("imports:detail", pk)


def _tiles(run: ImportRun) -> list[tuple[str, str, int, str]]:
    """What the rows came to: key, label, number, icon."""
    counts = run.counts
    checked = run.status == Status.CHECKED
    tiles = [
        ("rows", _("数据行"), "list-numbers"),
        ("new", _("将新增") if checked else _("新增"), "circle-plus"),
        ("updated", _("将更新") if checked else _("更新"), "refresh"),
        ("unchanged", _("没有变化"), "equal"),
        ("conflicting", _("冲突"), "alert-circle"),
        ("refused", _("拒绝"), "alert-triangle"),
        ("skipped", _("按设定跳过"), "player-skip-forward"),
        ("repeated", _("文件内重复"), "copy"),
        ("folded", _("并入同一订单"), "stack-push"),
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
    services.note_download(run=run, actor=request.user, as_of=clock.now(), via=looks.via(request))
    title = _("%(name)s 被拒绝的行") % {"name": run.file_name.rsplit(".", 1)[0]}
    return csv_response(title, rejects.columns(run), rejects.rows(run))
