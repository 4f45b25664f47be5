"""The pool's consents: how far they reach, how they change, and what people agreed to."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from members import consents
from members.privacy.forms import WordingForm
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow


@require_GET
@allow("members.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Coverage per carrier and purpose, and changes per day; every figure leads to its members."""
    now = clock.now()
    context = {
        "rows": consents.coverage(request.pool),
        "in_force": consents.in_force(request.pool, now),
        "wordings": consents.wordings(request.pool).count(),
    }
    return render(request, "privacy/consents.html", context)


@require_http_methods(["GET", "POST"])
@allow("consents.edit")
def wordings(request: HttpRequest) -> HttpResponse:
    """Every version of every text, and one more."""
    form = WordingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        valid_from: datetime = given.pop("valid_from") or clock.now()
        try:
            consents.add_wording(pool=request.pool, **given, valid_from=valid_from, actor=request.user)
            toast(request, _("已保存新版本"))
            return redirect("privacy:wordings")
        except Problem as problem:
            form.add_error(next((name for name in problem.fields if name in form.fields), None), problem.message)
    now = clock.now()
    current = {row.pk for row in consents.in_force(request.pool, now).values()}
    rows = [(row, row.pk in current, row.valid_from > now) for row in consents.wordings(request.pool)]
    return render(request, "privacy/wordings.html", {"form": form, "rows": rows}, status=422 if form.is_bound else 200)
