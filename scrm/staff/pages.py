"""Pages of the trail of acts and of programs' tokens."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from scrm.lib.htmx import render_page
from scrm.staff import tokens
from scrm.staff.access import allow
from scrm.staff.models import ApiToken, AuditEntry
from scrm.staff.permissions import granted

PAGE = 50


class TokenForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("名称"), max_length=60, help_text=gettext_lazy("写明谁在用，例如「收银系统」"))
    scopes = forms.MultipleChoiceField(label=gettext_lazy("权限"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, role: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [(code, code) for code in sorted(granted(role))]


@require_GET
@allow("audit.view")
def trail(request: HttpRequest) -> HttpResponse:
    """Acts in this pool, newest first; `before` is the last seen id."""
    found = AuditEntry.objects.filter(pool_id=request.pool.pk).select_related("actor")
    if action := request.GET.get("action", "").strip():
        found = found.filter(action__startswith=action)
    if (before := request.GET.get("before", "")).isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=before)
    entries = list(found.order_by("-pk")[: PAGE + 1])
    following = entries[PAGE - 1].pk if len(entries) > PAGE else None
    return render_page(request, "staff/audit.html", "rows", {"entries": entries[:PAGE], "following": following})


@require_http_methods(["GET", "POST"])
@allow("tokens.own")
def token_list(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a new one's secret is shown this once."""
    form = TokenForm(request.role, request.POST or None)
    secret = None
    if request.method == "POST" and form.is_valid():
        _token, secret = tokens.issue(user=request.user, pool_id=request.pool.pk, role=request.role, **form.cleaned_data)
        form = TokenForm(request.role)
    own = ApiToken.objects.filter(user=request.user, pool_id=request.pool.pk).order_by("-created_at")  # type: ignore[misc]  # signed in: the gate saw to it
    return render(request, "staff/tokens.html", {"form": form, "tokens": own, "secret": secret})


@require_POST
@allow("tokens.own")
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=token_id, user=request.user, pool_id=request.pool.pk)
    tokens.revoke(token=token, actor=request.user)
    messages.success(request, _("令牌已停用"))
    return redirect("staff:tokens")
