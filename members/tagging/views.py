"""Pages of tags: the library, one tag, groups, merging, the report."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import queries as members
from members.models import Tag, TagGroup, TagMerge
from members.tagging import groups, joining, keepers, queries, services, usage
from members.tagging.forms import GroupForm, MergeForm, TagForm
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.permissions import may

SHELVES = 40  # groups a page shows


def _tag(request: HttpRequest, pk: int) -> Tag:
    return get_object_or_404(Tag.objects.select_related("group__owner", "pool"), pool=request.pool, pk=pk)


@require_GET
@allow("members.view")
def tag_list(request: HttpRequest) -> HttpResponse:
    """The library: groups with their tags, how many carry each, and what keeps them."""
    q, source = request.GET.get("q", ""), request.GET.get("source", "")
    found = queries.library(request.pool, clock.now(), q=q, source=source if source in Tag.Source else "")
    page = Paginator(found.shelves, SHELVES).get_page(request.GET.get("page"))
    context = {"library": found, "shelves": page.object_list, "page": page, "sources": Tag.Source.choices, "source": source}
    return render_page(request, "tags/list.html", "rows", context)


@require_http_methods(["GET", "POST"])
@allow("tags.edit")
def group_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a group."""
    group = get_object_or_404(TagGroup, pool=request.pool, pk=pk) if pk else None
    instance = TagGroup.objects.get(pk=pk) if pk else None
    form = GroupForm(request.POST or None, instance=instance, pool=request.pool)
    if request.method == "POST" and form.is_valid():
        try:
            groups.save_group(pool=request.pool, group=group, **form.cleaned_data, actor=request.user)
            toast(request, _("标签组「%(name)s」已保存") % {"name": form.cleaned_data["name"]})
            return redirect("tags:list")
        except Problem as problem:
            form.add_error(_field(form, problem), problem.message)
    return render(request, "tags/edit.html", {"form": form, "group": group, "what": "group"})


def _field(form: Any, problem: Problem) -> str | None:
    return next((name for name in problem.fields if name in form.fields), None)


@require_http_methods(["GET", "POST"])
@allow("tags.edit")
def tag_edit(request: HttpRequest, group_pk: int, pk: int | None = None) -> HttpResponse:
    """Make a tag, or change its name, group, validity and note."""
    group = get_object_or_404(TagGroup, pool=request.pool, pk=group_pk)
    tag = get_object_or_404(Tag, group=group, pk=pk) if pk else None
    instance = Tag.objects.get(pk=pk) if pk else None
    initial = {} if pk else {"group": group.pk, "place": None}
    form = TagForm(request.POST or None, instance=instance, pool=request.pool, group=group, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_tag(tag=tag, **form.cleaned_data, actor=request.user)
            toast(request, _("标签「%(name)s」已保存") % {"name": saved.name})
            return redirect("tags:detail", saved.pk)
        except Problem as problem:
            form.add_error(_field(form, problem), problem.message)
    return render(request, "tags/edit.html", {"form": form, "group": group, "tag": tag, "what": "tag"})


@require_POST
@allow("tags.edit")
def tag_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a tag off everybody; refused while something names it."""
    tag = _tag(request, pk)
    try:
        carriers = services.delete_tag(tag=tag, actor=request.user, as_of=clock.now())
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("tags:detail", pk)
    toast(request, _("已删除「%(tag)s」，并从 %(n)s 位会员身上取下") % {"tag": tag.name, "n": carriers})
    return redirect("tags:list")


@require_POST
@allow("tags.edit")
def group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an empty group away."""
    group = get_object_or_404(TagGroup, pool=request.pool, pk=pk)
    try:
        groups.delete_group(group=group, actor=request.user, as_of=clock.now())
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("tags:list")


# -- One tag --------------------------------------------------------------------------------------
@require_GET
@allow("members.view")
def tag_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a tag is, what keeps it, how many carry it and since when, where it is named."""
    tag = _tag(request, pk)
    size, total, now = queries.size(tag), members.live(request.pool).count(), clock.now()
    merges = list(queries.merges(tag)[:8])
    context = {
        "tag": tag,
        "size": size,
        "total": total,
        "share": size / total if total else None,
        "kept": keepers.kept(request.pool, [tag]).get(tag.pk),
        "panels": keepers.panels(request, tag),
        "carriers": queries.carriers(tag),
        "changes": queries.changes_before(tag, None),
        "uses": usage.uses(tag),
        "merges": [(merge, joining.why_not_undone(merge, now), _job(merge)) for merge in merges],
        "merge_form": MergeForm(tag) if may(request.role, "tags.edit") else None,
    }
    return render(request, "tags/detail.html", context)


def _job(merge: TagMerge) -> JobRun | None:
    job = JobRun.objects.filter(pk=merge.job_id).first() if merge.job_id else None
    return job if job and job.is_open else None


@require_GET
@allow("members.view")
def tag_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Who got the tag and who lost it, when and why: the rest of the list."""
    tag = _tag(request, pk)
    last = _last(request.GET.get("after", ""))
    found = queries.changes_before(tag, last)
    after = f"{found[-1].at.isoformat()}~{found[-1].id}" if len(found) == queries.PAGE else ""
    return render_page(request, "tags/changes.html", "rows", {"tag": tag, "changes": found, "after": after})


def _last(text: str) -> tuple[Any, int] | None:
    from django.utils.dateparse import parse_datetime

    at, _tilde, number = text.replace(" ", "+").partition("~")
    try:
        moment = parse_datetime(at)
    except ValueError:
        return None
    return (moment, int(number)) if moment and moment.tzinfo and number.isdecimal() and len(number) < 19 else None


# -- Merging --------------------------------------------------------------------------------------
@require_POST
@allow("tags.edit")
def tag_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """This tag goes into another one."""
    source, form = _tag(request, pk), None
    form = MergeForm(source, request.POST)
    if not form.is_valid():
        toast(request, _("请选择要并入的标签"), level=messages.ERROR)
        return redirect("tags:detail", pk)
    target = _tag(request, form.cleaned_data["target"])
    try:
        made = joining.merge(source=source, target=target, actor=request.user, as_of=clock.now())
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("tags:detail", pk)
    if made.done_at:
        undo = reverse("tags:merge_undo", args=[made.pk])
        toast(request, _("「%(from)s」已并入「%(into)s」") % {"from": source.name, "into": target.name}, undo=undo)
    else:
        toast(request, _("正在合并，完成后这里会显示结果"))
    return redirect("tags:detail", target.pk)


@require_POST
@allow("tags.edit")
def merge_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a merge of tags back."""
    merge = get_object_or_404(TagMerge.objects.select_related("source__group", "target"), pool=request.pool, pk=pk)
    try:
        done = joining.ask_undo(merge=merge, actor=request.user, as_of=clock.now())
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("tags:detail", merge.target_id)
    toast(request, _("已撤销合并") if done.undone_at else _("正在撤销合并"))
    return redirect("tags:detail", merge.source_id if done.undone_at else merge.target_id)


# -- Report ---------------------------------------------------------------------------------------
@require_GET
@allow("members.view")
def report(request: HttpRequest) -> HttpResponse:
    """Coverage of each group, tags that say the same, two groups against each other, tags that do nothing."""
    now = clock.now()
    found = queries.library(request.pool, now)
    all_groups = [shelf.group for shelf in found.shelves]
    first, second = _chosen(request, all_groups)
    context = {
        "library": found,
        "groups": all_groups,
        "matrix": queries.overlap(first, second) if first and second else None,
        "alike": queries.alike(request.pool, now),
        "idle": queries.idle(found.shelves, now),
    }
    return render_page(request, "tags/report.html", "matrix", context)


def _chosen(request: HttpRequest, found: list[TagGroup]) -> tuple[TagGroup | None, TagGroup | None]:
    """The two groups asked for; otherwise the first two."""
    by_pk = {str(group.pk): group for group in found}
    first = by_pk.get(request.GET.get("first", ""), found[0] if found else None)
    second = by_pk.get(request.GET.get("second", ""), found[1] if len(found) > 1 else first)
    return first, second
