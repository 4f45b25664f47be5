from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from scrm.jobs import queries, services
from scrm.lib.htmx import render_page
from scrm.staff.access import allow


@require_GET
@allow("jobs.view")
def job_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "jobs/list.html", "rows", {"jobs": queries.recent(request.pool.pk)})


@require_GET
@allow("jobs.view")
def tray(request: HttpRequest) -> HttpResponse:
    return render(request, "jobs/tray.html", {"jobs": queries.open_jobs(request.pool.pk)[:6]})


@require_GET
@allow("jobs.view")
def progress(request: HttpRequest, job_id: int) -> HttpResponse:
    return render(request, "jobs/progress.html", {"job": queries.job_of(request.pool.pk, job_id)})


@require_POST
@allow("jobs.steer")
def steer(request: HttpRequest, job_id: int, what: str) -> HttpResponse:
    job = services.ask(job=queries.job_of(request.pool.pk, job_id), what=what, actor=request.user)
    if getattr(request, "htmx", False):
        return render(request, "jobs/progress.html", {"job": job})
    return redirect("jobs:list")
