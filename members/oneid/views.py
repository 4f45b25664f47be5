"""Pages of who is who: the queue, the guard, searches, rates, rules."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import queries as members
from members.identities import KINDS
from members.models import Guard, Identity, Pool, Rehearsal, Review
from members.oneid import duplicates, queries, services
from members.oneid import rules as oneid
from members.oneid.forms import BlockForm, RulesForm, SearchForm
from members.oneid.queries import Outcome
from scrm.jobs.models import JobRun
from scrm.lib import clock, formats
from scrm.lib.export import Column, csv_response
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import Refused, allow
from scrm.staff.permissions import may

PAGE = 50
PERIODS = (30, 90, 365)


def _page(request: HttpRequest, template: str, name: str, context: dict[str, Any], fragment: str = "") -> HttpResponse:
    role = request.role  # type: ignore[attr-defined]
    tabs = [(reverse(page), label, page == name) for page, label, permission in queries.TABS if may(role, permission)]
    context = {"tabs": tabs, "open_reviews": queries.waiting(request.pool.pk), "kinds": KINDS, **context}  # type: ignore[attr-defined]
    return render_page(request, template, fragment, context) if fragment else render(request, template, context)


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 18 else None


# -- The queue -------------------------------------------------------------------------------------
@require_GET
@allow("members.merge")
def review_list(request: HttpRequest) -> HttpResponse:
    """Pairs for a person to decide, newest first; `before` is the last one seen."""
    status = request.GET.get("status", "open")
    status = status if status in Review.Status.values else "open"
    wanted = {"reason": request.GET.get("reason", ""), "kind": request.GET.get("kind", ""), "run": _number(request, "run")}
    found = queries.reviews(request.pool, status=status, **wanted)
    if before := _number(request, "before"):
        found = found.filter(pk__lt=before)
    rows = list(found[: PAGE + 1])
    context = {
        "rows": queries.shown(request.pool, rows[:PAGE]),
        "next": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "status": status,
        "tally": [(value, label, queries.tally(request.pool)[value]) for value, label in Review.Status.choices],
        "reasons": Review.Reason.choices,
        "causes": [(kind, each.label) for kind, each in KINDS.items()],
        "narrowed": any(wanted.values()),
    }
    return _page(request, "oneid/list.html", "oneid:list", context, "results")


@require_POST
@allow("members.merge")
def decide(request: HttpRequest) -> HttpResponse:
    """One verdict for the reviews that were picked; from a review's own page on to the next one."""
    picked = [int(text) for text in request.POST.getlist("pick") if text.isdecimal() and len(text) < 18]
    verdict, single = request.POST.get("verdict", ""), request.POST.get("single")
    keep = request.POST.get("keep", "")
    try:
        if not picked:
            raise Problem("review.none", _("请先选择要决定的记录"))
        done = services.decide(
            pool=request.pool, reviews=picked, verdict=verdict, actor=request.user, as_of=clock.now(),
            keep={picked[0]: int(keep)} if keep.isdecimal() and len(keep) < 18 and len(picked) == 1 else None,
        )  # fmt: skip
        toast(request, _("已决定 %(n)s 条") % {"n": done})
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("oneid:review", picked[0]) if single and picked else redirect("oneid:list")
    if single and (after := queries.following(queries.review_of(request.pool, picked[0]))):
        return redirect("oneid:review", after)
    return redirect("oneid:list")


@require_GET
@allow("members.merge")
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Two members side by side, what raised the question, and the decision."""
    row = queries.review_of(request.pool, pk)
    (shown,) = queries.shown(request.pool, [row])
    sides = [queries.side(members.member_of(request.pool, each.pk)) for each in (shown.one, shown.two) if each]
    lines = queries.compare(sides[0], sides[1]) if len(sides) == 2 else []
    context = {"row": shown, "sides": sides, "lines": lines, "following": queries.following(row)}
    return _page(request, "oneid/review.html", "oneid:list", context)


@require_POST
@allow("members.merge")
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    row = queries.review_of(request.pool, pk)
    try:
        services.reopen(review=row, actor=request.user)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("oneid:review", pk)


# -- The guard -------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@allow("members.merge")
def guard(request: HttpRequest) -> HttpResponse:
    """Values that join nobody, and the form for more."""
    form = BlockForm(request.POST or None)
    if request.method == "POST":
        _must_edit(request)
        if form.is_valid():
            said = form.cleaned_data
            taken, wrong = services.block_many(
                pool=request.pool,
                kind=said["kind"],
                values=said["values"],
                note=said["note"],
                actor=request.user,
                as_of=clock.now(),
            )
            if taken:
                toast(request, _("已加入 %(n)s 个") % {"n": taken})
            if wrong:
                toast(request, _("无法识别：%(values)s") % {"values": formats.listed(wrong[:5])}, level=messages.WARNING)
            return redirect("oneid:guard")
    allowed = request.GET.get("allowed") == "1"
    found = queries.guards(request.pool, kind=request.GET.get("kind", ""), reason=request.GET.get("reason", ""), allowed=allowed)
    if before := _number(request, "before"):
        found = found.filter(pk__lt=before)
    rows = list(found[: PAGE + 1])
    context = {
        "form": form, "rows": rows[:PAGE], "next": rows[PAGE - 1].pk if len(rows) > PAGE else None, "allowed": allowed,
        "reasons": Guard.Reason.choices, "causes": Identity.Kind.choices, "limits": _limits(request.pool),
    }  # fmt: skip
    return _page(request, "oneid/guard.html", "oneid:guard", context, "results")


def _limits(pool: Pool) -> list[tuple[Any, int]]:
    return [(KINDS[kind].label, number) for kind, number in oneid.of(pool).limits.items() if number]


def _must_edit(request: HttpRequest) -> None:
    if not may(request.role, "oneid.edit"):  # type: ignore[attr-defined]
        raise Refused("oneid.edit")


@require_POST
@allow("oneid.edit")
def staff(request: HttpRequest) -> HttpResponse:
    """Telephones of the staff profiles join the list."""
    added = services.guard_staff(pool=request.pool, actor=request.user, as_of=clock.now())
    toast(request, _("员工档案里的 %(n)s 个号码已加入") % {"n": added} if added else _("员工档案里没有新的号码"))
    return redirect("oneid:guard")


@require_GET
@allow("members.merge")
def guarded(request: HttpRequest, pk: int) -> HttpResponse:
    """One value, and the members whose rows carried it."""
    row = queries.guard_of(request.pool, pk)
    users = queries.users_of(row, _number(request, "after"), PAGE + 1)
    context = {
        "row": row, "users": [(each, members.identities_of(each)) for each in users[:PAGE]],
        "next": users[PAGE - 1].pk if len(users) > PAGE else None, "count": row.uses.count(),
    }  # fmt: skip
    return _page(request, "oneid/guarded.html", "oneid:guard", context)


@require_POST
@allow("oneid.edit")
def allow_value(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a value join people again, or guard it after all."""
    row = queries.guard_of(request.pool, pk)
    if row.is_allowed:
        services.guard_again(guard=row, actor=request.user, as_of=clock.now())
        toast(request, _("已重新拦截"))
    else:
        back = services.allow_value(guard=row, actor=request.user, as_of=clock.now())
        toast(request, _("已放行，并归还给唯一用过它的会员") if back else _("已放行：以后不再拦截"))
    return redirect("oneid:guarded", pk)


# -- Searches and rehearsals -----------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@allow("members.merge")
def searches(request: HttpRequest) -> HttpResponse:
    """What was looked for, and the form to look again."""
    form = SearchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = services.search_duplicates(
            pool=request.pool, signals=form.cleaned_data["signals"], actor=request.user, as_of=clock.now()
        )
        return redirect("oneid:found", made.pk)
    context = {"form": form, "rows": queries.rehearsals(request.pool)}
    return _page(request, "oneid/searches.html", "oneid:searches", context)


@require_GET
@allow("members.merge")
def found(request: HttpRequest, pk: int) -> HttpResponse:
    """What would be merged, the largest groups, what the guard stops; nothing was touched."""
    row = queries.rehearsal_of(request.pool, pk)
    job = JobRun.objects.filter(pk=row.job_id).first() if row.job_id else None
    groups = row.result.get("groups", [])
    names = members.names([number for group in groups for number in group["members"][:12]])
    context = {
        "row": row, "job": job, "busy": bool(job and job.is_open),
        "groups": [(_named(group, names), len(group["members"]), group["kinds"]) for group in groups],
        "matched": [(KINDS[kind].label, n) for kind, n in _by_size(row.result.get("matched", {}))],
        "signals": [(duplicates.SIGNALS[name], n) for name, n in row.result.get("signals", {}).items()],
        "guarded": [(KINDS[each["kind"]].label, each) for each in row.result.get("guarded", [])],
    }  # fmt: skip
    return _page(request, "oneid/found.html", "oneid:searches", context, "results")


def _named(group: dict[str, Any], names: dict[int, str]) -> list[tuple[int, str]]:
    return [(number, names.get(number, "")) for number in group["members"][:12]]


def _by_size(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: -pair[1])


@require_GET
@allow("members.merge")
def table(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Every pair as CSV: numbers of members, no names and no identities."""
    row = queries.rehearsal_of(request.pool, pk)
    columns = [Column(_("组"), "number"), Column(_("保留"), "text"), Column(_("并入"), "text")]
    return csv_response(_("查重结果 %(n)s") % {"n": row.pk}, columns, duplicates.lines(row))


@require_POST
@allow("members.merge")
def queue(request: HttpRequest, pk: int) -> HttpResponse:
    row: Rehearsal = queries.rehearsal_of(request.pool, pk)
    added = services.queue_duplicates(rehearsal=row, actor=request.user, as_of=clock.now())
    toast(request, _("已加入待确认 %(n)s 对") % {"n": added})
    return redirect("oneid:list")


# -- Rates and rules -------------------------------------------------------------------------------
def _asked(request: HttpRequest) -> tuple[int, Any, int | None]:
    days = _number(request, "days") or PERIODS[1]
    days = days if days in PERIODS else PERIODS[1]
    return days, clock.now() - timedelta(days=days), _number(request, "channel")


@require_GET
@allow("imports.view")
def rates(request: HttpRequest) -> HttpResponse:
    """Per source and per import: who was recognised by what, who is new, merged, in conflict, nobody."""
    days, since, channel = _asked(request)
    pool: Pool = request.pool  # type: ignore[attr-defined]
    months = queries.by_month(pool, clock.now() - timedelta(days=730))
    context = {
        "days": days, "periods": PERIODS, "channels": queries.by_channel(pool, since),
        "runs": queries.by_run(pool, channel=channel, since=since), "channel": channel,
        "months": [
            (each["month"].strftime("%Y-%m"), each["matched"] / max(total, 1), total)
            for each in months
            for total in [each["matched"] + each["new"]]
        ],
    }  # fmt: skip
    return _page(request, "oneid/rates.html", "oneid:rates", context)


@require_GET
@allow("imports.view")
def rates_table(request: HttpRequest) -> HttpResponseBase:
    """The imports of the page as CSV."""
    _days, since, channel = _asked(request)
    heads = (_("文件"), _("导入"), _("数据行"), _("人数"), *Outcome.labels, _("认不出的行"), _("识别率"))
    kinds: list[Any] = ["text", "text", *["number"] * (len(heads) - 3), "percent"]
    columns = [Column(str(head), kind) for head, kind in zip(heads, kinds, strict=True)]
    found = queries.by_run(request.pool, channel=channel, since=since, limit=1000)
    rows = (
        [rate.name, str(rate.run.pk if rate.run else ""), rate.rows, rate.people, *rate.counts.values(), rate.nobody, rate.rate]
        for rate in found
    )
    return csv_response(_("识别率"), columns, rows)


@require_http_methods(["GET", "POST"])
@allow("members.merge")
def rules(request: HttpRequest) -> HttpResponse:
    """What each kind proves, who is trusted for which field, what ids belong to."""
    form = RulesForm(request.POST or None, pool=request.pool)
    if request.method == "POST":
        _must_edit(request)
        if form.is_valid():
            try:
                services.save_rules(pool=request.pool, changes=form.changes(), actor=request.user)
                toast(request, _("规则已保存，从下一次导入起生效"))
                return redirect("oneid:rules")
            except Problem as problem:
                form.add_error(None, problem.message)
    return _page(request, "oneid/rules.html", "oneid:rules", {"form": form, "may_edit": may(request.role, "oneid.edit")})
