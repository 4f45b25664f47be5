"""Handing a file of groups in: looked at at once, taken in as a job."""

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from members.communities import files
from members.importing.codes import problem as refused
from members.models import Pool
from members.stores.reading import MOST
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.staff.audit import audit
from scrm.staff.models import User

JOB = "members.communities.file"


def upload(*, pool: Pool, kind: str, file: Any, complete: bool, actor: User | None) -> JobRun:
    """Keep the file, see that it has the columns it needs, and start the job."""
    place, path = keep(file, "communities")
    try:
        next(files.lines(path, file.name, kind), None)  # refuses what cannot be read or lacks a column
        return _start(pool, kind, str(place), file.name, complete, actor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def keep(file: Any, folder: str) -> tuple[Path, Path]:
    """A copy of an uploaded file that only we can read: its place among the uploads, and its path."""
    if file.size > MOST:
        raise refused("too_large", limit=MOST >> 20)
    place = Path(folder) / f"{uuid.uuid4().hex}{Path(file.name).suffix.lower()[:8]}"
    path = Path(settings.MEDIA_ROOT) / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
    path.chmod(0o600)
    return place, path


@transaction.atomic
def _start(pool: Pool, kind: str, place: str, name: str, complete: bool, actor: User | None) -> JobRun:
    params = {"path": place, "name": name, "kind": kind, "complete": complete}
    made = jobs.enqueue(kind=JOB, pool_id=pool.pk, params=params, actor=actor)
    audit(actor=actor, action="community.import", target=made, pool_id=pool.pk, file=name, kind=kind)
    return made
