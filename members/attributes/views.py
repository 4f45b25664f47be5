"""The page where a pool declares its own fields."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import queries as people
from members.attributes import forms, queries, services, usage
from members.models import AttributeField
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow


def _field(request: HttpRequest, pk: int) -> AttributeField:
    return get_object_or_404(AttributeField.objects.select_related("pool"), pool=request.pool, pk=pk)


@require_GET
@allow("members.view")
def field_list(request: HttpRequest) -> HttpResponse:
    """Every field; how many members have a value is fetched after the page."""
    every = list(queries.fields_of(request.pool, archived=True))
    live, archived = [field for field in every if not field.is_archived], [field for field in every if field.is_archived]
    return render(request, "attributes/list.html", {"fields": live, "archived": archived, "worth": queries.worth(request.pool)})


@require_GET
@allow("members.view")
def filled(request: HttpRequest) -> HttpResponse:
    """How many members have a value of each field, and keys nobody declared."""
    counted, total = queries.filled(request.pool), people.live(request.pool).count()
    fields = queries.by_key(request.pool)
    rows = [(field, counted.get(key, 0), counted.get(key, 0) / total if total else None) for key, field in fields.items()]
    stray = [
        (key, n, f"{reverse('attributes:new')}?{urlencode({'key': key})}") for key, n in counted.items() if key not in fields
    ]
    return render(request, "attributes/filled.html", {"rows": rows, "stray": stray, "total": total})


@require_http_methods(["GET", "POST"])
@allow("attributes.edit")
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Declare a field, or change what it is called and its choices."""
    field = _field(request, pk) if pk else None
    draft = AttributeField.objects.get(pk=field.pk) if field else None
    form = forms.FieldForm(
        request.POST or None, instance=draft, initial={"key": request.GET.get("key", "")} if not field else None
    )
    rows = forms.choice_rows(request.POST) if request.method == "POST" else forms.as_choices(field) if field else []
    if request.method == "POST" and "more" not in request.POST and form.is_valid():
        try:
            return _saved(request, field, form, rows)
        except Problem as problem:
            name = next((name for name in problem.fields if name in form.fields), None)
            form.add_error(name, problem.message)
    context = {
        "form": form,
        "field": field,
        "rows": forms.blank_rows(rows, request.POST if request.method == "POST" else None),
        "uses": usage.uses(field) if field else [],
        "with_choices": field is None or field.kind in AttributeField.WITH_CHOICES,
    }
    return render(request, "attributes/edit.html", context)


def _saved(request: HttpRequest, field: AttributeField | None, form: forms.FieldForm, rows: list[Any]) -> HttpResponse:
    if field is None:
        facts = form.facts()
        chosen = rows if facts["kind"] in AttributeField.WITH_CHOICES else []
        services.create_field(pool=request.pool, choices=chosen, actor=request.user, **facts)
        toast(request, _("已新建字段，现在就能在导入、列表、分群和接口里使用"))
        return redirect("attributes:list")
    kept = rows if field.kind in AttributeField.WITH_CHOICES else None
    job = services.edit_field(field=field, choices=kept, actor=request.user, **form.facts())
    toast(request, _("已保存；后台正在改写会员的值，期间新旧名称都能查到") if job else _("已保存"))
    return redirect("attributes:list")


@require_GET
@allow("members.view")
def distribution(request: HttpRequest, pk: int) -> HttpResponse:
    """The values of one field, each leading to its members."""
    field = _field(request, pk)
    found = queries.distribution(request.pool, field)
    parts = [(part, _behind(field, part)) for part in found.parts]
    context = {"field": field, "found": found, "parts": parts, "titled": "from" in request.GET}
    return render_page(request, "attributes/distribution.html", "values", context)


def _behind(field: AttributeField, part: queries.Share) -> str:
    key = usage.FILTER + field.key
    if field.kind in (AttributeField.Kind.NUMBER, AttributeField.Kind.DATE):
        return f"{reverse('members:list')}?{urlencode({f'{key}_min': part.first, f'{key}_max': part.last})}"
    return f"{reverse('members:list')}?{urlencode({key: part.first})}"


@require_POST
@allow("attributes.edit")
def move(request: HttpRequest, pk: int) -> HttpResponse:
    services.move_field(field=_field(request, pk), by=-1 if request.POST.get("way") == "up" else 1, actor=request.user)
    return redirect("attributes:list")


@require_POST
@allow("attributes.edit")
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Archive a field, or bring it back."""
    field, back = _field(request, pk), "restore" in request.POST
    try:
        services.archive_field(field=field, archived=not back, actor=request.user)
        toast(request, _("已恢复「%(field)s」") % {"field": field} if back else _("已归档「%(field)s」") % {"field": field})
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
    return redirect("attributes:list")


@require_POST
@allow("attributes.edit")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    field = _field(request, pk)
    try:
        services.delete_field(field=field, actor=request.user)
        toast(request, _("已删除「%(field)s」；会员身上的值由后台任务清除") % {"field": field})
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect("attributes:edit", pk)
    return redirect("attributes:list")
