"""Files of groups as jobs."""

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from members.communities import files, uploading, watch
from members.models import Pool
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock

BATCH = 1000


@job(uploading.JOB, title=_("导入社群文件"))
def take_file(running: RunningJob) -> dict[str, Any]:
    """Batch by batch, each with its watermark; figures are computed when all is in."""
    pool, given = Pool.objects.get(pk=running.pool_id or 0), running.params
    path = Path(settings.MEDIA_ROOT) / given["path"]
    as_of = clock.now()
    known = files.work(pool, running.actor, as_of)
    outcome = files.Outcome(**running.watermark)
    rows = (row for row in files.lines(path, given["name"], given["kind"]) if row[0] > outcome.line)
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            files.take(known, given["kind"], batch, outcome)
            running.checkpoint(done=outcome.rows, watermark=asdict(outcome))
        running.checkpoint()
    if given.get("complete") and given["kind"] == "members":
        with transaction.atomic():
            files.close(known, files.lines(path, given["name"], given["kind"]), outcome)
    watch.measure(pool=pool, as_of=as_of)
    path.unlink(missing_ok=True)
    return asdict(outcome)
