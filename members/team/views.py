from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from members.models import PoolAccess
from members.team import services
from scrm.lib.problems import Problem
from scrm.staff.access import allow
from scrm.staff.permissions import MATRIX, Role


class InviteForm(forms.Form):
    username = forms.CharField(label=gettext_lazy("登录名"), max_length=60)
    display_name = forms.CharField(label=gettext_lazy("姓名"), max_length=60, required=False)
    password = forms.CharField(label=gettext_lazy("初始密码"), widget=forms.PasswordInput, required=False)
    role = forms.ChoiceField(label=gettext_lazy("角色"), choices=Role.choices, initial=Role.OPERATOR)


@require_http_methods(["GET", "POST"])
@allow("staff.manage")
def team(request: HttpRequest) -> HttpResponse:
    """Everyone in the pool, and the door for one more."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.invite(pool=request.pool, **form.cleaned_data, actor=request.user)
            messages.success(request, _("已加入会员池"))
            return redirect("team:list")
        except Problem as problem:
            form.add_error(next(iter(problem.fields), None), problem.message)
    accesses = PoolAccess.objects.filter(pool=request.pool).select_related("user").order_by("role", "user__username")
    matrix = [(code, [(role.value, role in roles) for role in Role]) for code, roles in MATRIX.items()]
    context = {"form": form, "accesses": accesses, "roles": Role.choices, "matrix": matrix}
    return render(request, "team/list.html", context)


@require_POST
@allow("staff.manage")
def change(request: HttpRequest, access_id: int) -> HttpResponse:
    access = get_object_or_404(PoolAccess, pk=access_id, pool=request.pool)
    try:
        if "remove" in request.POST:
            services.remove(access=access, actor=request.user)
            messages.success(request, _("已移出会员池"))
        else:
            role = request.POST.get("role", access.role)
            if role not in Role.values:
                raise Problem("no_such_role", _("没有这个角色：%(role)s") % {"role": role})
            services.change_role(access=access, role=role, actor=request.user)
            messages.success(request, _("角色已更改"))
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("team:list")
