"""Pages of segments: list, builder, detail."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from members.models import Member
from members.views import exports
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.lib.ui import maybe_url
from scrm.staff.access import allow
from scrm.staff.permissions import may
from segmentation import builder
from segmentation.evaluate import Evaluation
from segmentation.models import Segment, SegmentVersion
from segmentation.preview import Preview, fact_groups, preview, windows
from segmentation.rules.parse import RuleError
from segmentation.segments import queries, services, usage
from segmentation.segments.forms import FreezeForm, ListForm, NameForm

PAGE = 200


def _one(request: HttpRequest, pk: int) -> Segment:
    return get_object_or_404(Segment.objects.select_related("pool", "actor"), pool=request.pool, pk=pk)  # type: ignore[misc]


def _may(request: HttpRequest, permission: str) -> bool:
    return may(request.role, permission)


# -- List ----------------------------------------------------------------------------------------
@allow("segments.view")
@require_GET
def segment_list(request: HttpRequest) -> HttpResponse:
    """All segments of the pool with their sentence, size and history."""
    archived = request.GET.get("archived") == "1"
    found = list(queries.segments(request.pool, q=request.GET.get("q", ""), archived=archived)[:PAGE])
    total = len(Evaluation(request.pool, clock.now()).universe)
    context = {
        "cards": queries.cards(request.pool, found, total),
        "total": total,
        "archived": archived,
        "building": any(segment.status == Segment.Status.BUILDING for segment in found),
        "may_edit": _may(request, "segments.edit"),
    }
    return render_page(request, "segments/list.html", "rows", context)


# -- Builder -------------------------------------------------------------------------------------
@allow("segments.edit")
def segment_new(request: HttpRequest) -> HttpResponse:
    """Compose a segment; `?rule=` and `?name=` may begin it."""
    return _build(request, None)


@allow("segments.edit")
def segment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the rule of a live segment: a new version."""
    segment = _one(request, pk)
    if segment.kind != Segment.Kind.LIVE:
        toast(request, _("快照和名单的成员是固定的，不能改规则"), level=messages.WARNING)
        return redirect("segments:detail", pk)
    return _build(request, segment)


def _build(request: HttpRequest, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        name = (
            {"name": segment.name, "note": segment.note, "kind": segment.kind}
            if segment
            else {"name": request.GET.get("name", "")}
        )
        return _builder(request, segment, _first_draft(request, segment), NameForm(initial=name))
    draft, command, form = builder.decode(request.POST), request.POST.get("op", ""), NameForm(request.POST)
    if command in ("save", "save-as"):
        return _save(request, segment, draft, form, as_new=command == "save-as")
    builder.edit(draft, command)
    return _builder(request, segment, draft, NameForm(initial=request.POST.dict()))


def _first_draft(request: HttpRequest, segment: Segment | None) -> builder.Group:
    if segment is None:
        return _given_draft(request.GET.get("rule", "")) or builder.Group("all", [builder.Row()])
    wanted = request.GET.get("version", "")
    n = int(wanted) if wanted.isdigit() else segment.version
    return builder.draft(get_object_or_404(SegmentVersion, segment=segment, n=n).rule)


def _given_draft(text: str) -> builder.Group | None:
    """A rule in the address, as charts and the API's users link to it; nonsense is ignored."""
    import json

    from segmentation.rules.parse import parse

    try:
        rule = json.loads(text)
        parse(rule)
    except (ValueError, RecursionError):
        return None
    return builder.draft(rule)


def _save(request: HttpRequest, segment: Segment | None, draft: builder.Group, form: NameForm, *, as_new: bool) -> HttpResponse:
    shown = preview(request.pool, draft, clock.now())
    if form.is_valid() and not shown.faults:
        try:
            saved = _saved(request, None if as_new else segment, shown, form.cleaned_data)
        except services.BadRule as error:
            shown.orphans += [fault.text.zh for fault in error.faults]
        except Problem as problem:
            form.add_error("name" if "name" in problem.fields else None, problem.message)
        else:
            toast(request, _("分群已保存，正在计算"))
            return _go(request, reverse("segments:detail", args=[saved.pk]))
    return _builder(request, segment, draft, form, shown, status=422)


def _saved(request: HttpRequest, segment: Segment | None, shown: Preview, data: dict[str, Any]) -> Segment:
    named = {"pool": request.pool, "name": data["name"], "note": data["note"], "actor": request.user}
    if segment is None and data["kind"] == Segment.Kind.SNAPSHOT:
        services.checked(request.pool, shown.rule)
        return services.fix(ids=shown.result.bitmap, as_of=shown.result.as_of, rule=shown.rule, **named)
    return services.save(rule=shown.rule, segment=segment, **named)


def _go(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else HttpResponseRedirect(url)


def _builder(
    request: HttpRequest,
    segment: Segment | None,
    draft: builder.Group,
    form: NameForm,
    shown: Preview | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "segment": segment,
        "form": form,
        "preview": shown or preview(request.pool, draft, clock.now()),
        "facts": fact_groups(request.pool),
        "windows": windows(),
        "joins": [("all", _("且")), ("any", _("或")), ("none", _("非"))],
    }
    return render_page(request, "segments/builder.html", "builder", context, status=status)


# -- Lists ---------------------------------------------------------------------------------------
@allow("segments.edit")
def list_new(request: HttpRequest) -> HttpResponse:
    """A static list from pasted lines or a file."""
    form = ListForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.save_list(
                pool=request.pool,
                name=data["name"],
                note=data["note"],
                text=data["members"],
                actor=request.user,
                as_of=clock.now(),
            )
        except Problem as problem:
            form.add_error(next((field for field in problem.fields if field in form.fields), None), problem.message)
        else:
            toast(request, _("名单已保存：%(n)s 位会员") % {"n": made.found})
            if made.unknown:
                text = _("没有找到：%(names)s") % {"names": "、".join(made.unknown)}
                toast(request, text, level=messages.WARNING)
            return redirect("segments:detail", made.segment.pk)
    return render(request, "segments/list_new.html", {"form": form}, status=422 if form.is_bound else 200)


# -- Detail --------------------------------------------------------------------------------------
@allow("segments.view")
@require_GET
def segment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a segment says, how it grew, who came and went, and who uses it."""
    segment = _one(request, pk)
    now = clock.now()
    found = queries.members_now(segment, now)
    look = Evaluation(request.pool, now)
    context = {
        "segment": segment,
        "versions": queries.versions(segment),
        "size": len(found),
        "total": len(look.universe),
        "share": len(found) / len(look.universe) if look.universe else 0,
        "sample": queries.sample(found),
        "bars": queries.reach(look, found, request.LANGUAGE_CODE),
        "moves": queries.compared(segment, _number(request, "before"), _number(request, "after")),
        "snapshots": queries.snapshot_choices(segment),
        "uses": usage.uses(segment),
        "why": _why(request, segment),
        "freeze": FreezeForm(),
        "campaign_url": _campaign_url(request, segment),
        "may_edit": _may(request, "segments.edit"),
        "may_export": _may(request, "members.export"),
    }
    return render_page(request, "segments/detail.html", "state", context)


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 18 else None


def _campaign_url(request: HttpRequest, segment: Segment) -> str:
    url = maybe_url("campaigns:new") if _may(request, "campaigns.edit") else ""
    return f"{url}?segment={segment.pk}" if url else ""


def _why(request: HttpRequest, segment: Segment) -> dict[str, Any] | None:
    """Each part of the rule for one member, and in which snapshots they were."""
    text = request.GET.get("member", "").strip()
    if not text:
        return None
    number = _number(request, "member")
    member = Member.objects.filter(pool=request.pool, pk=number).first() if number else None
    if member is None:
        return {"text": text, "member": None}
    rule = SegmentVersion.objects.get(segment=segment, n=segment.version).rule
    try:
        reasons = queries.reasons(request.pool, rule, member.pk, clock.now()) if rule else []
    except RuleError:
        reasons = []
    was = queries.was_member(segment, member.pk)
    return {"text": text, "member": member, "reasons": reasons, "was": was[-12:], "inside": bool(was) and was[-1][1]}


@allow("segments.edit")
@require_POST
def segment_refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Compute again now."""
    segment = _one(request, pk)
    if segment.kind == Segment.Kind.LIVE:
        services.ask_refresh(segment=segment, actor=request.user)
    return redirect("segments:detail", pk)


@allow("segments.edit")
@require_POST
def segment_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Put away or bring back; refused while something needs it."""
    segment = _one(request, pk)
    try:
        if segment.is_archived:
            services.restore(segment=segment, actor=request.user)
        else:
            services.archive(segment=segment, actor=request.user)
            toast(request, _("分群已归档"), undo=reverse("segments:archive", args=[pk]))
    except services.InUse as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("segments:detail", pk)
    return redirect("segments:list")


@allow("segments.edit")
@require_POST
def segment_freeze(request: HttpRequest, pk: int) -> HttpResponse:
    """A snapshot of its members as a segment of its own."""
    segment, form = _one(request, pk), FreezeForm(request.POST)
    if not form.is_valid():
        toast(request, _("请填写快照名称"), level=messages.ERROR)
        return redirect("segments:detail", pk)
    try:
        made = services.freeze(segment=segment, name=form.cleaned_data["name"], actor=request.user, as_of=clock.now())
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("segments:detail", pk)
    toast(request, _("快照已保存"))
    return redirect("segments:detail", made.pk)


@allow("members.export")
@require_GET
def segment_export(request: HttpRequest, pk: int) -> HttpResponse:
    """Its members as a file: what for, which columns, masked or agreed to by a second person."""
    segment = _one(request, pk)
    return exports.page(request, f"segment={segment.pk}", title=segment.name)
