"""Handing a file of owners and home stores in: looked at at once, taken in as a job."""

from typing import Any

from django.db import transaction

from members.communities.uploading import keep
from members.models import Pool
from members.ownership import files
from members.ownership.services import FILE_JOB
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.staff.audit import audit
from scrm.staff.models import User


def upload(*, pool: Pool, file: Any, actor: User | None) -> JobRun:
    """Keep the file, see that it can be read, and start the job."""
    place, path = keep(file, "owners")
    try:
        next(files.lines(path, file.name), None)
        with transaction.atomic():
            params = {"path": str(place), "name": file.name}
            made = jobs.enqueue(kind=FILE_JOB, pool_id=pool.pk, params=params, actor=actor)
            audit(actor=actor, action="owners.import", target=made, pool_id=pool.pk, file=file.name)
        return made
    except BaseException:
        path.unlink(missing_ok=True)
        raise
