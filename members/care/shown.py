"""Notes and tasks on the member's page: a tab, and their place in what happened."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import panels
from members.care.views import panel
from members.models import CareTask, Member, Note
from members.timeline import Moment, newest, source

panels.register("care", label=gettext_lazy("备注与任务"), template="care/panel.html", context=panel, icon="notes", order=20)


@source("notes", gettext_lazy("备注"), "note")
def notes(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """What colleagues wrote down."""
    found = newest(Note.objects.filter(member=member).select_related("by"), "at", before, limit, "id")
    return [Moment(row.at, row.text[:200], str(row.by or ""), tone="amber") for row in found]


@source("tasks", gettext_lazy("待办"), "checkbox")
def tasks(member: Member, before: datetime | None, limit: int) -> list[Moment]:
    """Tasks at the moment they were done."""
    done = CareTask.objects.filter(member=member, done_at__isnull=False).select_related("done_by")
    found = newest(done, "done_at", before, limit, "id")
    return [Moment(row.done_at, _("完成任务：%(text)s") % {"text": row.text}, row.outcome, tone="green") for row in found]
