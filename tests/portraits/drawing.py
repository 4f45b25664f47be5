"""Segments and their portraits, for tests."""

from datetime import UTC, datetime
from typing import Any

from members.models import Pool
from segmentation.models import Segment
from segmentation.portraits import queries, services
from segmentation.portraits.queries import Portrait
from segmentation.segments import computing
from segmentation.segments import services as segments

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)  # noon in Shanghai


def segment_of(pool: Pool, name: str, rule: dict[str, Any]) -> Segment:
    made = segments.save(pool=pool, name=name, rule=rule, actor=None)
    computing.refresh(segment=made, as_of=AS_OF)
    return Segment.objects.select_related("pool").get(pk=made.pk)


def drawn(segment: Segment, other: Segment | None = None) -> Portrait:
    services.refresh(pool=segment.pool, as_of=AS_OF)
    found = queries.portrait(segment, AS_OF, other)
    assert found is not None
    return found


def lines(found: Portrait, key: str) -> dict[str, tuple[int, int]]:
    """Name → members in the segment and in the pool."""
    view = next((view for view in found.views if view.about.key == key), None)
    return {trait.label: (trait.figure.members, trait.figure.pool_members) for trait in view.traits} if view else {}
