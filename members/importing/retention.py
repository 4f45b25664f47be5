"""What imports keep, and for how long: journals a day, files with their refused rows and samples some weeks."""

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from members.importing import journal, staging
from members.models import ImportReject, ImportRun, ImportSample
from scrm.jobs.models import JobRun


def sweep(as_of: datetime) -> dict[str, int]:
    """Forget what is old enough: journals that can no longer be reverted, uploaded files and what was kept of their rows."""
    return {"journals": _journals(as_of), "files": _files(as_of)}


def _resting() -> Q:
    return ~Q(job_id__in=JobRun.objects.filter(status__in=JobRun.OPEN).values("pk"))


def _journals(as_of: datetime) -> int:
    """Also of imports that ended without their job noticing: cancelled on the page of jobs, given up after too many deaths."""
    old = ImportRun.objects.filter(_resting(), created_at__lt=as_of - journal.KEPT).exclude(journal={})
    count = 0
    for run in old.filter(Q(finished_at=None) | Q(finished_at__lte=as_of - journal.KEPT)).exclude(journal__has_key="expired"):
        if set(run.journal) & {"volumes", "written", "merges"}:
            _expire(run)
            count += 1
    return count


@transaction.atomic
def _expire(run: ImportRun) -> None:
    journal.close(run)
    journal.drop(run)
    staging.drop(run)
    ImportRun.objects.filter(pk=run.pk).update(journal={**run.journal, "expired": True})


def _files(as_of: datetime) -> int:
    """A file stays as long as its import waits or works; then it goes with its refused rows and samples."""
    before = as_of - timedelta(days=settings.IMPORT_KEEP_DAYS)
    old = ImportRun.objects.filter(_resting(), Q(finished_at=None) | Q(finished_at__lt=before), created_at__lt=before)
    ImportReject.objects.filter(run__in=old).delete()
    ImportSample.objects.filter(run__in=old).delete()
    paths = old.exclude(options__has_key="api").values_list("path", flat=True)  # batches of the API keep no file
    there = [path for path in (Path(settings.MEDIA_ROOT) / each for each in paths) if path.is_file()]
    for path in there:
        path.unlink(missing_ok=True)
    old.exclude(sample=[]).update(sample=[])
    return len(there)
