"""Filters of the member list that lead back in time: `segment_at=12:2026-10-01`, `segment_moved=12:left:2026-10-01~2026-11-01`.

With them a list of members as of a date, or of those who came or went, can be looked at, exported, tagged … like any other.
"""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import filters
from members.models import Pool
from scrm.lib import clock, formats
from segmentation.models import Segment
from segmentation.segments import history, overlap

WORDS = {"entered": gettext_lazy("进入"), "left": gettext_lazy("离开"), "stayed": gettext_lazy("留下")}


def _segment(pool: Pool, number: str) -> Segment:
    found = Segment.objects.select_related("pool").filter(pool=pool, pk=int(number)).first()
    if found is None:
        raise ValueError(_("没有这个分群"))
    return found


def _at(text: str, segment: Segment) -> datetime:
    found = history.instant(text, segment)
    if found is None:
        raise ValueError(text)
    return found


def _past(pool: Pool, value: str) -> tuple[Segment, datetime]:
    number, _colon, text = value.partition(":")
    segment = _segment(pool, number)
    return segment, _at(text, segment)


def ids_at(pool: Pool, value: str) -> BitMap:
    """`?segment_at=12:2026-10-01`: who was in it at the end of that day."""
    return history.standing(*_past(pool, value)).ids


def said_at(pool: Pool, value: str) -> str:
    return _("%(name)s，截至 %(at)s") % {"name": _past(pool, value)[0].name, "at": value.partition(":")[2]}


def _moved(pool: Pool, value: str) -> tuple[Segment, str, list[str]]:
    number, way, *days = value.split(":", 2)
    ends = days[0].split("~") if days else []
    if way not in history.WAYS or len(ends) != 2:
        raise ValueError(value)
    return _segment(pool, number), way, ends


def ids_moved(pool: Pool, value: str) -> BitMap:
    """`?segment_moved=12:entered:2026-10-01~2026-11-01`: who came (left, stayed) between the ends of two days."""
    segment, way, ends = _moved(pool, value)
    return history.moves(segment, _at(ends[0], segment), _at(ends[1], segment)).of(way)


def said_moved(pool: Pool, value: str) -> str:
    segment, way, ends = _moved(pool, value)
    return _("%(name)s，%(start)s 至 %(end)s %(way)s") % {
        "name": segment.name,
        "start": ends[0],
        "end": ends[1],
        "way": WORDS[way],
    }


def _region(pool: Pool, value: str) -> overlap.Region:
    """ "1.2-3": in 1 and 2, not in 3."""
    inside, _dash, outside = value.partition("-")
    numbers = [[int(number) for number in part.split(".") if number] for part in (inside, outside)]
    named = [*numbers[0], *numbers[1]]
    if not numbers[0] or len(named) > overlap.MOST or len(set(named)) < len(named):
        raise ValueError(value)
    segments = [_segment(pool, str(number)) for part in numbers for number in part]
    together = overlap.Together.of(pool, segments, clock.now())
    return next(region for region in together.regions if {segment.pk for segment in region.inside} == set(numbers[0]))


def said_region(pool: Pool, value: str) -> str:
    region = _region(pool, value)
    inside = _("同时属于 %(names)s") % {"names": formats.listed(segment.name for segment in region.inside)}
    if not region.outside:
        return inside
    return _("%(inside)s，不属于 %(names)s") % {
        "inside": inside,
        "names": formats.listed(segment.name for segment in region.outside),
    }


filters.register("segment_at", gettext_lazy("分群当时的成员"), ids_at, said_at)
filters.register("segment_moved", gettext_lazy("分群进出"), ids_moved, said_moved)
filters.register("segment_region", gettext_lazy("分群重叠"), lambda pool, value: _region(pool, value).ids, said_region)
