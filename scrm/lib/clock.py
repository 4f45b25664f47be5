"""The one place that asks what time it is; everything else takes `as_of`."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, to be passed on as `as_of`."""
    return datetime.now(UTC)
