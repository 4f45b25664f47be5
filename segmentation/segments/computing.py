"""Computing live segments: on demand by a job, on their cadence by the minute's tick. What goes wrong stands on the segment."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from pyroaring import BitMap

from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation.evaluate import CircularSegment, Evaluation, rule_of
from segmentation.models import Segment
from segmentation.rules.parse import RuleError, parse
from segmentation.segments import cadence, membership

log = logging.getLogger("scrm.segmentation")
REFRESH = "segments.refresh"
CLAIM = timedelta(minutes=15)  # whoever computes a segment has so long; then it is due again
ROUNDS = 5  # a rule that is changed while it is being computed is computed anew, but not for ever
Report = Callable[[str], None]
READING, MOVING = "reading", "moving"


def _silent(_phase: str) -> None:
    pass


@transaction.atomic
def ask_refresh(*, segment: Segment, actor: User | None) -> JobRun:
    """Have a segment computed by a worker; asking twice is asking once."""
    Segment.objects.filter(pk=segment.pk).update(status=Segment.Status.BUILDING)
    segment.status = Segment.Status.BUILDING
    params = {"segment": segment.pk}
    return jobs.enqueue(kind=REFRESH, pool_id=segment.pool_id, params=params, actor=actor, key=key_of(segment.pk))


def key_of(pk: int) -> str:
    return f"segment:{pk}"


def refresh(*, segment: Segment, as_of: datetime, report: Report = _silent) -> int:
    """Compute a live segment and keep who is in it; the size. Raises `Problem` "segment_failed", which stands on it too."""
    if segment.kind != Segment.Kind.LIVE:
        return segment.size or 0
    for _round in range(ROUNDS):
        version = Segment.objects.values_list("version", flat=True).get(pk=segment.pk)
        found = _found(segment, version, as_of, report)
        report(MOVING)
        if _keep(segment, version, found, as_of):
            break
    return len(found)


def _found(segment: Segment, version: int, as_of: datetime, report: Report) -> BitMap:
    report(READING)
    look = Evaluation(segment.pool, as_of, trail=(segment.pk,))
    try:
        tree = parse(rule_of(segment, version))
        look.prepare(tree)
        return look.of(tree) & look.universe
    except (RuleError, CircularSegment) as error:
        fail(segment=segment, error=_said(error), as_of=as_of)
        raise Problem("segment_failed", _said(error)) from error


def _said(error: RuleError | CircularSegment) -> str:
    if isinstance(error, CircularSegment):
        return _("分群之间互相引用，无法计算")
    return "；".join(f"{fault.path}：{fault.text.zh}" for fault in error.faults)


@transaction.atomic
def _keep(segment: Segment, version: int, found: BitMap, as_of: datetime) -> bool:
    """Whether it could be kept: a rule that was saved meanwhile wants computing of its own."""
    held = membership.locked(segment)
    if held.version != version:
        return False
    membership.keep(held, found, as_of)
    Segment.objects.filter(pk=held.pk).update(next_at=cadence.next_time(held, as_of), status=Segment.Status.READY)
    return True


def fail(*, segment: Segment, error: str, as_of: datetime) -> None:
    """Computing did not work: say so, keep the figures of the last time, try again at its next turn."""
    said = {"status": Segment.Status.FAILED, "error": error[:2000], "failed_at": as_of}
    Segment.objects.filter(pk=segment.pk).update(**said, next_at=cadence.next_time(segment, as_of))


# -- On the cadence ------------------------------------------------------------------------------
def due(as_of: datetime) -> list[Segment]:
    """Live segments whose turn it is, the most overdue first."""
    live = Segment.objects.filter(kind=Segment.Kind.LIVE, is_archived=False, pool__is_archived=False).exclude(
        cadence=Segment.Cadence.MANUAL
    )
    waiting = live.filter(Q(next_at=None) | Q(next_at__lte=as_of)).exclude(status=Segment.Status.BUILDING)
    return list(waiting.select_related("pool").order_by(F("next_at").asc(nulls_first=True), "pk"))


def claim(segment: Segment, as_of: datetime) -> bool:
    """Take a due segment; of two who try one gets it, and if that one dies it is due again later."""
    same = Segment.objects.filter(pk=segment.pk, next_at=segment.next_at)
    return bool(same.exclude(status=Segment.Status.BUILDING).update(next_at=as_of + CLAIM))


def take_turn(segment: Segment, as_of: datetime) -> None:
    """Compute a due segment unless somebody else does; what goes wrong is on it and stops nobody."""
    if not claim(segment, as_of):
        return
    try:
        refresh(segment=segment, as_of=as_of)
    except Problem:
        log.warning("segment %s cannot be computed", segment.pk)
    except Exception as error:
        log.exception("segment %s", segment.pk)
        fail(segment=segment, error=f"{type(error).__name__}: {error}", as_of=as_of)


# -- Steering ------------------------------------------------------------------------------------
def job_of(segment: Segment) -> JobRun | None:
    """The job that computes it, while there is one."""
    return JobRun.objects.filter(key=key_of(segment.pk)).first()


@transaction.atomic
def cancel(*, segment: Segment, actor: User | None) -> None:
    """Stop computing; a running one stops at its next step. The figures of the last time stay."""
    job = job_of(segment)
    if job is not None:
        jobs.ask(job=job, what="cancel", actor=actor)
    audit(actor=actor, action="segment.cancel", target=segment, pool_id=segment.pool_id)
    if job is None or not JobRun.objects.filter(pk=job.pk, status__in=JobRun.OPEN).exists():
        stopped(segment)


def stopped(segment: Segment) -> None:
    """Nobody computes it any more: it is what it was before."""
    building = Segment.objects.filter(pk=segment.pk, status=Segment.Status.BUILDING)
    building.filter(as_of=None).update(status=Segment.Status.NEW)
    building.exclude(as_of=None).update(status=Segment.Status.READY)


def settle(as_of: datetime) -> int:
    """Segments said to be computing that no job computes: tell what became of it, or ask again; how many."""
    building = Segment.objects.filter(status=Segment.Status.BUILDING).select_related("pool")
    open_keys = set(JobRun.objects.filter(key__startswith="segment:").values_list("key", flat=True))
    lost = [segment for segment in building if key_of(segment.pk) not in open_keys]
    for segment in lost:
        _settle(segment, as_of)
    return len(lost)


@transaction.atomic
def _settle(segment: Segment, as_of: datetime) -> None:
    held = membership.locked(segment)
    if held.status != Segment.Status.BUILDING or job_of(held) is not None:
        return
    mine = JobRun.objects.filter(kind=REFRESH, pool_id=held.pool_id, params={"segment": held.pk})
    last = mine.order_by("-pk").first()
    if last is not None and last.status == JobRun.Status.FAILED:
        fail(segment=held, error=last.error, as_of=as_of)
    elif last is not None and last.status == JobRun.Status.CANCELLED:
        stopped(held)
    else:  # its rule was saved just as the job for the one before was ending
        ask_refresh(segment=held, actor=None)
