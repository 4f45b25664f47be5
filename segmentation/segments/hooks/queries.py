"""Reading hooks and what they were told."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from segmentation.models import Segment, SegmentHook, SegmentNotice

PAGE = 50
Status = SegmentNotice.Status


WAYS = {"waiting": Status.WAITING, "given_up": Status.FAILED, "sent": Status.SENT}


def of_pool(pool_id: int, segment_id: int | None = None) -> QuerySet[SegmentHook]:
    """Hooks with how many requests are `waiting`, how many were `sent` and how many were `given_up`."""
    counts = {name: Count("notices", filter=Q(notices__status=status)) for name, status in WAYS.items()}
    found = SegmentHook.objects.filter(segment__pool_id=pool_id).select_related("segment")
    found = found.filter(segment_id=segment_id) if segment_id else found
    return found.annotate(**counts).order_by("pk")


def hooks(segment: Segment) -> QuerySet[SegmentHook]:
    """The hooks of a segment."""
    return of_pool(segment.pool_id, segment.pk)


@dataclass(frozen=True)
class Page:
    rows: list[SegmentNotice]
    next: int | None  # the `before` of the next page


def notices(segment: Segment, before: int | None = None, status: str = "", hook: int | None = None) -> Page:
    """What was sent and what is owed, the latest first, without the members themselves."""
    rows = SegmentNotice.objects.filter(hook__segment=segment).select_related("hook").defer("bitmap", "hook__sealed")
    rows = rows.filter(pk__lt=before) if before else rows
    rows = rows.filter(status=status) if status in Status.values else rows
    rows = rows.filter(hook_id=hook) if hook else rows
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return Page(found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None)
