"""Tag groups and tags."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import queries, tagging
from members.forms import GroupForm, TagForm
from members.models import Tag, TagGroup
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow


@require_GET
@allow("members.view")
def tag_list(request: HttpRequest) -> HttpResponse:
    """Groups with their tags and how many carry each."""
    counted, total = tagging.coverage(request.pool), queries.live(request.pool).count()

    def row(tag: Tag) -> tuple[Tag, int, float | None]:
        carriers = counted.get(tag.pk, 0)
        return tag, carriers, carriers / total if total else None

    rows = [(group, [row(tag) for tag in group.tags.all()]) for group in tagging.groups(request.pool)]
    return render(request, "members/tags.html", {"groups": rows})


@require_http_methods(["GET", "POST"])
@allow("tags.edit")
def group_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a group."""
    group = get_object_or_404(TagGroup, pool=request.pool, pk=pk) if pk else None
    form = GroupForm(request.POST or None, instance=TagGroup.objects.get(pk=pk) if pk else None)
    if request.method == "POST" and form.is_valid():
        try:
            tagging.save_group(pool=request.pool, group=group, **form.cleaned_data, actor=request.user)
            return redirect("members:tags")
        except Problem as problem:
            form.add_error("name" if "name" in problem.fields else None, problem.message)
    return render(request, "members/tag_edit.html", {"form": form, "group": group, "what": "group"})


@require_http_methods(["GET", "POST"])
@allow("tags.edit")
def tag_edit(request: HttpRequest, group_pk: int, pk: int | None = None) -> HttpResponse:
    """Make or rename a tag."""
    group = get_object_or_404(TagGroup, pool=request.pool, pk=group_pk)
    tag = get_object_or_404(Tag, group=group, pk=pk) if pk else None
    form = TagForm(request.POST or None, instance=Tag.objects.get(pk=pk) if pk else None)
    if request.method == "POST" and form.is_valid():
        try:
            tagging.save_tag(group=group, tag=tag, name=form.cleaned_data["name"], actor=request.user)
            return redirect("members:tags")
        except Problem as problem:
            form.add_error("name", problem.message)
    return render(request, "members/tag_edit.html", {"form": form, "group": group, "tag": tag, "what": "tag"})


@require_POST
@allow("tags.edit")
def tag_delete(request: HttpRequest, pk: int) -> HttpResponse:
    tag = get_object_or_404(Tag, pool=request.pool, pk=pk)
    carriers = tagging.delete_tag(tag=tag, actor=request.user)
    toast(request, _("已删除「%(tag)s」，并从 %(n)s 位会员身上取下") % {"tag": tag.name, "n": carriers})
    return redirect("members:tags")


@require_POST
@allow("tags.edit")
def group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        tagging.delete_group(group=get_object_or_404(TagGroup, pool=request.pool, pk=pk), actor=request.user)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("members:tags")
