"""Merging two members by hand, and the history of merges."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from members import merging, queries
from members.merging import Cause, merge_pairs
from members.models import Member, Merge
from scrm.lib import clock
from scrm.lib.formats import exact, full, money
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow

PAGE = 50


@require_GET
@allow("members.merge")
def merge_list(request: HttpRequest) -> HttpResponse:
    """Merges of the pool, newest first; `before` is the last one seen."""
    found = queries.merges(request.pool)
    if (before := request.GET.get("before", "")).isdigit():
        last = Merge.objects.filter(pool=request.pool, pk=int(before)).first()
        found = queries.merges_before(found, last) if last else found
    rows = list(found[: PAGE + 1])
    following = rows[PAGE - 1].pk if len(rows) > PAGE else None
    rows = rows[:PAGE]
    names = queries.names([row.winner_id for row in rows] + [row.loser_id for row in rows])
    context = {"rows": [(row, names.get(row.winner_id), names.get(row.loser_id), sum(row.moved.values())) for row in rows]}
    return render_page(request, "members/merges.html", "rows", {**context, "following": following})


@require_http_methods(["GET", "POST"])
@allow("members.merge")
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the other one, compare side by side, type the number to confirm."""
    winner = queries.member_of(request.pool, pk)
    if winner.merged_into:
        return redirect("members:merge", winner.merged_into)
    other = request.POST.get("loser") or request.GET.get("with") or ""
    loser = queries.member_of(request.pool, int(other)) if other.isdigit() else None
    if loser and (loser.pk == winner.pk or loser.merged_into):
        raise Http404("nobody to merge with")
    error = ""
    if request.method == "POST" and loser:
        error = _merge(request, winner, loser)
        if not error:
            return redirect("members:detail", winner.pk)
    context = {"winner": winner, "loser": loser, "error": error, "rows": _side_by_side(winner, loser) if loser else []}
    return render(request, "members/merge.html", {**context, "history": merging.history(winner.pk)[:20]})


def _merge(request: HttpRequest, winner: Member, loser: Member) -> str:
    """Do it; a sentence when it was refused."""
    if request.POST.get("typed", "").strip() != str(loser.pk):
        return _("请输入要并入的会员编号 %(id)s 以确认") % {"id": loser.pk}
    try:
        merge_pairs(
            pool_id=request.pool.pk, pairs=[(winner.pk, loser.pk)], cause=Cause("manual"), actor=request.user, as_of=clock.now()
        )
    except Problem as problem:
        return problem.message
    toast(request, _("已将会员 %(id)s 并入这一位") % {"id": loser.pk}, level=messages.SUCCESS)
    return ""


def _side_by_side(winner: Member, loser: Member) -> list[tuple[Any, Any, Any]]:
    """Label, what the winner has, what the loser has."""
    left, right = _told(winner), _told(loser)
    return [(label, left[label], right[label]) for label in left]


def _told(member: Member) -> dict[str, Any]:
    state = getattr(member, "state", None)
    return {
        _("会员编号"): member.pk,
        _("姓名"): member.name or "–",
        _("身份"): member.get_status_display(),
        _("身份标识"): "、".join(f"{row.get_kind_display()} {row.hint}" for row in queries.identities_of(member)) or "–",
        _("性别"): member.get_gender_display(),
        _("生日"): exact(member.birthday),
        _("地区"): f"{member.province} {member.city}".strip() or "–",
        _("来源渠道"): member.channel or "–",
        _("加入时间"): exact(member.joined_at, "day"),
        _("订单数"): full(state.order_count) if state else "0",
        _("累计消费"): money(state.amount_total) if state else money(0),
        _("最近下单"): exact(state.last_order_at, "day") if state else "–",
        _("标签"): "、".join(str(row.tag) for row in member.tags.select_related("tag")) or "–",
    }
