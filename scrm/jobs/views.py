from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from scrm.jobs import queries, services
from scrm.jobs.models import JobRun
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
    return _card(request, queries.job_of(request.pool.pk, job_id))


@require_POST
@allow("jobs.steer")
def steer(request: HttpRequest, job_id: int, what: str) -> HttpResponse:
    job = services.ask(job=queries.job_of(request.pool.pk, job_id), what=what, actor=request.user)
    if getattr(request, "htmx", False):
        return _card(request, job)
    return redirect("jobs:list")


def _card(request: HttpRequest, job: JobRun) -> HttpResponse:
    """The card anew. Only open jobs are asked after: one that is over has changed more of the page than its card."""
    response = render(request, "jobs/progress.html", {"job": job, "is_over": not job.is_open})
    return response if job.is_open else trigger_client_event(response, "job-over", {"target": "body"})
