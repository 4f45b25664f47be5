"""What a change of membership owes to hooks: one row per batch, written with the change itself."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from pyroaring import BitMap

from segmentation.models import Segment, SegmentHook, SegmentNotice
from segmentation.segments.signals import membership_changed

BATCH = 1000  # members per request
Way = SegmentNotice.Way


@receiver(membership_changed)
def owe(segment: Segment, revision: int, entered: BitMap, left: BitMap, as_of: datetime, **_kwargs: Any) -> None:
    """A row per hook, way and batch; its unique key makes a second telling of the same change impossible."""
    for hook in SegmentHook.objects.filter(segment=segment, is_active=True):
        told = [(Way.LEFT, left if hook.tells_left else BitMap()), (Way.ENTERED, entered if hook.tells_entered else BitMap())]
        rows = [row for way, ids in told for row in _rows(hook, revision, way, ids, as_of)]
        SegmentNotice.objects.bulk_create(rows, batch_size=500)


def _rows(hook: SegmentHook, revision: int, way: str, ids: BitMap, as_of: datetime) -> list[SegmentNotice]:
    parts = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    return [
        SegmentNotice(
            hook=hook,
            revision=revision,
            way=way,
            part=n,
            parts=len(parts),
            as_of=as_of,
            size=len(part),
            bitmap=part.serialize(),
            next_at=as_of,
            created_at=as_of,
        )
        for n, part in enumerate(parts, 1)
    ]
