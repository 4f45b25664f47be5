"""The member list, its counts, bulk acts, exports and saved views."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from members import exporting, facets, listing, queries, saved, search, tagging
from members.filters import extras
from members.models import Member, SavedView, Tag
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import Refused, allow
from scrm.staff.audit import audit
from scrm.staff.permissions import may

COLUMNS = {
    "stage": gettext_lazy("生命周期"),
    "rfm": gettext_lazy("RFM 分组"),
    "tags": gettext_lazy("标签"),
    "channel": gettext_lazy("来源渠道"),
    "orders": gettext_lazy("订单"),
    "amount": gettext_lazy("累计消费"),
    "last_order": gettext_lazy("最近下单"),
    "joined": gettext_lazy("加入时间"),
    "status": gettext_lazy("身份"),
    "place": gettext_lazy("地区"),
    "gender": gettext_lazy("性别"),
    "birthday": gettext_lazy("生日"),
    "number": gettext_lazy("会员编号"),
}
DEFAULT_COLUMNS = "stage.rfm.tags.channel.orders.amount.last_order.joined"
COOKIE = "member_columns"
UNDO = "members.tag.undo"


@require_GET
@allow("members.view")
def member_list(request: HttpRequest) -> HttpResponse:
    asked = listing.ask(request.GET, request.pool)
    page = listing.page(asked, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    context = {
        "page": page,
        "rows": _rows(page.rows),
        "chips": asked.chips,
        "about": asked.about(),
        "narrowed": asked.narrowed,
        "columns": _columns(request),
        "query_string": saved.cleaned(request.GET.urlencode()),
        "carried": _carried(request.GET, asked),
        "tags": facets.tag_options(request.pool),
    }
    if not getattr(request, "htmx", False):
        context |= _frame(request)
    return render_page(request, "members/list.html", "results", context)


def _rows(members: Sequence[Member]) -> list[tuple[Member, Any, list[Any]]]:
    contacts, tags = queries.contacts(members), queries.tags_of(members)
    return [(member, contacts.get(member.pk), tags.get(member.pk, [])) for member in members]


def _carried(params: QueryDict, asked: listing.Asked) -> list[tuple[str, str]]:
    """What the filter form has no control for and must not lose: the order, filters of upper apps."""
    kept = [("sort", asked.sort)] if "sort" in params else []
    return kept + [(key, value) for key in extras for value in params.getlist(key)]


def _frame(request: HttpRequest) -> dict[str, Any]:
    """What only the whole page needs: the choices of the filters, tabs, columns."""
    choices = [facet for facet in facets.FACETS if isinstance(facet, facets.Choice)]
    ranges = [facet for facet in facets.FACETS if isinstance(facet, facets.Range)]
    spans = [(facet, [(end, request.GET.get(end, "")) for end in facet.ends]) for facet in ranges]
    return {
        "menus": [(facet, facet.options(request.pool)) for facet in choices],
        "spans": spans,
        "spans_set": sum(bool(value) for _facet, ends in spans for _end, value in ends),
        "views": list(saved.visible(request.pool, request.user)),
        "all_columns": [(key, label, key in _columns(request)) for key, label in COLUMNS.items()],
        "may_plain": may(request.role, "members.reveal"),
    }


def _columns(request: HttpRequest) -> list[str]:
    wanted = request.COOKIES.get(COOKIE, DEFAULT_COLUMNS).split(".")
    return [key for key in COLUMNS if key in wanted]


@require_GET
@allow("members.view")
def count(request: HttpRequest) -> HttpResponse:
    """How many exactly: asked for by the page once it stands."""
    found = listing.ask(request.GET, request.pool).members().count()
    return render(request, "members/count.html", {"count": found})


@require_POST
@allow("members.view")
def columns(request: HttpRequest) -> HttpResponse:
    """Remember the columns this browser shows."""
    chosen = [key for key in request.POST.getlist("column") if key in COLUMNS]
    response = _back(request)
    response.set_cookie(COOKIE, ".".join(chosen) or "stage", max_age=31536000, samesite="Lax", httponly=True)
    return response


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """To the list as it was."""
    query = saved.cleaned(request.POST.get("query", ""))
    return HttpResponseRedirect(reverse("members:list") + (f"?{query}" if query else ""))


@require_GET
@allow("members.view")
def find(request: HttpRequest) -> HttpResponse:
    """The first members for a search text, for the command palette and for choosing somebody."""
    condition = search.where(request.pool, request.GET.get("q", ""))
    members: Sequence[Member] = []
    if condition is not None:
        members = list(search.searchable(queries.live(request.pool)).filter(condition).order_by("-joined_at", "-id")[:8])
    template = "members/choose.html" if request.GET.get("for") == "merge" else "members/found.html"
    return render(request, template, {"rows": _rows(members), "winner": request.GET.get("winner", "")})


# -- Acts on many ---------------------------------------------------------------------------------
@require_POST
@allow("members.view")
def bulk(request: HttpRequest) -> HttpResponse:
    """Tag, untag or export the picked members, or everybody the address asks for."""
    act = {"tag": _bulk_tag, "untag": _bulk_tag, "export": _bulk_export}.get(request.POST.get("action", ""))
    if act is None:
        raise Http404("no such act")
    try:
        act(request, _chosen(request))
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return _back(request)


def _chosen(request: HttpRequest) -> dict[str, Any]:
    if request.POST.get("everything"):
        return {"query": saved.cleaned(request.POST.get("query", ""))}
    ids = [int(value) for value in request.POST.getlist("pick") if value.isdigit()]
    if not ids:
        raise Problem("bulk.nobody", _("请先选择会员"))
    return {"ids": ids}


def _need(request: HttpRequest, permission: str) -> None:
    if not may(request.role, permission):
        raise Refused(permission)


def _bulk_tag(request: HttpRequest, chosen: dict[str, Any]) -> None:
    _need(request, "tags.edit")
    number = request.POST.get("tag", "")
    tag = Tag.objects.filter(pool=request.pool, pk=int(number)).first() if number.isdecimal() else None
    if tag is None:
        raise Problem("bulk.no_tag", _("请选择一个标签"))
    add = request.POST["action"] == "tag"
    if "query" in chosen:
        jobs.enqueue(
            kind="members.tag", pool_id=request.pool.pk, params={**chosen, "tag": tag.pk, "add": add}, actor=request.user
        )
        toast(request, _("已开始，可在后台任务中查看进度"))
        return
    ids = list(queries.live(request.pool).filter(pk__in=chosen["ids"]).values_list("pk", flat=True))
    changed = _tag_now(request, tag, ids, add)
    undo = signing.dumps({"tag": tag.pk, "ids": changed, "add": not add, "pool": request.pool.pk}, salt=UNDO, compress=True)
    text = _("已为 %(n)s 位会员打上「%(tag)s」") if add else _("已取下 %(n)s 位会员的「%(tag)s」")
    # What an exclusive group replaced cannot be told from here, so that act has no way back.
    undoable = changed and not (add and tag.group.is_exclusive)
    toast(request, text % {"n": len(changed), "tag": tag.name}, undo=f"{reverse('members:undo')}?what={undo}" if undoable else "")


def _tag_now(request: HttpRequest, tag: Tag, ids: list[int], add: bool) -> list[int]:
    if add:
        return tagging.add_tag(tag=tag, members=ids, actor=request.user, as_of=clock.now())
    return tagging.remove_tag(tag=tag, members=ids, actor=request.user)


@require_POST
@allow("tags.edit")
def undo(request: HttpRequest) -> HttpResponse:
    """Reverse a bulk act on picked members; the address carries a signed list of whom it changed."""
    try:
        what = signing.loads(request.GET.get("what", ""), salt=UNDO, max_age=3600)
    except signing.BadSignature:
        raise Http404("nothing to undo") from None
    tag = get_object_or_404(Tag, pool=request.pool, pk=what["tag"])
    if what["pool"] != request.pool.pk:
        raise Http404("another pool")
    changed = _tag_now(request, tag, what["ids"], what["add"])
    toast(request, _("已撤销，%(n)s 位会员恢复原样") % {"n": len(changed)})
    return HttpResponse(status=204)


def _bulk_export(request: HttpRequest, chosen: dict[str, Any]) -> None:
    _need(request, "members.export")
    plain = bool(request.POST.get("plain"))
    if plain:
        _need(request, "members.reveal")
    exporting.ask_for_export(
        pool=request.pool, chosen=chosen, plain=plain, purpose=request.POST.get("purpose", ""), actor=request.user
    )
    toast(request, _("导出已开始，完成后可在导出记录中下载"))


@require_GET
@allow("members.export")
def exports(request: HttpRequest) -> HttpResponse:
    """Exports of this pool, newest first."""
    found = JobRun.objects.filter(pool_id=request.pool.pk, kind=exporting.KIND).select_related("actor").order_by("-pk")[:50]
    return render_page(request, "members/exports.html", "rows", {"jobs": found})


@require_GET
@allow("members.export")
def download(request: HttpRequest, job_id: int) -> FileResponse:
    """A finished export; one in the clear is given only to who may see it. Each download is written down."""
    job = get_object_or_404(JobRun, pk=job_id, pool_id=request.pool.pk, kind=exporting.KIND, status=JobRun.Status.DONE)
    if job.params.get("plain"):
        _need(request, "members.reveal")
    path = exporting.path_of(job)
    if not path.exists():
        raise Http404("the file is gone")
    audit(actor=request.user, action="member.download", target=job, pool_id=request.pool.pk, **job.result)
    response = FileResponse(
        path.open("rb"), as_attachment=True, filename=f"{_('会员')}-{job.pk}.csv", content_type="text/csv; charset=utf-8"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


# -- Saved views ----------------------------------------------------------------------------------
@require_POST
@allow("members.view")
def view_save(request: HttpRequest) -> HttpResponse:
    try:
        saved.save_view(
            pool=request.pool,
            user=request.user,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            is_shared=bool(request.POST.get("shared")),
        )
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return _back(request)


@require_POST
@allow("members.view")
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pool=request.pool, pk=pk, owner=request.user)
    saved.delete_view(view=view, user=request.user)
    return redirect("members:list")
