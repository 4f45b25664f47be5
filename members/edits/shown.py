"""The tab of changes on the member's page."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from members import panels
from members.edits import queries
from members.models import Member


def _panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    return {"edits": queries.edits_of(member, request.role)}  # type: ignore[attr-defined]


panels.register("edits", label=_("修改记录"), template="edits/panel.html", context=_panel, icon="history", order=70)
