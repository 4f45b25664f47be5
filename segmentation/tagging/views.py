"""Pages of rules that keep tags: the builder, pausing, stopping, the gallery."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from members.models import Tag, TagGroup
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from segmentation import builder
from segmentation.models import TagRule
from segmentation.preview import Preview, fact_groups, preview, windows
from segmentation.rules.parse import parse
from segmentation.segments.services import BadRule
from segmentation.tagging import fitting, queries, services
from segmentation.tagging.applying import ask_apply
from segmentation.tagging.forms import RuleForm, SegmentForm


def _rule(request: HttpRequest, pk: int) -> TagRule:
    return get_object_or_404(queries.rules(request.pool), pk=pk)  # type: ignore[misc]


# -- Builder --------------------------------------------------------------------------------------
@allow("tags.edit")
def rule_new(request: HttpRequest) -> HttpResponse:
    """A tag kept by a rule; `?tag=` gives a rule to a tag that is there, `?group=` chooses the group."""
    number = request.GET.get("tag", "")
    tag = get_object_or_404(Tag, pool=request.pool, pk=int(number)) if number.isdecimal() and len(number) < 19 else None
    return _build(request, None, tag)


@allow("tags.edit")
def rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a tag's rule."""
    rule = _rule(request, pk)
    if rule.segment_id:
        toast(request, _("这个标签跟随分群；要改变它，请改分群的规则"), level=messages.WARNING)
        return redirect("tags:detail", rule.tag_id)
    return _build(request, rule, rule.tag)


def _build(request: HttpRequest, rule: TagRule | None, tag: Tag | None) -> HttpResponse:
    if request.method != "POST":
        form = RuleForm(initial=_initial(request, rule, tag), pool=request.pool)
        return _page(request, rule, tag, _first(request, rule), form)
    draft, commands, form = builder.decode(request.POST), request.POST.getlist("op"), RuleForm(request.POST, pool=request.pool)
    for command in commands:
        builder.edit(draft, command)
    if "save" in commands:
        return _save(request, rule, tag, draft, form)
    return _page(request, rule, tag, draft, RuleForm(initial=request.POST.dict(), pool=request.pool))


def _initial(request: HttpRequest, rule: TagRule | None, tag: Tag | None) -> dict[str, Any]:
    if tag is None:
        return {"group": request.GET.get("group", ""), "cadence": TagRule.Cadence.NIGHTLY}
    kept = {"name": tag.name, "group": tag.group_id, "note": tag.note}
    return {
        **kept,
        "valid_days": tag.valid_days,
        "valid_until": tag.valid_until,
        "cadence": rule.cadence if rule else TagRule.Cadence.NIGHTLY,
    }


def _first(request: HttpRequest, rule: TagRule | None) -> builder.Group:
    if rule is not None:
        return builder.draft(rule.rule)
    try:
        given = json.loads(request.GET.get("rule", ""))
        parse(given)
    except (ValueError, RecursionError):
        return builder.Group("all", [builder.Row()])
    return builder.draft(given)


def _save(request: HttpRequest, rule: TagRule | None, tag: Tag | None, draft: builder.Group, form: RuleForm) -> HttpResponse:
    shown = preview(request.pool, draft, clock.now())
    if form.is_valid() and not shown.faults:
        try:
            recipe = rule.recipe if rule else ""
            saved = services.save_rule(
                pool=request.pool, rule=shown.rule, tag=tag, recipe=recipe, actor=request.user, **form.cleaned_data
            )
        except BadRule as error:
            shown.tell(draft, error.faults)
        except Problem as problem:
            form.add_error("name" if "name" in problem.fields else None, problem.message)
        else:
            toast(request, _("规则已保存，正在更新标签"))
            return _go(request, reverse("tags:detail", args=[saved.tag_id]))
    return _page(request, rule, tag, draft, form, shown, status=422)


def _go(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else HttpResponseRedirect(url)


def _page(
    request: HttpRequest,
    rule: TagRule | None,
    tag: Tag | None,
    draft: builder.Group,
    form: RuleForm,
    shown: Preview | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    shown = shown or preview(request.pool, draft, now)
    group = _group(request, form, tag)
    context = {
        "rule": rule,
        "tag": tag,
        "form": form,
        "has_groups": TagGroup.objects.filter(pool=request.pool).exists(),
        "preview": shown,
        "change": queries.change(pool=request.pool, group=group, tag=tag, found=shown.result.bitmap, as_of=now),
        "facts": fact_groups(request.pool),
        "windows": windows(),
        "joins": [("all", _("且")), ("any", _("或")), ("none", _("非"))],
    }
    return render_page(request, "tagrules/builder.html", "builder", context, status=status)


def _group(request: HttpRequest, form: RuleForm, tag: Tag | None) -> TagGroup | None:
    """The group chosen so far; where nothing was, the tag's or the first."""
    text = str(form["group"].value() or "")
    mine = TagGroup.objects.filter(pool=request.pool).order_by("place", "name")
    found = mine.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
    return found or (tag.group if tag else mine.first())


# -- Acts -----------------------------------------------------------------------------------------
@require_POST
@allow("tags.edit")
def rule_act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Apply now, pause, go on, or give the tag to people."""
    rule = _rule(request, pk)
    if what == "apply":
        ask_apply(rule=rule, actor=request.user)
    elif what in ("pause", "resume"):
        services.set_paused(rule=rule, paused=what == "pause", actor=request.user)
    elif what == "stop":
        services.stop(rule=rule, actor=request.user)
        toast(request, _("「%(tag)s」改为手工维护，现有会员保留") % {"tag": rule.tag.name})
    return redirect("tags:detail", rule.tag_id)


@allow("tags.edit")
def by_segment(request: HttpRequest) -> HttpResponse:
    """A tag in step with a segment."""
    initial = {"segment": request.GET.get("segment", ""), "group": request.GET.get("group", "")}
    form = SegmentForm(request.POST or None, pool=request.pool, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.keep_by_segment(**form.cleaned_data, actor=request.user)
        except Problem as problem:
            form.add_error("name" if "name" in problem.fields else None, problem.message)
        else:
            toast(request, _("标签已建立，正在与分群对齐"))
            return redirect("tags:detail", made.tag_id)
    return render(request, "tagrules/by_segment.html", {"form": form}, status=422 if form.is_bound else 200)


# -- Gallery --------------------------------------------------------------------------------------
@require_GET
@allow("segments.view")
def gallery(request: HttpRequest) -> HttpResponse:
    """Ready rules: which apply to this pool, and why."""
    return render(request, "tagrules/gallery.html", {"fits": fitting.fits(request.pool)})


@require_GET
@allow("segments.view")
def recipe(request: HttpRequest, key: str) -> HttpResponse:
    """One ready rule: the goods it found, the tags it would make, and how many members each would have now."""
    found = _fit(request, key)
    told = fitting.counts(request.pool, found, clock.now()) if found.applies else []
    return render(request, "tagrules/recipe.html", {"fit": found, "counts": told})


def _fit(request: HttpRequest, key: str) -> fitting.Fit:
    from django.http import Http404

    try:
        return fitting.fit(request.pool, key)
    except Problem as problem:
        raise Http404(problem.message) from None


@require_POST
@allow("tags.edit")
def install(request: HttpRequest, key: str) -> HttpResponse:
    """Make a ready rule's tags; they are applied by jobs."""
    _fit(request, key)
    try:
        made = fitting.install(pool=request.pool, key=key, actor=request.user, as_of=clock.now())
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("tagrules:recipe", key)
    toast(request, _("已装上 %(n)s 个标签，正在计算") % {"n": len(made)})
    return redirect("tags:detail", made[0].tag_id) if len(made) == 1 else redirect("tags:list")
