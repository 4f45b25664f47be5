"""Pages of stores."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.stores import queries, reading, services
from members.stores.forms import StoreFileForm, StoreForm
from members.team.sliced import cut
from scrm.lib import clock
from scrm.lib.export import Column, csv_response
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow

SORTS: dict[str, Any] = {
    "name": lambda row: row.store.name,
    "code": lambda row: row.store.code,
    "members": lambda row: row.members,
    "staff": lambda row: row.staff,
    "orders": lambda row: row.orders,
    "buyers": lambda row: row.buyers,
    "sales": lambda row: row.sales,
}


@require_GET
@allow("stores.view")
def store_list(request: HttpRequest) -> HttpResponse:
    """Stores with their figures of thirty days; codes that only orders know stand above."""
    now = clock.now()
    rows = queries.rows(request.pool, now)
    unknown = sorted((row for row in rows if not row.store.is_registered), key=lambda row: (-row.orders, row.store.code))
    known = [row for row in rows if row.store.is_registered]
    wanted = _wanted(request, known)
    sort = request.GET.get("sort", "-sales")
    key = SORTS.get(sort.lstrip("-"), SORTS["sales"])
    wanted.sort(key=lambda row: (key(row), row.store.pk), reverse=sort.startswith("-"))
    page = cut(wanted, lambda row: row.store.pk, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    regions = sorted({row.store.region for row in known if row.store.region})
    context = {
        "page": page,
        "count": len(wanted),
        "counted_at": next((row.counted_at for row in rows if row.counted_at != now), None),
        "unknown": unknown,
        "regions": [(name, name) for name in regions],
        "states": [("open", _("营业中")), ("closed", _("已闭店"))],
        "any": bool(rows),
    }
    return render_page(request, "stores/list.html", "results", context)


def _wanted(request: HttpRequest, rows: list[queries.Row]) -> list[queries.Row]:
    text = request.GET.get("q", "").strip().lower()
    regions, states = set(request.GET.getlist("region")), set(request.GET.getlist("state"))

    def fits(row: queries.Row) -> bool:
        store = row.store
        state = "open" if store.is_active else "closed"
        said = f"{store.name} {store.code} {store.city}".lower()
        return text in said and (not regions or store.region in regions) and (not states or state in states)

    return [row for row in rows if fits(row)]


@require_http_methods(["GET", "POST"])
@allow("stores.edit")
def store_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new store, a change, or the registration of a code that orders brought."""
    store = queries.store_of(request.pool, pk) if pk else None
    form = StoreForm(request.pool, request.POST or None, instance=store)
    if request.method == "POST" and form.is_valid():
        try:
            fresh = queries.store_of(request.pool, pk) if pk else None  # the form has written on its own copy
            services.save_store(pool=request.pool, store=fresh, facts=form.facts(), actor=request.user, as_of=clock.now())
            messages.success(request, _("门店已保存"))
            return redirect("stores:list")
        except Problem as problem:
            field = next(iter(problem.fields), None)
            form.add_error(field if field in form.fields else None, problem.message)
    context = {"form": form, "store": store, "today": clock.now().astimezone(request.pool.zone).date()}
    return render(request, "stores/edit.html", context, status=422 if form.errors else 200)


@require_POST
@allow("stores.edit")
def store_register(request: HttpRequest, pk: int) -> HttpResponse:
    """One click: the code becomes a store under its own name, to be described later."""
    store = queries.store_of(request.pool, pk)
    services.save_store(pool=request.pool, store=store, facts={}, actor=request.user, as_of=clock.now())
    toast(request, _("已登记「%(name)s」，可在编辑里补充名称和城市") % {"name": store.name})
    return redirect("stores:list")


@require_POST
@allow("stores.edit")
def store_close(request: HttpRequest, pk: int) -> HttpResponse:
    store = queries.store_of(request.pool, pk)
    try:
        services.close_store(store=store, on=date.fromisoformat(request.POST.get("on", "")), actor=request.user)
        messages.success(request, _("门店已闭店"))
    except ValueError:
        toast(request, _("请填写闭店日期"), level=messages.ERROR)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("stores:edit", pk)


@require_POST
@allow("stores.edit")
def notice(request: HttpRequest) -> HttpResponse:
    """Look through the orders for codes nobody registered."""
    found = services.notice(pool=request.pool, as_of=clock.now())
    toast(request, _("找到 %(n)s 个未登记的门店编码") % {"n": found} if found else _("订单里没有新的门店编码"))
    return redirect("stores:list")


@require_POST
@allow("stores.edit")
def homes(request: HttpRequest) -> HttpResponse:
    """Home stores out of a year's orders, as a job."""
    services.start_homes(pool=request.pool, actor=request.user)
    toast(request, _("已开始补全归属门店，可在后台任务中查看进度"))
    return redirect("stores:list")


@require_http_methods(["GET", "POST"])
@allow("stores.edit")
def store_import(request: HttpRequest) -> HttpResponse:
    """A small file of stores: all of it is written, or nothing and why."""
    form = StoreFileForm(request.POST or None, request.FILES or None)
    counts = None
    if request.method == "POST" and form.is_valid():
        try:
            rows = reading.stores(form.cleaned_data["file"])
            counts = services.import_stores(pool=request.pool, rows=rows, actor=request.user, as_of=clock.now())
            messages.success(request, _("新增 %(new)s 家，更新 %(updated)s 家，没有变化 %(unchanged)s 家") % counts)
            return redirect("stores:list")
        except Problem as problem:
            form.add_error(None, problem.message)
    return render(
        request, "stores/import.html", {"form": form, "columns": reading.STORE_COLUMNS}, status=422 if form.errors else 200
    )


@require_GET
@allow("stores.edit")
def template(request: HttpRequest) -> HttpResponseBase:
    """The headings of the file, with the stores there are."""
    rows = [
        (
            row.code,
            row.name,
            row.region,
            row.province,
            row.city,
            row.manager.username if row.manager else "",
            row.opened_on or "",
            row.closed_on or "",
        )
        for row in queries.open_stores(request.pool)
    ]
    return csv_response(_("门店"), [Column(names[0]) for names in reading.STORE_COLUMNS.values()], rows)
