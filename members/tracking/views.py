"""Sites whose visits are recorded: the list, one site, its snippet and its secret."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.models import Site
from members.tracking import queries, services
from members.tracking.forms import SiteForm
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.access import allow


@require_GET
@allow("sites.view")
def site_list(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    rows = [(site, queries.heard(site, now)) for site in queries.sites(request.pool)]
    return render(request, "tracking/list.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@allow("sites.edit")
def new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@allow("sites.edit")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, queries.site_of(request.pool, pk))


def _edit(request: HttpRequest, site: Site | None) -> HttpResponse:
    form = SiteForm(request.POST) if request.method == "POST" else SiteForm.of(site) if site else SiteForm()
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_site(pool=request.pool, site=site, actor=request.user, as_of=clock.now(), **form.cleaned_data)
            messages.success(request, _("网站已保存"))
            return redirect("sites:detail", saved.pk)
        except Problem as problem:
            form.add_error(next((name for name in problem.fields if name in form.fields), None), problem.message)
    return render(request, "tracking/edit.html", {"form": form, "site": site}, status=422 if form.errors else 200)


@require_GET
@allow("sites.view")
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    site = queries.site_of(request.pool, pk)
    return render(request, "tracking/detail.html", _page(request, site))


def _page(request: HttpRequest, site: Site, **more: Any) -> dict[str, Any]:
    now = clock.now()
    script = request.build_absolute_uri(_public("sites_public:script"))
    host = script.removesuffix(_public("sites_public:script"))
    return {
        "site": site,
        "heard": queries.heard(site, now),
        "latest": queries.latest(site, now),
        "snippet": f'<script src="{script}" data-site="{site.key}" data-consent="{site.consent}" async></script>',
        "policy": f"script-src {host}; connect-src {host}",
        **more,
    }


def _public(name: str) -> str:
    """An address outside every pool."""
    inside = get_script_prefix()
    set_script_prefix("/")
    try:
        return reverse(name)
    finally:
        set_script_prefix(inside)


@require_POST
@allow("sites.edit")
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the signing secret, or make another; either is written down."""
    site = queries.site_of(request.pool, pk)
    act = services.renew_secret if "renew" in request.POST else services.reveal_secret
    shown = act(site=site, actor=request.user)  # type: ignore[operator]
    return render(request, "tracking/detail.html", _page(request, site, secret=shown))
