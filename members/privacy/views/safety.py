"""Who looked, the keys data is kept under, proofs of erasure."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import queries as members
from members.models import AccessEntry, Erasure, Member, PoolAccess, Tombstone
from members.privacy import erasing, looks, queries, sealing, tombstones
from members.privacy.forms import ErasureForm, LiftForm, first_error
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.export import Column, csv_response
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff import throttle
from scrm.staff.access import allow
from scrm.staff.models import User

CSV_ROWS = 100_000


# -- Who looked ----------------------------------------------------------------------------------
@require_GET
@allow("privacy.view")
def access(request: HttpRequest) -> HttpResponseBase:
    """Looks at members' data, by whom and when; `?form=csv` the same as a file."""
    asked = queries.ask(request.GET, request.pool, clock.now())
    found = queries.entries(request.pool, asked)
    if request.GET.get("form") == "csv":
        return csv_response(_("访问记录"), _heads(), (_line(row) for row in found[:CSV_ROWS].iterator(chunk_size=2000)))
    rows, following = queries.page(found, request.GET.get("after", ""))
    context: dict[str, Any] = {"rows": _named(rows), "following": following, "asked": asked, "member": asked.member}
    if not getattr(request, "htmx", False):
        people = User.objects.filter(pk__in=PoolAccess.objects.filter(pool=request.pool).values("user_id"))
        context |= {
            "lookers": queries.lookers(request.pool, asked),
            "limit": looks.limit_of(request.pool),
            "people": [(str(user.pk), str(user)) for user in people],
            "whats": AccessEntry.What.choices,
        }
    return render_page(request, "privacy/access.html", "results", context)


def _named(rows: list[AccessEntry]) -> list[tuple[AccessEntry, str]]:
    names = members.names([row.member_id for row in rows if row.member_id])
    return [(row, names.get(row.member_id, "")) for row in rows]


def _heads() -> list[Column]:
    texts = [_("时间"), _("人员"), _("行为"), _("会员编号"), _("会员数"), _("对象"), _("原因"), _("来源地址"), _("程序")]
    return [Column(texts[0], "date"), *(Column(text) for text in texts[1:])]


def _line(row: AccessEntry) -> list[Any]:
    who = str(row.actor) if row.actor else ""
    about = [row.get_what_display(), str(row.member_id or ""), str(row.count), row.detail, row.reason]
    return [row.at, who, *about, row.address, row.agent]


def panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    """The tab of a member's page: everybody who looked at them."""
    rows, following = queries.page(queries.of_member(request.pool, [member.pk]), "", 100)
    return {"looks": rows, "more": bool(following)}


# -- Keys and sign-ins ---------------------------------------------------------------------------
@require_GET
@allow("privacy.view")
def safety(request: HttpRequest) -> HttpResponse:
    """Under which keys values stand, who is kept from signing in, what is kept how long."""
    people = list(User.objects.filter(pk__in=PoolAccess.objects.filter(pool=request.pool).values("user_id")))
    waits = throttle.locked(people, clock.now())
    context = {
        "keys": sealing.counts(),
        "outdated": sealing.outdated() + (unsealed := sealing.unsealed()),
        "unsealed": unsealed,
        "job": sealing.job(),
        "locked": [(user, waits[user.pk]) for user in people if user.pk in waits],
        "kept": KEPT,
        "limit": looks.limit_of(request.pool),
    }
    return render(request, "privacy/safety.html", context)


KEPT = [
    (gettext_lazy("导出文件"), gettext_lazy("打码 7 天，完整 3 天；之后只留下谁为什么导出")),
    (gettext_lazy("API 写入的答复（幂等键）"), gettext_lazy("48 小时")),
    (gettext_lazy("后台任务的参数"), gettext_lazy("结束后 30 天")),
    (gettext_lazy("访问记录"), gettext_lazy("3 年；抹除后不再含姓名")),
    (gettext_lazy("抹除证明"), gettext_lazy("一直保留；不含个人信息")),
]


@require_POST
@allow("members.erase")
def reseal(request: HttpRequest) -> HttpResponse:
    """Seal anew what stands under older keys."""
    sealing.start(actor=request.user)
    toast(request, _("已开始，可在后台任务中查看进度"))
    return redirect("privacy:safety")


@require_POST
@allow("staff.manage")
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody of this pool try to sign in again."""
    user = get_object_or_404(User, pk=pk, accesses__pool=request.pool)
    throttle.unlock(user=user, actor=request.user, pool_id=request.pool.pk)
    toast(request, _("已解除，可立即重新登录"))
    return redirect("privacy:safety")


# -- Erasure -------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@allow("privacy.view")
def erasures(request: HttpRequest) -> HttpResponse:
    """Proofs, newest first, and the door back for who was erased."""
    form = LiftForm()
    context = {
        "rows": _with_jobs(list(erasing.erasures(request.pool)[:200])),
        "form": form,
        "blocked": Tombstone.objects.filter(pool=request.pool).count(),
    }
    return render(request, "privacy/erasures.html", context)


def _with_jobs(rows: list[Erasure]) -> list[tuple[Erasure, JobRun | None]]:
    known = JobRun.objects.in_bulk([row.job_id for row in rows if row.job_id])
    return [(row, known.get(row.job_id or 0)) for row in rows]


@require_POST
@allow("members.erase")
def lift(request: HttpRequest) -> HttpResponse:
    """Take an identity off the list of those that must not come back."""
    form = LiftForm(request.POST)
    if not form.is_valid():
        toast(request, first_error(form), level=messages.ERROR)
    elif tombstones.lift(pool=request.pool, **form.cleaned_data, actor=request.user, as_of=clock.now()):
        toast(request, _("已解除：再次出现时按新人建立"))
    else:
        toast(request, _("这个身份标识不在阻止名单里"), level=messages.WARNING)
    return redirect("privacy:erasures")


@require_GET
@allow("privacy.view")
def certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """The proof, to read, to print, or as JSON."""
    row = get_object_or_404(Erasure.objects.select_related("actor", "pool"), pool=request.pool, pk=pk)
    if request.GET.get("form") == "json":
        response = JsonResponse(erasing.proof(row), json_dumps_params={"ensure_ascii": False, "indent": 1})
        response["Content-Disposition"] = f'attachment; filename="erasure-{row.pk}.json"'
        return response
    job = JobRun.objects.filter(pk=row.job_id or 0).first()
    return render(request, "privacy/certificate.html", {"row": row, "job": job, "proof": erasing.proof(row)})


@require_http_methods(["GET", "POST"])
@allow("members.erase")
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Reason and typed confirmation, then no way back."""
    member = members.member_of(request.pool, pk)
    if erasing.is_erased(member):
        proof = erasing.proof_of(request.pool, member.pk)
        return redirect("privacy:certificate", proof.pk) if proof else redirect("privacy:erasures")
    form = ErasureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = erasing.request(member=member, **form.cleaned_data, actor=request.user, as_of=clock.now())
            return redirect("privacy:certificate", made.pk)
        except Problem as problem:
            field = next((name for name in problem.fields if name in form.fields), None)
            form.add_error(field, problem.message)
    context = {"member": member, "form": form, "plan": erasing.plan(request.pool, member)}
    return render(request, "privacy/erase.html", context, status=422 if form.is_bound else 200)
