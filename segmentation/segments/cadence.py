"""How often a live segment is computed, and when next."""

from datetime import datetime, time, timedelta

from django.utils.translation import gettext as _

from scrm.lib.problems import Problem
from segmentation.models import Segment

LEAST, MOST = 5, 1440  # minutes
EARLY = time(4, 30)  # after the nightly run
Cadence = Segment.Cadence


def next_time(segment: Segment, after: datetime) -> datetime | None:
    """When it is computed next; None for one that only is when asked."""
    match segment.cadence:
        case Cadence.MINUTES:
            return after + timedelta(minutes=segment.every)
        case Cadence.HOURLY:
            return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        case Cadence.DAILY:
            return _next_day(segment, after)
    return None


def _next_day(segment: Segment, after: datetime) -> datetime:
    """The next time the pool's clocks show its hour."""
    local = after.astimezone(segment.pool.zone)
    today = datetime.combine(local.date(), segment.daily_at or EARLY, segment.pool.zone)
    return today if today > after else datetime.combine(local.date() + timedelta(days=1), today.timetz(), today.tzinfo)


def checked(cadence: str, every: int | None, at: time | None) -> tuple[str, int, time | None]:
    """A cadence that can be kept; raises `Problem` "cadence"."""
    if cadence not in Cadence.values:
        raise Problem("cadence", _("没有这种更新频率"), {"cadence": [_("没有这种更新频率")]})
    minutes = every if every is not None else LEAST
    if cadence == Cadence.MINUTES and not LEAST <= minutes <= MOST:
        said = _("间隔须在 %(least)s 到 %(most)s 分钟之间") % {"least": LEAST, "most": MOST}
        raise Problem("cadence", said, {"every": [said]})
    return cadence, minutes if cadence == Cadence.MINUTES else LEAST, (at or EARLY) if cadence == Cadence.DAILY else None


def said(segment: Segment) -> str:
    """A cadence in words."""
    match segment.cadence:
        case Cadence.MINUTES:
            return _("每 %(n)s 分钟") % {"n": segment.every}
        case Cadence.HOURLY:
            return _("每小时")
        case Cadence.DAILY:
            return _("每天 %(at)s") % {"at": (segment.daily_at or EARLY).strftime("%H:%M")}
    return _("手动更新")
