"""The address of every chart: /p/<pool>/charts/<name>.<json|html|csv|xlsx>."""

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from scrm.lib.charts import CHARTS, FORMS, Declared, answer
from scrm.staff.access import allow


@require_GET
def chart(request: HttpRequest, name: str, form: str) -> HttpResponseBase:
    """The chart, to whoever holds the permission it declares."""
    if name not in CHARTS or form not in FORMS:
        raise Http404(f"no chart {name!r}")
    declared = CHARTS[name]
    return allow(declared.permission)(_made)(request, declared, form)


def _made(request: HttpRequest, declared: Declared, form: str) -> HttpResponse:
    return cast(HttpResponse, answer(request, declared.build(request), form))
