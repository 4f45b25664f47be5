"""A pool's settings, and the door to a new one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from members.access import PREFIX
from members.pools import queries, services
from members.pools.forms import PoolForm, TargetsForm
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow


def _refused(form: PoolForm, problem: Problem) -> None:
    form.add_error(next((name for name in problem.fields if name in form.fields), None), problem.message)


@require_http_methods(["GET", "POST"])
@allow("pools.edit")
def edit(request: HttpRequest) -> HttpResponse:
    """What this pool is, its targets, its people, and putting it away."""
    form = PoolForm(request.POST or None, pool=request.pool)
    if request.method == "POST" and form.is_valid():
        try:
            zone = request.pool.time_zone
            pool = services.edit_pool(pool=request.pool, actor=request.user, **form.cleaned_data)
            toast(request, _("已保存；正在按新时区重算") if pool.time_zone != zone else _("已保存"))
            return HttpResponseRedirect(f"{PREFIX}{pool.slug}/settings/pool/")
        except Problem as problem:
            _refused(form, problem)
    return render(request, "pools/edit.html", {"form": form, **_around(request)})


def _around(request: HttpRequest, targets: TargetsForm | None = None) -> dict[str, object]:
    months = queries.coming_months(clock.now().astimezone(request.pool.zone).date())
    return {
        "targets": targets or TargetsForm(months, queries.targets(request.pool, months)),
        "accesses": queries.accesses(request.pool),
    }


@require_POST
@allow("pools.edit")
def targets(request: HttpRequest) -> HttpResponse:
    """Set the targets of the coming months."""
    months = queries.coming_months(clock.now().astimezone(request.pool.zone).date())
    form = TargetsForm(months, {}, request.POST)
    if not form.is_valid():
        context = {"form": PoolForm(pool=request.pool), **_around(request, form)}
        return render(request, "pools/edit.html", context, status=422)
    services.set_targets(pool=request.pool, targets=form.targets(), actor=request.user)
    toast(request, _("目标已保存"))
    return redirect("pools:edit")


@require_http_methods(["GET", "POST"])
@allow("pools.edit")
def new(request: HttpRequest) -> HttpResponse:
    """A new pool; its maker lands in it."""
    form = PoolForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            pool = services.create_pool(actor=request.user, **form.cleaned_data)
            toast(request, _("会员池已建好：从导入第一批会员开始"))
            return HttpResponseRedirect(f"{PREFIX}{pool.slug}/")
        except Problem as problem:
            _refused(form, problem)
    return render(request, "pools/new.html", {"form": form})


@require_POST
@allow("pools.edit")
def archive(request: HttpRequest) -> HttpResponse:
    try:
        services.archive_pool(pool=request.pool, actor=request.user)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("pools:edit")
    toast(request, _("已归档「%(pool)s」") % {"pool": request.pool.name})
    return HttpResponseRedirect("/")


@require_POST
@allow("pools.edit")
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Open one of the archived pools that this person administers."""
    pool = get_object_or_404(queries.archived_of(request.user), pk=pk)
    services.restore_pool(pool=pool, actor=request.user)
    toast(request, _("已恢复「%(pool)s」") % {"pool": pool.name})
    return HttpResponseRedirect(f"{PREFIX}{pool.slug}/")
