"""The tab of habits on the member's page."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from members import panels
from members.habits import charts, queries
from members.models import Member
from scrm.lib import clock

__all__ = ["charts"]


def _panel(_request: HttpRequest, member: Member) -> dict[str, Any]:
    now = clock.now()
    hour = queries.busiest(queries.hours(member, now))
    return {
        "busiest": None if hour is None else (hour, (hour + 3) % 24),
        "interests": queries.interests(member, now),
        "places": queries.places(member, now),
    }


panels.register("habits", label=_("行为画像"), template="habits/panel.html", context=_panel, icon="chart-dots", order=15)
