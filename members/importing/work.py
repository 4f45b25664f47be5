"""The two jobs of an import."""

from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

from members.importing import journal, pipeline, revert, services, staging
from members.models import ImportRun
from scrm.jobs.kinds import job
from scrm.jobs.models import JobRun
from scrm.jobs.running import RunningJob, Stopped
from scrm.lib import clock


@job("members.check", title=_("检查导入文件"))
def check(job: RunningJob) -> dict[str, Any]:
    return _do(job, ImportRun.Status.CHECKED)


@job("members.import", title=_("导入"), attempts=20)
def run(job: RunningJob) -> dict[str, Any]:
    return _do(job, ImportRun.Status.DONE)


def _do(job: RunningJob, reached: str) -> dict[str, Any]:
    run = ImportRun.objects.select_related("pool", "actor").get(pk=job.params["run"])
    work = pipeline.run if reached == ImportRun.Status.DONE else pipeline.check
    try:
        counts = work(run, progress=job, as_of=clock.now())
    except Stopped as stop:
        if stop.status == JobRun.Status.CANCELLED:
            journal.close(run)
            staging.drop(run)
            services.finish(run=run, status=ImportRun.Status.CANCELLED, counts=journal.told(run), at=clock.now())
        raise
    except (OperationalError, InterfaceError):
        raise  # the database went away: the job goes on later, so nothing is over
    except Exception as error:
        services.finish(
            run=run, status=ImportRun.Status.FAILED, counts={"error": getattr(error, "message", str(error))}, at=clock.now()
        )
        raise
    services.finish(run=run, status=reached, counts=counts, at=clock.now())
    return counts


@job(revert.KIND, title=_("撤销导入"), attempts=20)
def take_back(job: RunningJob) -> dict[str, Any]:
    run = ImportRun.objects.select_related("pool", "actor").get(pk=job.params["run"])
    return revert.run(run, job, as_of=clock.now())
