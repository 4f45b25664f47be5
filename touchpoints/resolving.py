"""Unknown outcomes and receipts: what the ticker looks after between the sends."""

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction

from members.touching import SENT, touch_if_read
from members.versions import bump
from scrm.lib import clock, sql
from touchpoints import links, receipts
from touchpoints.connectors.base import Connector as Line
from touchpoints.connectors.base import SendError
from touchpoints.connectors.registry import CONNECTORS, opened
from touchpoints.models import Connector, Delivery, Step
from touchpoints.outbox import PACE, Pace

log = logging.getLogger("touchpoints")
S = Delivery.Status
WITHIN = timedelta(days=2)  # older doubts are left to people
AT_ONCE = 500


def look_after(pace: Pace = PACE) -> None:
    """Everything below once; what fails waits for the next tick."""
    for chore in (lambda: settle(pace), lambda: resolve_all(pace), poll_all, receipts.handle_calls):
        _try(chore)


def _try(chore: Callable[[], object]) -> None:
    try:
        chore()
    except Exception:
        log.exception("a chore of the outbox failed; the next tick tries again")


def settle(pace: Pace = PACE) -> int:
    """Sendings whose worker vanished become unknown; how many."""
    rows = sql.rows("touchpoints/settle_sending", {"grace": pace.grace})
    for pool_id in Step.objects.filter(pk__in={row["step_id"] for row in rows}).values_list("pool_id", flat=True).distinct():
        bump(pool_id, "deliveries")
    return len(rows)


def resolve_all(pace: Pace = PACE) -> int:
    """Ask the providers about every unknown outcome that can still be known; how many were resolved."""
    steps = [row["step_id"] for row in sql.rows("touchpoints/find_unknown_steps", {"within": WITHIN})]
    return sum(resolve(step_id, pace) for step_id in steps)


def resolve(step_id: int, pace: Pace = PACE) -> int:
    """Resolve one step by look-up or, inside the provider's window, by the same key; the rest stays unknown."""
    step = Step.objects.select_related("connector").get(pk=step_id)
    caps = CONNECTORS[step.connector.key].caps
    if caps.idempotency:
        sql.execute("touchpoints/expire_doubts", {"step": step_id, "window": caps.idempotency})
    if not caps.lookup and not caps.idempotency:
        return 0
    line = opened(step.connector)
    try:
        return _resolve(step, line, pace)
    except SendError as error:
        log.warning("step %s: look-up failed: %s", step_id, error)
        return 0
    finally:
        line.close()


def _resolve(step: Step, line: Line, pace: Pace) -> int:
    token, by_key = str(uuid.uuid4()), not line.caps.lookup
    within = min(WITHIN, line.caps.idempotency or WITHIN) if by_key else WITHIN
    params = {"step": step.pk, "token": token, "lease": pace.lease, "grace": pace.grace, "within": within, "n": AT_ONCE}
    taken = sql.rows("touchpoints/take_unknown", params)
    if not taken:
        return 0
    keys = {links.key_of(row["sent_as"], step.pk): row["member_id"] for row in taken}
    if by_key:
        answers: list[tuple[int, int, str, bool]] = [(member, S.PLANNED, "", True) for member in keys.values()]
    else:
        found = line.lookup(list(keys), min(row["unsure_since"] for row in taken))
        answers = [
            (keys[key], S.ACCEPTED if each.accepted else S.PLANNED, each.ref, False) for key, each in found.items() if key in keys
        ]
    return _write(step, token, answers)


def _write(step: Step, token: str, answers: list[tuple[int, int, str, bool]]) -> int:
    members, statuses, refs, doubts = (list(column) for column in zip(*answers, strict=True)) if answers else ([], [], [], [])
    given = {"members": members, "statuses": [int(status) for status in statuses], "refs": refs, "doubts": doubts}
    with transaction.atomic():
        n = sql.execute("touchpoints/resolve_unknown", {"step": step.pk, "token": token, **given})
        touch_if_read(step.pool_id, {member for member, status, *_ in answers if status == S.ACCEPTED}, SENT)
        bump(step.pool_id, "deliveries")
    return n


# -- Polling -------------------------------------------------------------------------------------
def poll_all() -> int:
    """Fetch new receipts from every connector that has to be asked; how many were new."""
    asked = [key for key, kind in CONNECTORS.items() if "poll" in kind.caps.receipts]
    rows = Connector.objects.filter(key__in=asked, is_active=True, is_sandbox=False, step__isnull=False).distinct()
    return sum(poll(row) for row in rows)


def poll(row: Connector) -> int:
    """Fetch one connector's new receipts; the cursor moves with them."""
    line = opened(row)
    try:
        found, cursor = line.poll(row.cursor)
    except SendError as error:
        log.warning("connector %s: polling failed: %s", row.pk, error)
        return 0
    finally:
        line.close()
    n = receipts.record(found, connector=row, as_of=clock.now()) if found else 0
    if cursor != row.cursor:
        # Receipts are written before the cursor moves: a crash between repeats them, which is harmless.
        Connector.objects.filter(pk=row.pk).update(cursor=cursor)
    return n
