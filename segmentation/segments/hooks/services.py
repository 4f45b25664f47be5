"""Declaring hooks, changing them, trying them, and having something sent again."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from scrm.lib import crypto
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation.models import Segment, SegmentHook, SegmentNotice
from segmentation.segments.hooks import posting
from touchpoints import signatures, targets

MOST = 5  # per segment
Status = SegmentNotice.Status


@dataclass(frozen=True)
class Made:
    """A hook and its secret, which is shown this once."""

    hook: SegmentHook
    secret: str


@transaction.atomic
def create(*, segment: Segment, url: str, tells_entered: bool, tells_left: bool, actor: User | None) -> Made:
    """Tell an address of every change from now on. Problem "hook" with the field when that cannot be."""
    if SegmentHook.objects.filter(segment=segment).count() >= MOST:
        raise Problem("hook", _("一个分群最多 %(n)s 个通知地址") % {"n": MOST})
    _check(url, tells_entered, tells_left)
    secret = signatures.new_secret()
    hook = SegmentHook(segment=segment, url=url, tells_entered=tells_entered, tells_left=tells_left, actor=actor)
    hook.sealed = b""
    hook.save()
    hook.sealed = crypto.encrypt(secret, posting.context_of(hook.pk))
    hook.save(update_fields=["sealed"])
    _audit("segment_hook.create", hook, actor, url=url)
    return Made(hook, secret)


@transaction.atomic
def change(
    *, hook: SegmentHook, url: str, tells_entered: bool, tells_left: bool, is_active: bool, actor: User | None
) -> SegmentHook:
    """Another address or other changes to tell. What is owed already goes to the new address."""
    _check(url, tells_entered, tells_left)
    held = SegmentHook.objects.select_for_update().get(pk=hook.pk)
    held.url, held.tells_entered, held.tells_left, held.is_active = url, tells_entered, tells_left, is_active
    held.problem = ""
    held.save(update_fields=["url", "tells_entered", "tells_left", "is_active", "problem"])
    _audit("segment_hook.change", held, actor, url=url, is_active=is_active)
    return held


@transaction.atomic
def new_secret(*, hook: SegmentHook, actor: User | None) -> Made:
    """Sign with another secret from now on."""
    held, secret = SegmentHook.objects.select_for_update().get(pk=hook.pk), signatures.new_secret()
    held.sealed = crypto.encrypt(secret, posting.context_of(held.pk))
    held.save(update_fields=["sealed"])
    _audit("segment_hook.new_secret", held, actor)
    return Made(held, secret)


@transaction.atomic
def remove(*, hook: SegmentHook, actor: User | None) -> None:
    """Tell this address nothing more; what it was told goes with it."""
    _audit("segment_hook.remove", hook, actor, url=hook.url)
    hook.delete()


def try_out(*, hook: SegmentHook, as_of: datetime) -> posting.Answer:
    """A signed ping; a receiver that knows no pings may still answer 2xx."""
    key = f"ping_{hook.pk}_{int(as_of.timestamp())}"
    data = {"segment": hook.segment_id, "name": hook.segment.name}
    return posting.post(hook, key, {"type": "ping", "timestamp": as_of.isoformat(), "data": data}, as_of)


@transaction.atomic
def retry(*, hook: SegmentHook, notice: SegmentNotice | None, actor: User | None, as_of: datetime) -> int:
    """Send again at once what was given up or waits for its next try: one, or all of a hook; how many."""
    rows = SegmentNotice.objects.filter(hook=hook, status__in=(Status.FAILED, Status.WAITING))
    rows = rows.filter(pk=notice.pk) if notice else rows
    n = rows.update(status=Status.WAITING, attempts=0, next_at=as_of, done_at=None)
    _audit("segment_hook.retry", hook, actor, notices=n)
    return n


def _check(url: str, tells_entered: bool, tells_left: bool) -> None:
    try:
        targets.shape(url)
    except targets.Forbidden as refused:
        raise Problem("hook", str(refused), {"url": [str(refused)]}) from None
    if len(url) > 500:
        said = _("地址最长 500 个字符")
        raise Problem("hook", said, {"url": [said]})
    if not (tells_entered or tells_left):
        said = _("请至少选择一种变化")
        raise Problem("hook", said, {"tells_entered": [said]})


def _audit(action: str, hook: SegmentHook, actor: User | None, **more: object) -> None:
    audit(actor=actor, action=action, target=hook.segment, pool_id=hook.segment.pool_id, hook=hook.pk, **more)
