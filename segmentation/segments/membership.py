"""The one place where it is written who is in a segment: a snapshot, the revision, and the word to those who listen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from pyroaring import BitMap

from segmentation.models import Segment, SegmentSnapshot
from segmentation.segments.signals import membership_changed

HOURLY = timedelta(days=2)  # younger snapshots are kept one an hour, older ones one a day


@dataclass(frozen=True)
class Change:
    """What a snapshot changed."""

    revision: int
    entered: BitMap
    left: BitMap


def locked(segment: Segment) -> Segment:
    """The row, held until the end of the transaction: two who write the same segment wait for each other."""
    return Segment.objects.select_for_update(of=("self",)).select_related("pool").get(pk=segment.pk)


def latest_of(segment: Segment) -> SegmentSnapshot | None:
    return SegmentSnapshot.objects.filter(segment_id=segment.pk).order_by("-as_of").first()


def ids_of(snapshot: SegmentSnapshot | None) -> BitMap:
    """Who was in it; nobody when there is no snapshot."""
    return BitMap.deserialize(bytes(snapshot.bitmap)) if snapshot is not None else BitMap()


def keep(held: Segment, found: BitMap, as_of: datetime) -> Change | None:
    """Keep who is in a segment whose row is `locked`; nothing when it was computed later already.

    Who was in it before stays in its history. Nobody moving and the same rule: no snapshot, only a later `as_of`.
    """
    latest = latest_of(held)
    if latest is not None and _is_older(as_of, held, latest):
        return None
    were = ids_of(latest)
    change = Change(held.revision, found - were, were - found)
    if latest is None or change.entered or change.left or latest.version != held.version:
        kept = {"version": held.version, "size": len(found), "bitmap": found.serialize()}
        SegmentSnapshot.objects.update_or_create(segment=held, as_of=as_of, defaults=kept)
        thin(held, as_of)
    Segment.objects.filter(pk=held.pk).update(status=Segment.Status.READY, error="", failed_at=None, size=len(found), as_of=as_of)
    return tell(held, change.entered, change.left, as_of)


def _is_older(as_of: datetime, held: Segment, latest: SegmentSnapshot) -> bool:
    """Whether somebody has computed it later: with a snapshot, or by the same rule and nobody had moved."""
    again = held.as_of is not None and held.as_of > as_of and latest.version == held.version
    return latest.as_of > as_of or again


def tell(held: Segment, entered: BitMap, left: BitMap, as_of: datetime) -> Change:
    """Count a change of membership and announce it; a change of nobody is none."""
    if not entered and not left:
        return Change(held.revision, entered, left)
    Segment.objects.filter(pk=held.pk).update(revision=F("revision") + 1)
    held.revision = Segment.objects.values_list("revision", flat=True).get(pk=held.pk)
    membership_changed.send(Segment, segment=held, revision=held.revision, entered=entered, left=left, as_of=as_of)
    return Change(held.revision, entered, left)


@transaction.atomic
def change_list(*, segment: Segment, add: BitMap, remove: BitMap, as_of: datetime) -> BitMap:
    """Put members on a static list or take them off; whom that changed. Who was on it before stays in its history."""
    held = locked(segment)
    latest = latest_of(held)
    were = ids_of(latest)
    now = (were | add) - remove
    if now == were:
        return BitMap()
    keep(held, now, max(as_of, latest.as_of) if latest else as_of)
    return now ^ were


def thin(segment: Segment, as_of: datetime) -> None:
    """Keep the last snapshot of each hour, and of each day once it is two days old: a day's end can always be told."""
    zone, seen, gone = segment.pool.zone, set[tuple[Any, ...]](), []
    for pk, at in SegmentSnapshot.objects.filter(segment=segment).order_by("-as_of").values_list("pk", "as_of"):
        local = at.astimezone(zone)
        slot = (local.date(), local.hour) if as_of - at < HOURLY else (local.date(),)
        if slot in seen:
            gone.append(pk)
        seen.add(slot)
    SegmentSnapshot.objects.filter(pk__in=gone).delete()
