"""Training and scoring as a job."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from segmentation.models import Predictor
from segmentation.predicting import services


@job(services.JOB, title=gettext_lazy("训练与评分模型"))
def predict(running: RunningJob) -> dict[str, Any]:
    """Begun again after a crash it sees the same instant, so it comes to the same scores."""
    as_of = datetime.fromisoformat(running.watermark["as_of"]) if "as_of" in running.watermark else clock.now()
    running.checkpoint(watermark={"as_of": as_of.isoformat()})
    wanted = _wanted(running)
    phases = {"train": _("训练并检验"), "score": _("给会员评分"), "tag": _("更新标签")}

    def report(phase: str, done: int, total: int) -> None:
        running.checkpoint(done=done, total=total, phase=phases[phase])

    found = services.refresh(wanted=wanted, as_of=as_of, job_id=running.id, actor=running.actor, report=report)
    return found[0] if len(wanted) == 1 else {"models": found}


def _wanted(running: RunningJob) -> list[tuple[Predictor, bool]]:
    """The job's models, and whether each is to be trained; one that is gone by now is left out."""
    asked = running.params.get("predictors") or [[running.params["predictor"], running.params["train"]]]
    rows = Predictor.objects.select_related("pool").filter(pool_id=running.pool_id or 0).in_bulk([key for key, _train in asked])
    return [(rows[key], train) for key, train in asked if key in rows]
