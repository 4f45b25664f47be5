"""Hints to workers, sent after a commit. A silent bell is no harm: a ticker looks every few seconds."""

import logging
from typing import Any

from celery import Task
from kombu.exceptions import OperationalError

log = logging.getLogger("scrm.bell")


def ring(task: "Task[Any, Any]", *arguments: int) -> None:
    """Ask for a task without waiting for a broker that is away."""
    try:
        task.apply_async(arguments, retry=False)
    except OperationalError as error:
        log.warning("%s%s waits for the ticker: %s", task.name, arguments, error)
