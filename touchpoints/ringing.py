"""Rings Celery when a step has something to send."""

from typing import Any

from scrm.lib import bell as celery
from touchpoints import bell, tasks


def ring(sender: object, step_id: int, **_kwargs: Any) -> None:
    celery.ring(tasks.pump, step_id)


bell.due.connect(ring, dispatch_uid="touchpoints.bell")
