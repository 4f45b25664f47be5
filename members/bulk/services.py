"""Bulk acts: begin one, do its chunks, take it back.

Whom is meant is frozen when the work begins: what the address selects then, not what it selects later. So an act that
makes its members leave the list ("without tag A": give them tag A) reaches all of them, a crash goes on with the same
people, and undoing knows exactly who they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.http import QueryDict
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.bulk import packing
from members.bulk.acts import Act, Asking, Doing, Done, acts
from members.importing.locks import writing
from members.listing import ask, strangers
from members.models import BulkAct, BulkPiece, Member, Pool
from members.sets import ids_of
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import formats
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

JOB, UNDO_JOB = "members.bulk", "members.bulk.undo"
AT_ONCE = 200  # picked members are dealt with in the request
CHUNK = 20_000
KEPT = timedelta(days=30)  # how long an act can be taken back


@dataclass(frozen=True)
class Whom:
    """Some ids, or everybody an address asks for; `expected` is how many the page said."""

    ids: tuple[int, ...] = ()
    query: str = ""
    everybody: bool = False
    expected: int | None = None

    def found(self, pool: Pool) -> BitMap:
        """Who that is now; Problem when the address is not understood."""
        if not self.everybody:
            wanted = BitMap(number for number in self.ids if 0 < number < 2**32)
            return ids_of(Member.objects.filter(pool=pool, merged_into=None, id__any_of=wanted))
        params = QueryDict(self.query)
        if unknown := strangers(params, pool):
            raise Problem("list.unknown_filter", _("不认识的筛选条件：%(keys)s") % {"keys": formats.listed(unknown)})
        asked = ask(params, pool)
        asked.refuse_wrong()
        return asked.ids()


def act_of(key: str) -> Act:
    """An act by its key, or Problem."""
    if key not in acts:
        raise Problem("bulk.no_act", _("没有这个批量操作：%(key)s") % {"key": key[:40]}, {"act": [key[:40]]})
    return acts[key]


@transaction.atomic
def start(*, asking: Asking, act: Act, whom: Whom, data: Mapping[str, Any]) -> BulkAct:
    """Begin: a few picked members are done when this returns, more by a job."""
    pool, actor = asking.pool, asking.actor
    if not whom.everybody and not whom.ids:
        raise Problem("bulk.nobody", _("请先选择会员"), {"ids": [_("请先选择会员")]})
    params = act.clean(asking, data)
    _forget(asking)
    made = BulkAct.objects.create(
        pool=pool, act=act.key, params=params, query=whom.query, expected=whom.expected, by=actor, at=asking.as_of
    )
    audit(actor=actor, action="bulk.start", target=made, pool_id=pool.pk, act=act.key, query=whom.query, **params)
    if whom.everybody:
        # Understood now, worked out by the job: a million members may take a second.
        ask(QueryDict(whom.query), pool).refuse_wrong()
    if whom.everybody or len(whom.ids) > AT_ONCE:
        ids = None if whom.everybody else list(whom.ids)
        job = jobs.enqueue(kind=JOB, pool_id=pool.pk, params={"bulk": made.pk, "ids": ids}, actor=actor)
        made.job_id = job.pk
        made.save(update_fields=["job_id"])
        return made
    freeze(made, whom)
    advance(made, 0)
    finish(made, asking.as_of)
    return made


def _forget(asking: Asking) -> None:
    """What nobody can take back any more need not be kept."""
    BulkPiece.objects.filter(act__pool=asking.pool, act__at__lt=asking.as_of - KEPT).delete()


@transaction.atomic
def freeze(bulk: BulkAct, whom: Whom) -> int:
    """Write down who is meant, once; how many."""
    row = BulkAct.objects.select_for_update().get(pk=bulk.pk)
    if row.chosen is None:
        found = whom.found(row.pool)
        BulkAct.objects.filter(pk=row.pk).update(chosen=found.serialize(), total=len(found))
    bulk.refresh_from_db()
    return int(bulk.total)


def doing(bulk: BulkAct, now: datetime | None = None) -> Doing:
    """What an act's functions are given."""
    return Doing(bulk.pool, bulk.by, bulk.at, bulk.pk, bulk.params, now)


def pieces(bulk: BulkAct) -> int:
    """How many chunks there are."""
    return -(-int(bulk.total) // CHUNK)


@transaction.atomic
def advance(bulk: BulkAct, n: int) -> int:
    """Do the `n`th chunk and note what it changed; how many members it looked at. Done already: nothing."""
    writing(bulk.pool_id)
    ids = BitMap.deserialize(bytes(bulk.chosen or b""))[n * CHUNK : (n + 1) * CHUNK] if bulk.total else BitMap()
    if not ids or BulkPiece.objects.filter(act=bulk, n=n).exists():
        return 0
    done = acts[bulk.act].apply(doing(bulk), ids)
    BulkPiece.objects.create(act=bulk, n=n, changed=done.changed.serialize(), before=packing.sealed(done.before))
    BulkAct.objects.filter(pk=bulk.pk).update(done=F("done") + len(ids), changed=F("changed") + len(done.changed))
    return len(ids)


@transaction.atomic
def finish(bulk: BulkAct, as_of: datetime) -> None:
    """All chunks are done."""
    BulkAct.objects.filter(pk=bulk.pk).update(finished_at=as_of)
    bulk.refresh_from_db()
    audit(actor=bulk.by, action="bulk.done", target=bulk, pool_id=bulk.pool_id, act=bulk.act, changed=bulk.changed)


# -- The way back ---------------------------------------------------------------------------------
def why_not_undone(bulk: BulkAct, as_of: datetime) -> str:
    """Why an act cannot be taken back; empty when it can."""
    if bulk.act not in acts or acts[bulk.act].undo is None:
        return _("这种操作不能撤销")
    if bulk.undone_at or bulk.undo_job_id:
        return _("已经撤销过了")
    if not bulk.changed:
        return _("没有更改任何会员")
    if bulk.at < as_of - KEPT:
        return _("已超过 %(n)s 天，不能再撤销") % {"n": KEPT.days}
    return ""


@transaction.atomic
def undo(*, bulk: BulkAct, actor: User, as_of: datetime) -> BulkAct:
    """Take an act back: what it did at once at once, else by a job. A running one is stopped first."""
    bulk = BulkAct.objects.select_for_update().get(pk=bulk.pk)
    if reason := why_not_undone(bulk, as_of):
        raise Problem("bulk.no_undo", reason)
    audit(actor=actor, action="bulk.undo", target=bulk, pool_id=bulk.pool_id, act=bulk.act)
    if bulk.job_id:
        job = JobRun.objects.filter(pk=bulk.job_id).first()
        if job and job.is_open:
            raise Problem("bulk.still_running", _("任务还没结束；请先取消或等它完成，再撤销"))
        bulk.undo_job_id = jobs.enqueue(kind=UNDO_JOB, pool_id=bulk.pool_id, params={"bulk": bulk.pk}, actor=actor).pk
        bulk.save(update_fields=["undo_job_id"])
        return bulk
    for n in reversed(range(pieces(bulk))):
        retreat(bulk, n, as_of)
    close(bulk, as_of)
    return bulk


@transaction.atomic
def retreat(bulk: BulkAct, n: int, as_of: datetime) -> int:
    """Take the `n`th chunk back; how many members it had changed. Taken back already: nothing."""
    writing(bulk.pool_id)
    piece = BulkPiece.objects.select_for_update().filter(act=bulk, n=n, is_undone=False).first()
    back = acts[bulk.act].undo
    if piece is None or back is None:
        return 0
    changed = BitMap.deserialize(bytes(piece.changed))
    restored = back(doing(bulk, as_of), Done(changed, packing.opened(piece.before)))
    BulkPiece.objects.filter(pk=piece.pk).update(is_undone=True)
    BulkAct.objects.filter(pk=bulk.pk).update(restored=F("restored") + restored, kept=F("kept") + len(changed) - restored)
    return len(changed)


@transaction.atomic
def close(bulk: BulkAct, as_of: datetime) -> None:
    """Everything that could be taken back was."""
    BulkAct.objects.filter(pk=bulk.pk).update(undone_at=as_of)
    bulk.refresh_from_db()
    audit(actor=None, action="bulk.undone", target=bulk, pool_id=bulk.pool_id, restored=bulk.restored, kept=bulk.kept)
