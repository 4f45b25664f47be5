"""Says that a step has something to send; who can, rings a worker."""

from typing import Any

from django.db import transaction
from django.dispatch import Signal

# Sent after commit with `step_id`; touchpoints.ringing listens. Losing it loses nothing.
due = Signal()


def ring(step_id: int) -> None:
    """After commit, hint that a step may have work."""
    transaction.on_commit(lambda: _send(step_id))


def _send(step_id: int, **_kwargs: Any) -> None:
    due.send_robust(None, step_id=step_id)
