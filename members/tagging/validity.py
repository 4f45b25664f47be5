"""How long a tag holds: n days from tagging, to the end of a day, or whichever comes first."""

from datetime import datetime, time, timedelta

from members.models import Tag


def until(tag: Tag) -> datetime | None:
    """The instant after a tag's last day in the pool's zone, or None."""
    if tag.valid_until is None:
        return None
    return datetime.combine(tag.valid_until + timedelta(days=1), time(), tag.pool.zone)


def due(tag: Tag, as_of: datetime) -> datetime | None:
    """When somebody who is tagged now loses the tag, or None."""
    days = as_of + timedelta(days=tag.valid_days) if tag.valid_days else None
    return min((end for end in (days, until(tag)) if end), default=None)


def is_over(tag: Tag, as_of: datetime) -> bool:
    """Whether a tag's last day has passed."""
    end = until(tag)
    return end is not None and end <= as_of
