"""Merging two members by hand, the history of merges, and undoing them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import queries as people
from members.merging import apart, forms, queries, words
from members.merging.services import Cause, merge_pairs
from members.merging.undoing import Preview, Undone, preview, undo
from members.models import Identity, Member, Merge, NotSame
from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow

PAGE = 50


# -- The list -------------------------------------------------------------------------------------
@require_GET
@allow("members.merge")
def merge_list(request: HttpRequest) -> HttpResponse:
    """Merges of the pool, newest first."""
    asked = forms.asked(request.GET)
    rows, older, newer = _page(queries.merges(request.pool, asked), request)
    names = people.names([row.winner_id for row in rows] + [row.loser_id for row in rows])
    context = {
        "rows": [_line(row, names) for row in rows],
        "page": {"next": older, "previous": newer},
        "shown": len(rows),
        "narrowed": any(request.GET.get(name) for name in ("kind", "source", "state", "q", "actor", "since", "until")),
        "kinds": [("none", _("人工判断")), *Identity.Kind.choices],
        "sources": [(name, words.origin(name)) for name in queries.sources_of(request.pool) if name],
        "states": [("standing", _("有效")), ("undone", _("已撤销")), ("sealed", _("不可撤销"))],
        "apart_count": queries.apart(request.pool).count(),
    }
    return render_page(request, "members/merges.html", "results", context)


def _page(found: Any, request: HttpRequest) -> tuple[list[Any], int | None, int | None]:
    """Rows of the page, where the next begins, where the one before ends; the key is the number."""
    after, before = (request.GET.get(name, "") for name in ("after", "before"))
    if before.isdecimal():
        rows = list(found.filter(pk__gt=int(before)).order_by("pk")[: PAGE + 1])
        more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        return rows, rows[-1].pk if rows else None, rows[0].pk if more and rows else None
    rows = list(found.filter(pk__lt=int(after))[: PAGE + 1]) if after.isdecimal() else list(found[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    return rows, rows[-1].pk if more else None, rows[0].pk if after.isdecimal() and rows else None


def _line(row: Merge, names: dict[int, str]) -> dict[str, Any]:
    return {
        "row": row,
        "winner": names.get(row.winner_id),
        "loser": names.get(row.loser_id),
        "moved": sum(n for _name, n in queries.counts(row)),
        "proof": words.proof(row.cause_kind),
        "origin": words.origin(row.source),
        "origin_url": words.origin_url(row.source),
        "state": words.state(row),
    }


# -- One merge ------------------------------------------------------------------------------------
def _merge_of(request: HttpRequest, pk: int) -> Merge:
    return get_object_or_404(Merge.objects.select_related("actor", "undone_by"), pool=request.pool, pk=pk)


@require_GET
@allow("members.view")
def merge_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What proved it, what each had, what moved, what became of it."""
    row = _merge_of(request, pk)
    winner, loser = queries.former(row)
    kept, came = queries.identities_that_came(row)
    context = {
        **_line(row, people.names([row.winner_id, row.loser_id])),
        "fields": words.sides(winner, loser, request.role) if winner and loser else [],
        "identities": (words.identities(kept), words.identities(came)),
        "counts": queries.counts(row),
        "heir": Member.objects.filter(pk=row.winner_id).values_list("merged_into", flat=True).first(),
        "can_undo": not row.undone_at and not row.sealed and row.act is not None,
        "apart": queries.said_apart(request.pool, row.winner_id, row.loser_id),
    }
    return render(request, "members/merge_detail.html", context)


@require_http_methods(["GET", "POST"])
@allow("members.merge")
def merge_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows what came since and asks; POST parts the two."""
    row = _merge_of(request, pk)
    error = ""
    if request.method == "POST":
        try:
            done = undo(
                merge=row,
                actor=request.user,
                as_of=clock.now(),
                assignments=forms.told(request.POST, row),
                choices=forms.answers(request.POST),
            )
        except Problem as problem:
            error = problem.message
            toast(request, error, level=messages.ERROR)
        else:
            toast(request, _sentence(done), level=messages.SUCCESS)
            return redirect("members:merge_detail", row.pk)
    return _undo_page(request, row, error)


def _sentence(done: Undone) -> str:
    if not done.members:
        return _("这次合并已经撤销过了")
    return _("已撤销合并，两位会员都恢复了；合并后的 %(n)s 条记录归到了原会员") % {"n": done.assigned}


def _undo_page(request: HttpRequest, row: Merge, error: str) -> HttpResponse:
    found: Preview = preview(row, clock.now())
    names = people.names([row.winner_id, row.loser_id, *(each.loser_id for each in found.again)])
    rows = [
        {
            "each": each,
            "side": "loser" if each.loser_id else "winner",
            "why": words.VERDICTS.get(each.verdict, ""),
        }
        for each in found.since
    ]
    context = {
        **_line(row, names),
        "preview": found,
        "since": rows,
        "open": sum(each.is_open for each in found.since),
        "again": [(each, names.get(each.loser_id)) for each in found.again],
        "counts": queries.counts(row),
        "error": error,
    }
    return render(request, "members/merge_undo.html", context, status=422 if error else 200)


# -- By hand --------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@allow("members.merge")
def merge_two(request: HttpRequest) -> HttpResponse:
    """The two that were picked in the list, side by side; the one known longer is kept."""
    picked = [int(text) for text in (request.POST or request.GET).getlist("pick") if text.isdecimal()]
    found = Member.objects.filter(pool=request.pool, pk__in=picked, merged_into=None).order_by("joined_at", "pk")
    ids = list(found.values_list("pk", flat=True)[:3])
    if len(ids) != 2:
        toast(request, _("请选择恰好两位会员再合并"), level=messages.WARNING)
        return redirect("members:list")
    return redirect(f"{reverse('members:merge', args=[ids[0]])}?with={ids[1]}")


@require_http_methods(["GET", "POST"])
@allow("members.merge")
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the other one, compare side by side and field by field, join them."""
    winner = people.member_of(request.pool, pk)
    if winner.merged_into:
        return redirect("members:merge", winner.merged_into)
    other = request.POST.get("loser") or request.GET.get("with") or ""
    loser = people.member_of(request.pool, int(other)) if other.isdecimal() and len(other) < 11 else None
    if loser and (loser.pk == winner.pk or loser.merged_into):
        raise Http404("nobody to merge with")
    error = ""
    if request.method == "POST" and loser:
        error = _merge(request, winner, loser)
        if not error:
            return redirect("members:detail", winner.pk)
    return render(request, "members/merge.html", _comparison(request, winner, loser, error), status=422 if error else 200)


def _comparison(request: HttpRequest, winner: Member, loser: Member | None, error: str) -> dict[str, Any]:
    context: dict[str, Any] = {"winner": winner, "loser": loser, "error": error, "history": queries.history(winner.pk)[:20]}
    if loser:
        context |= {
            "fields": words.sides(winner, loser, request.role),
            "standing": words.standing(winner, loser),
            "holdings": queries.holdings(loser),
            "apart": queries.said_apart(request.pool, winner.pk, loser.pk),
            "chosen": forms.choices(request.POST),
            "undo_days": settings.MERGE_UNDO_DAYS,
        }
    return context


def _merge(request: HttpRequest, winner: Member, loser: Member) -> str:
    """Do it; a sentence when it was refused."""
    insist = request.POST.get("insist") == "1"
    if queries.said_apart(request.pool, winner.pk, loser.pk) and not insist:
        return _("这两位被标记为不是同一个人；要合并请先勾选确认")
    try:
        merge_pairs(
            pool_id=request.pool.pk,
            pairs=[(winner.pk, loser.pk)],
            cause=Cause("manual", source="page"),
            actor=request.user,
            as_of=clock.now(),
            choices=forms.choices(request.POST),
            insist=insist,
        )
    except Problem as problem:
        return problem.message
    row = queries.history(winner.pk).first()
    back = reverse("members:merge_undo", args=[row.pk]) if row else ""
    toast(request, _("已将会员 %(id)s 并入这一位") % {"id": loser.pk}, level=messages.SUCCESS, undo=back)
    return ""


# -- Two people -----------------------------------------------------------------------------------
@require_GET
@allow("members.merge")
def apart_list(request: HttpRequest) -> HttpResponse:
    """Pairs that are never joined without a person insisting."""
    rows, older, newer = _page(queries.apart(request.pool), request)
    names = people.names([pk for row in rows for pk in (row.first_id, row.second_id)])
    context = {
        "rows": [(row, names.get(row.first_id), names.get(row.second_id)) for row in rows],
        "page": {"next": older, "previous": newer},
        "shown": len(rows),
    }
    return render_page(request, "members/merges_apart.html", "results", context)


@require_POST
@allow("members.merge")
def apart_new(request: HttpRequest, pk: int) -> HttpResponse:
    """This member and another are two people."""
    other = request.POST.get("other", "")
    try:
        apart.say_apart(
            pool=request.pool,
            one=people.member_of(request.pool, pk).pk,
            two=int(other) if other.isdecimal() and len(other) < 11 else 0,
            reason=request.POST.get("reason", ""),
            actor=request.user,
            as_of=clock.now(),
        )
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    else:
        toast(request, _("已标记为不是同一个人，导入时不会自动合并"))
    return redirect("members:detail", pk)


@require_POST
@allow("members.merge")
def apart_end(request: HttpRequest, pk: int) -> HttpResponse:
    """They may be joined again."""
    apart.forget(row=get_object_or_404(NotSame, pool=request.pool, pk=pk), actor=request.user)
    toast(request, _("已取消标记，以后可以自动合并"))
    return redirect("members:apart")
