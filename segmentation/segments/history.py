"""How a segment was: membership as of a date, who entered and left between two, size over time. All from snapshots.

A snapshot is kept whenever somebody moved; of days past the last one of each day. So the end of any day since the
segment was first computed can be told exactly as it was computed then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _
from pyroaring import BitMap

from scrm.lib.problems import Problem
from segmentation.models import Segment, SegmentSnapshot
from segmentation.segments.membership import ids_of

WAYS = ("entered", "left", "stayed")
POINTS = 400  # of a chart
STEPS = 30  # bars of who came and went


@dataclass(frozen=True)
class Standing:
    """Who was in a segment at an instant, and which snapshot says so."""

    asked: datetime
    snapshot: SegmentSnapshot | None
    until: datetime | None = None  # the next snapshot: up to then every computation found the same

    @cached_property
    def ids(self) -> BitMap:
        return ids_of(self.snapshot)

    @property
    def size(self) -> int:
        return self.snapshot.size if self.snapshot else 0


def end_of(day: date, segment: Segment) -> datetime:
    """The last instant of a day on the clocks of the pool."""
    return datetime.combine(day + timedelta(days=1), time.min, segment.pool.zone) - timedelta(microseconds=1)


def instant(text: str, segment: Segment) -> datetime | None:
    """A day (its end) or an instant, as an address gives it; None when it is neither."""
    try:
        if len(text) == 10:
            return end_of(date.fromisoformat(text), segment)
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=segment.pool.zone)
    except (ValueError, OverflowError):
        return None


def needed(text: str, segment: Segment) -> datetime:
    """As `instant`; raises `Problem` "bad_date" for what is no date."""
    if (found := instant(text, segment)) is None:
        said = _("「%(text)s」不是日期（如 2026-01-31）") % {"text": text[:40]}
        raise Problem("bad_date", said, {"date": [said]})
    return found


def standing(segment: Segment, at: datetime) -> Standing:
    """Who was in it at an instant: the last snapshot at or before it. Nobody before the first one."""
    rows = SegmentSnapshot.objects.filter(segment=segment)
    later = rows.filter(as_of__gt=at).order_by("as_of").values_list("as_of", flat=True).first()
    return Standing(at, rows.filter(as_of__lte=at).order_by("-as_of").first(), later)


@dataclass(frozen=True)
class Moves:
    """Who came and went between two instants."""

    before: Standing
    after: Standing

    @cached_property
    def entered(self) -> BitMap:
        return self.after.ids - self.before.ids

    @cached_property
    def left(self) -> BitMap:
        return self.before.ids - self.after.ids

    @cached_property
    def stayed(self) -> BitMap:
        return self.before.ids & self.after.ids

    def of(self, way: str) -> BitMap:
        """The members of one of `WAYS`."""
        return BitMap(getattr(self, way)) if way in WAYS else BitMap()


def moves(segment: Segment, start: datetime, end: datetime) -> Moves:
    """Between two instants, whichever is named first."""
    return Moves(*(standing(segment, at) for at in sorted((start, end))))


def first_at(segment: Segment) -> datetime | None:
    """When its history begins."""
    return SegmentSnapshot.objects.filter(segment=segment).order_by("as_of").values_list("as_of", flat=True).first()


def sizes(segment: Segment) -> list[tuple[datetime, int]]:
    """When it changed and how many it had, the latest points of it."""
    rows = SegmentSnapshot.objects.filter(segment=segment).order_by("-as_of").values_list("as_of", "size")
    return list(rows[:POINTS])[::-1]


def steps(segment: Segment) -> list[tuple[datetime, int, int]]:
    """Of its latest snapshots: when, how many entered and how many left since the one before."""
    rows = SegmentSnapshot.objects.filter(segment=segment).order_by("-as_of").values_list("as_of", "bitmap")
    return list(_compared([(at, BitMap.deserialize(bytes(packed))) for at, packed in rows[: STEPS + 1]][::-1]))


def _compared(found: list[tuple[datetime, BitMap]]) -> Iterator[tuple[datetime, int, int]]:
    for (_then, were), (at, now) in pairwise(found):
        yield at, now.difference_cardinality(were), were.difference_cardinality(now)


def periods_of(segment: Segment, member_id: int) -> list[dict[str, Any]]:
    """When somebody was in it: [{"start", "end"}], the end None while they are; as the snapshots tell."""
    found: list[dict[str, Any]] = []
    rows = SegmentSnapshot.objects.filter(segment=segment).order_by("as_of").values_list("as_of", "bitmap")
    for at, packed in rows.iterator(chunk_size=50):
        inside, open_ = member_id in BitMap.deserialize(bytes(packed)), bool(found) and found[-1]["end"] is None
        if inside and not open_:
            found.append({"start": at, "end": None})
        elif open_ and not inside:
            found[-1]["end"] = at
    return found
