"""Looking through a whole pool for members who may be one person."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Rehearsal
from members.oneid import duplicates
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob


@job("members.duplicates", title=_("会员查重"))
def look(running: RunningJob) -> dict[str, Any]:
    """Reads only; begun again it finds the same."""
    rehearsal = Rehearsal.objects.get(pk=running.params["rehearsal"])
    total = len(rehearsal.signals)

    def report(done: int, signal: str) -> None:
        running.checkpoint(done=done, total=total, phase=signal)

    return duplicates.search(rehearsal, report)
