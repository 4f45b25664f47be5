"""The Celery side of the bell."""

import logging
from typing import Any

from kombu.exceptions import OperationalError

from touchpoints import bell

log = logging.getLogger("touchpoints")


def ring(sender: object, step_id: int, **_kwargs: Any) -> None:
    from touchpoints.tasks import pump

    try:
        pump.apply_async((step_id,), retry=False)
    except OperationalError as error:
        log.warning("step %s waits for the ticker: %s", step_id, error)


bell.due.connect(ring, dispatch_uid="touchpoints.bell")
