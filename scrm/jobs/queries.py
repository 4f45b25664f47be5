from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from scrm.jobs.models import JobRun


def recent(pool_id: int, limit: int = 50) -> QuerySet[JobRun]:
    """A pool's latest jobs, newest first."""
    return JobRun.objects.filter(pool_id=pool_id).select_related("actor").order_by("-created_at")[:limit]


def open_jobs(pool_id: int) -> QuerySet[JobRun]:
    """Jobs that are waiting, running or paused."""
    return JobRun.objects.filter(pool_id=pool_id, status__in=JobRun.OPEN).order_by("-created_at")


def job_of(pool_id: int, job_id: int) -> JobRun:
    """One job of the pool, or 404."""
    return get_object_or_404(JobRun, pk=job_id, pool_id=pool_id)
