"""Sending what is owed: one worker per hook at a time, in the order of the changes, again until it is taken.

A worker holds a hook under a lease. If it dies, another goes on when the lease has run out; a request whose answer
nobody saw is sent again under the same key, by which the receiver knows it.
"""

import logging
import time
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from scrm.lib import clock
from segmentation.models import SegmentHook, SegmentNotice
from segmentation.segments.hooks import posting

log = logging.getLogger("scrm.segmentation")
LEASE = timedelta(seconds=60)  # longer than any one request
SECONDS = 30  # of one worker for one hook, before others get their turn
KEEP = timedelta(days=30)  # how long what was delivered is shown
# The first tries follow each other closely, the last ones hours apart: about two days in all.
WAITS = [timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200, 86400)]
Status = SegmentNotice.Status


def waiting(as_of: datetime) -> list[int]:
    """Hooks whose first open notice is due and that nobody works on."""
    first = SegmentNotice.objects.filter(hook=OuterRef("pk"), status=Status.WAITING, next_at__lte=as_of)
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    mine = SegmentHook.objects.filter(free, Exists(first), is_active=True, segment__pool__is_archived=False)
    return list(mine.order_by("pk").values_list("pk", flat=True))


def pump(as_of: datetime) -> int:
    """Send what can be sent now, of every hook; how many requests were taken."""
    return sum(_safely(pk) for pk in waiting(as_of))


def _safely(pk: int) -> int:
    """One hook's trouble must not hold up the others; it stands on the hook, which is tried again when its lease is over."""
    try:
        return _serve(pk)
    except Exception as error:
        log.exception("hook %s", pk)
        SegmentHook.objects.filter(pk=pk).update(problem=f"{type(error).__name__}: {error}"[:200])
        return 0


def _serve(pk: int) -> int:
    """Send what one hook is owed, in order, until one is not taken."""
    token, sent, until = _claim(pk), 0, time.monotonic() + SECONDS
    while token and time.monotonic() < until and (notice := _next(pk, token, clock.now())):
        answer = posting.post(notice.hook, notice.key, posting.body_of(notice), clock.now())
        if not _note(notice, token, answer, clock.now()):
            break
        sent += 1
    SegmentHook.objects.filter(pk=pk, lease_token=token).update(lease_token=None, lease_until=None)
    return sent


def _claim(pk: int) -> uuid.UUID | None:
    token, free = uuid.uuid4(), Q(lease_until=None) | Q(lease_until__lt=Now())
    mine = SegmentHook.objects.filter(free, pk=pk, is_active=True)
    return token if mine.update(lease_token=token, lease_until=Now() + LEASE) else None


def _next(pk: int, token: uuid.UUID, now: datetime) -> SegmentNotice | None:
    """The first open notice if it is due; the lease is renewed, so a worker that lost it sends nothing more."""
    if not SegmentHook.objects.filter(pk=pk, lease_token=token, is_active=True).update(lease_until=Now() + LEASE):
        return None
    open_ = SegmentNotice.objects.filter(hook_id=pk, status=Status.WAITING).select_related("hook__segment")
    notice = open_.order_by("revision", "id").first()
    return notice if notice is not None and notice.next_at <= now else None


@transaction.atomic
def _note(notice: SegmentNotice, token: uuid.UUID, answer: posting.Answer, now: datetime) -> bool:
    """Write down what became of it; whether the next one may follow. Not ours any more: whoever has it writes."""
    held = SegmentHook.objects.select_for_update().filter(pk=notice.hook_id, lease_token=token).first()
    if held is None:
        return False
    notice.attempts, notice.code, notice.answer = notice.attempts + 1, answer.code, answer.words[:200]
    if answer.is_taken:
        notice.status, notice.done_at = Status.SENT, now
    elif notice.attempts > len(WAITS):
        notice.status, notice.done_at = Status.FAILED, now
    else:
        notice.next_at = now + WAITS[notice.attempts - 1]
    notice.save(update_fields=["attempts", "code", "answer", "status", "done_at", "next_at"])
    _say(held, answer)
    return notice.status != Status.WAITING


def _say(hook: SegmentHook, answer: posting.Answer) -> None:
    """What the page says of the hook; one that wants no more is switched off, what it is owed waits."""
    hook.problem = "" if answer.is_taken else answer.words[:200]
    if answer.is_unwanted:
        hook.is_active, hook.problem = False, _("接收方要求停止发送（410）")
        log.warning("hook %s of segment %s was switched off by its receiver", hook.pk, hook.segment_id)
    hook.save(update_fields=["problem", "is_active"])


def forget_old(as_of: datetime) -> int:
    """Drop what was delivered or given up long ago; how many rows."""
    old = SegmentNotice.objects.exclude(status=Status.WAITING).filter(done_at__lt=as_of - KEEP)
    return int(old.delete()[0])
