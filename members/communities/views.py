"""Pages of groups."""

import math
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import tagging
from members.communities import files, queries, services, uploading, watch
from members.communities.forms import CommunityForm, PolicyForm, UploadForm
from members.facets import tag_options
from members.models import Community, Tag
from members.ownership.queries import colleague_of, may_receive
from members.stores.queries import open_stores
from members.team.sliced import cut
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.export import Column, csv_response
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import Refused, allow
from scrm.staff.permissions import may

ORDER = {"dying": 0, "weak": 1, "watch": 2, "well": 3, "unknown": 4}
SORTS: dict[str, Any] = {
    "name": lambda row: row.community.name,
    "health": lambda row: (ORDER[row.state], row.health.score or 0 if row.health else 0),
    "members": lambda row: row.health.members if row.health else 0,
    "active": lambda row: (row.health.active_share or 0) if row.health else 0,
    "rate": lambda row: (row.health.message_rate or 0) if row.health else 0,
    "net": lambda row: row.net or 0,
    "life": lambda row: row.health.life_days if row.health and row.health.life_days is not None else float("inf"),
    "age": lambda row: row.community.created_at,
}


@require_GET
@allow("communities.view")
def community_list(request: HttpRequest) -> HttpResponse:
    """Groups with their health, the worst first."""
    rows = _wanted(request)
    sort = request.GET.get("sort", "health")
    key = SORTS.get(sort.lstrip("-"), SORTS["health"])
    rows.sort(key=lambda row: (key(row), row.community.pk), reverse=sort.startswith("-"))
    page = cut(rows, lambda row: row.community.pk, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    context: dict[str, Any] = {"page": page, "count": len(rows), "gone": bool(request.GET.get("gone"))}
    if not getattr(request, "htmx", False):
        owners = {
            row.owner_id: str(row.owner)
            for row in Community.objects.filter(pool=request.pool).select_related("owner")
            if row.owner
        }
        context |= {
            "totals": queries.totals(request.pool),
            "owners": sorted(owners.items(), key=lambda pair: pair[1]),
            "stores": [(row.pk, row.name) for row in open_stores(request.pool)],
            "layers": [(name, name) for name in watch.layers_of(request.pool)],
            "states": list(queries.STATES.items()),
        }
    return render_page(request, "communities/list.html", "results", context)


def _wanted(request: HttpRequest) -> list[queries.Row]:
    params = request.GET
    chosen = queries.found(request.pool, text=params.get("q", "").strip(), dissolved=bool(params.get("gone")))
    for name, column in (("owner", "owner_id"), ("store", "store_id")):
        if values := [int(value) for value in params.getlist(name) if value.isdecimal()]:
            chosen = chosen.filter(**{f"{column}__in": values})
    if layers := params.getlist("layer"):
        chosen = chosen.filter(layer__in=layers)
    states = set(params.getlist("state"))
    return [row for row in queries.rows(chosen) if not states or row.state in states]


@require_GET
@allow("communities.view")
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One group: how it is, what went on, who is in it."""
    community = queries.community_of(request.pool, pk)
    left = request.GET.get("who") == "left"
    context: dict[str, Any] = {
        "community": community,
        "left": left,
        "people": queries.people(community, left=left, after=request.GET.get("after", "")),
    }
    if not getattr(request, "htmx", False):
        row = queries.row_of(community)
        health = row.health
        context |= {
            "row": row,
            "health": health,
            "counts": queries.counts(community),
            "parts": [(queries.PARTS[name], value, f"{value:.0%}") for name, value in health.parts.items()] if health else [],
            "leave": _monthly(health),
            "alert": community.alerts.filter(cleared_at=None).first(),
            "receivers": may_receive(request.pool),
            "tags": tag_options(request.pool, by_hand=True),
            "may_tag": may(request.role, "tags.edit"),
            "now": clock.now().astimezone(request.pool.zone),
        }
    return render_page(request, "communities/detail.html", "people", context)


def _monthly(health: Any) -> list[float]:
    """The part of the members who leave within thirty days at this rate, with its limits."""
    if health is None or health.leave_rate is None:
        return []
    return [-math.expm1(-30 * rate) for rate in (health.leave_rate, health.leave_low, health.leave_high)]


@require_http_methods(["GET", "POST"])
@allow("communities.edit")
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    community = queries.community_of(request.pool, pk) if pk else None
    initial = {} if community else {"created_at": clock.now()}
    form = CommunityForm(request.pool, request.POST or None, instance=community, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            fresh = queries.community_of(request.pool, pk) if pk else None  # the form has written on its own copy
            saved = services.save_community(
                pool=request.pool, community=fresh, facts=form.facts(), actor=request.user, as_of=clock.now()
            )
            messages.success(request, _("社群已保存"))
            return redirect("communities:detail", saved.pk)
        except Problem as problem:
            field = next(iter(problem.fields), None)
            form.add_error(field if field in form.fields else None, problem.message)
    return render(request, "communities/edit.html", {"form": form, "community": community}, status=422 if form.errors else 200)


@require_POST
@allow("communities.edit")
def dissolve(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        now = clock.now()
        services.dissolve(community=queries.community_of(request.pool, pk), at=now, actor=request.user, as_of=now)
        toast(request, _("社群已解散，历史保留"))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("communities:detail", pk)


@require_POST
@allow("communities.edit")
def see(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody takes care of a dying group: it leaves the workbench."""
    watch.see(community=queries.community_of(request.pool, pk), actor=request.user, as_of=clock.now())
    toast(request, _("已标记为跟进中；恢复之前不会再次提醒"))
    return redirect("communities:detail", pk)


@require_POST
@allow("communities.edit")
def measure(request: HttpRequest) -> HttpResponse:
    """Compute the figures now."""
    dying = watch.measure(pool=request.pool, as_of=clock.now())
    toast(request, _("健康度已重算，濒危 %(n)s 个") % {"n": dying})
    return redirect("communities:list")


# -- Acts on the people of a group ------------------------------------------------------------------
@require_POST
@allow("communities.view")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Tag everybody in the group, or give them an owner."""
    community = queries.community_of(request.pool, pk)
    what = {"tag": _tag, "assign": _assign}.get(request.POST.get("action", ""))
    if what is None:
        return redirect("communities:detail", pk)
    try:
        return what(request, community)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("communities:detail", pk)


def _need(request: HttpRequest, permission: str) -> None:
    if not may(request.role, permission):
        raise Refused(permission)


def _tag(request: HttpRequest, community: Community) -> HttpResponse:
    _need(request, "tags.edit")
    number = request.POST.get("tag", "")
    tag = Tag.objects.filter(pool=request.pool, pk=int(number)).first() if number.isdecimal() else None
    if tag is None:
        raise Problem("bulk.no_tag", _("请选择一个标签"))
    added = tagging.add_tag(tag=tag, members=services.members_of(community), actor=request.user, as_of=clock.now())
    toast(request, _("已为 %(n)s 位会员打上「%(tag)s」") % {"n": len(added), "tag": tag.name})
    return redirect("communities:detail", community.pk)


def _assign(request: HttpRequest, community: Community) -> HttpResponse:
    _need(request, "owners.assign")
    number = request.POST.get("to", "")
    to = colleague_of(request.pool, int(number)).user if number.isdecimal() else None
    made = services.give_to(
        community=community, to=to, reason=request.POST.get("reason", ""), actor=request.user, as_of=clock.now()
    )
    return redirect("ownership:handover", made.pk)


# -- Files and thresholds -----------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@allow("communities.edit")
def upload(request: HttpRequest) -> HttpResponse:
    """Hand a file in, and see what became of the ones before."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            uploading.upload(pool=request.pool, actor=request.user, **form.cleaned_data)
            toast(request, _("文件已收下，正在导入"))
            return redirect("communities:import")
        except Problem as problem:
            form.add_error(None, problem.message)
    context = {"form": form, "jobs": _files(request), "columns": _columns()}
    return render(request, "communities/import.html", context, status=422 if form.errors else 200)


def _files(request: HttpRequest) -> list[tuple[JobRun, Any]]:
    """The latest files with what they hold."""
    found = JobRun.objects.filter(pool_id=request.pool.pk, kind=uploading.JOB).select_related("actor").order_by("-pk")[:20]
    return [(job, files.KINDS.get(job.params.get("kind", ""), "")) for job in found]


def _columns() -> list[tuple[str, Any, list[tuple[str, bool, str]]]]:
    return [
        (
            kind,
            files.KINDS[kind],
            [(names[0], field in files.REQUIRED[kind], " · ".join(names[1:3])) for field, names in known.items()],
        )
        for kind, known in files.COLUMNS.items()
    ]


@require_GET
@allow("communities.edit")
def template(request: HttpRequest, key: str) -> Any:
    """The headings of one kind of file."""
    known = files.COLUMNS.get(key, files.COLUMNS["groups"])
    return csv_response(str(files.KINDS.get(key, "")), [Column(names[0]) for names in known.values()], [])


@require_http_methods(["GET", "POST"])
@allow("communities.edit")
def policy(request: HttpRequest) -> HttpResponse:
    """Targets of the score, thresholds of the alert, names of layers."""
    form = PolicyForm(request.pool, request.POST or None, instance=watch.policy_of(request.pool))
    if request.method == "POST" and form.is_valid():
        try:
            watch.save_policy(pool=request.pool, values=form.values(), actor=request.user)
            watch.measure(pool=request.pool, as_of=clock.now())
            messages.success(request, _("标准已保存，健康度已按它重算"))
            return redirect("communities:list")
        except Problem as problem:
            field = next(iter(problem.fields), None)
            form.add_error(field if field in form.fields else None, problem.message)
    return render(request, "communities/policy.html", {"form": form}, status=422 if form.errors else 200)
