"""Members as a file. It says what for, is masked unless asked otherwise, and in full only after a second person agreed.

    requested → approved → done → expired      (refused, cancelled, failed)

A masked list needs nobody and is approved at once.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members import exported
from members.listing import ask
from members.models import AccessEntry, ExportRequest, Member, Pool
from members.privacy import looks
from members.sets import ids_of
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

KIND = "members.export"
PERSON = "members.dossier"
FORMS = ("csv", "xlsx")
XLSX_ROWS = 1_000_000  # a sheet ends at 1,048,576
DECIDE_WITHIN = timedelta(days=3)
KEEP, KEEP_FULL = timedelta(days=7), timedelta(days=3)
Status = ExportRequest.Status


def _refuse(code: str, field: str, sentence: str) -> Problem:
    return Problem(code, sentence, {field: [sentence]})


def _purpose(purpose: str, reason: str) -> tuple[str, str]:
    reason = " ".join(reason.split())[:200]
    if purpose not in ExportRequest.Purpose.values:
        raise _refuse("export.no_purpose", "purpose", _("请选择导出的用途"))
    if len(reason) < 4:
        raise _refuse("export.no_reason", "reason", _("请写明导出的用途（至少 4 个字）"))
    return purpose, reason


def set_of(pool: Pool, chosen: dict[str, Any]) -> BitMap:
    """Who is meant: {"ids": […]} that are still members of the pool, or {"query": "stage=1"}."""
    if chosen.get("ids") is not None:
        ids = BitMap(int(number) for number in chosen["ids"] if 0 < int(number) < 2**32)
        return ids_of(Member.objects.filter(pool=pool, merged_into=None, id__any_of=ids))
    return ask(QueryDict(chosen.get("query", "")), pool).ids()


@transaction.atomic
def request(
    *,
    pool: Pool,
    chosen: dict[str, Any],
    purpose: str,
    reason: str,
    actor: User | Any,
    as_of: datetime,
    columns: list[str] | None = None,
    full: bool = False,
    form: str = "csv",
    via: looks.Via = looks.NOWHERE,
) -> ExportRequest:
    """Ask for a list of members as a file; a masked one is made at once, a full one waits for a second person.

    Raises Problem naming what is missing: purpose, reason, columns, members, or a form that cannot hold them.
    """
    purpose, reason = _purpose(purpose, reason)
    known = exported.parts(pool)
    wanted = [key for key in (columns or exported.USUAL) if key in known]
    if not wanted:
        raise _refuse("export.no_columns", "columns", _("请至少选择一列"))
    if form not in FORMS:
        raise _refuse("export.no_such_form", "form", _("没有这种格式：%(form)s") % {"form": form})
    count = len(set_of(pool, chosen))
    if not count:
        raise _refuse("export.nobody", "chosen", _("没有符合条件的会员"))
    if form == "xlsx" and count > XLSX_ROWS:
        raise _refuse("export.too_many_for_xlsx", "form", _("Excel 最多 100 万行；请改用 CSV"))
    made = ExportRequest.objects.create(
        pool=pool,
        requester=actor,
        purpose=purpose,
        reason=reason,
        chosen=chosen,
        count=count,
        columns=wanted,
        # Without a column that could be in the clear there is nothing to agree to.
        is_full=full and any(known[key].is_sensitive for key in wanted),
        form=form,
        language=get_language() or "zh-hans",
        created_at=as_of,
        expires_at=as_of + DECIDE_WITHIN,
    )
    looks.note(
        pool_id=pool.pk,
        actor=actor,
        what=looks.What.LIST,
        count=count,
        detail=f"export:{made.pk}",
        reason=reason,
        via=via,
        as_of=as_of,
    )
    audit(actor=actor, action="export.request", target=made, pool_id=pool.pk, purpose=purpose, full=made.is_full, members=count)
    if not made.is_full:
        _begin(made, KIND)
    return made


@transaction.atomic
def request_person(
    *, member: Member, purpose: str, reason: str, actor: User | Any, as_of: datetime, via: looks.Via = looks.NOWHERE
) -> ExportRequest:
    """Everything about one person as a ZIP of JSON, CSV and a page to read."""
    purpose, reason = _purpose(purpose, reason)
    made = ExportRequest.objects.create(
        pool_id=member.pool_id,
        kind=ExportRequest.Kind.PERSON,
        requester=actor,
        purpose=purpose,
        reason=reason,
        chosen={"person": member.pk},
        count=1,
        is_full=True,
        form="zip",
        language=get_language() or "zh-hans",
        created_at=as_of,
        expires_at=as_of + DECIDE_WITHIN,
    )
    looks.note(
        pool_id=member.pool_id,
        actor=actor,
        what=looks.What.PERSON,
        members=[member.pk],
        detail=f"export:{made.pk}",
        reason=reason,
        via=via,
        as_of=as_of,
    )
    audit(actor=actor, action="export.person", target=member, pool_id=member.pool_id, purpose=purpose, export=made.pk)
    _begin(made, PERSON)
    return made


def _begin(made: ExportRequest, kind: str) -> None:
    made.status = Status.APPROVED
    made.job_id = jobs.enqueue(kind=kind, pool_id=made.pool_id, params={"export": made.pk}, actor=made.requester).pk
    made.save(update_fields=["status", "job_id"])


# -- A second person -----------------------------------------------------------------------------
@transaction.atomic
def decide(*, export: ExportRequest, approve: bool, note: str, actor: User | Any, as_of: datetime) -> ExportRequest:
    """Agree or refuse; never one's own request, never after its time."""
    export = ExportRequest.objects.select_for_update().get(pk=export.pk)
    if export.requester_id == actor.pk:
        raise Problem("export.own", _("不能审批自己的申请：需要另一位有审批权限的人"))
    if export.status != Status.REQUESTED or export.expires_at <= as_of:
        raise Problem("export.not_waiting", _("这个申请已不在待审批状态"))
    if not approve and len(note.strip()) < 2:
        raise _refuse("export.no_note", "note", _("拒绝时请写明原因"))
    export.approver, export.decided_at, export.note = actor, as_of, note.strip()[:200]
    export.status = Status.APPROVED if approve else Status.REFUSED
    export.save()
    audit(actor=actor, action="export.approve" if approve else "export.refuse", target=export, pool_id=export.pool_id)
    if approve:
        _begin(export, KIND)
    return export


@transaction.atomic
def cancel(*, export: ExportRequest, actor: User | Any) -> ExportRequest:
    """Take one's request back, or stop the work on it."""
    export = ExportRequest.objects.select_for_update().get(pk=export.pk)
    if export.requester_id != actor.pk:
        raise Problem("export.not_yours", _("只能取消自己的申请"))
    if export.status not in (Status.REQUESTED, Status.APPROVED):
        raise Problem("export.over", _("这个申请已经结束"))
    if export.job_id and (job := JobRun.objects.filter(pk=export.job_id or 0).first()):
        jobs.ask(job=job, what="cancel", actor=actor)
    export.status = Status.CANCELLED
    export.save(update_fields=["status"])
    audit(actor=actor, action="export.cancel", target=export, pool_id=export.pool_id)
    return export


# -- The file ------------------------------------------------------------------------------------
def path_of(export: ExportRequest) -> Path:
    """Where its file lies, or will lie."""
    return Path(settings.MEDIA_ROOT) / "exports" / str(export.pool_id) / f"{export.pk}.{export.form}"


def finish(export: ExportRequest, *, rows: int, as_of: datetime) -> None:
    """The file is whole: it may be fetched until it expires."""
    path = path_of(export)
    keep = KEEP_FULL if export.is_full else KEEP
    ExportRequest.objects.filter(pk=export.pk, status=Status.APPROVED).update(
        status=Status.DONE,
        path=str(path.relative_to(settings.MEDIA_ROOT)),
        rows=rows,
        size=path.stat().st_size,
        expires_at=as_of + keep,
    )


@transaction.atomic
def download(*, export: ExportRequest, actor: User | Any, as_of: datetime, via: looks.Via = looks.NOWHERE) -> Path:
    """The file's place, for whoever asked for it; each download is written down."""
    if export.requester_id != actor.pk:
        raise Problem("export.not_yours", _("只有申请人可以下载"))
    path = path_of(export)
    if export.status != Status.DONE or export.expires_at <= as_of or not path.exists():
        raise Problem("export.gone", _("文件已过期或已被清理；请重新申请"))
    ExportRequest.objects.filter(pk=export.pk).update(downloads=F("downloads") + 1)
    members = [export.chosen["person"]] if export.chosen.get("person") else []
    looks.note(
        pool_id=export.pool_id,
        actor=actor,
        what=looks.What.DOWNLOAD,
        members=members,
        count=export.rows,
        detail=f"export:{export.pk}",
        reason=export.reason,
        via=via,
        as_of=as_of,
    )
    audit(actor=actor, action="export.download", target=export, pool_id=export.pool_id, rows=export.rows, full=export.is_full)
    return path


def forget(export: ExportRequest) -> None:
    """Remove the file and what was asked; that somebody asked, what for and who agreed stays."""
    path_of(export).unlink(missing_ok=True)
    ExportRequest.objects.filter(pk=export.pk).update(path="", chosen={}, status=Status.EXPIRED)


def expire(*, as_of: datetime) -> int:
    """Requests nobody decided on and files whose time is over; how many."""
    late = ExportRequest.objects.filter(status__in=[Status.REQUESTED, Status.APPROVED, Status.DONE], expires_at__lte=as_of)
    over = [row for row in late if row.status != Status.APPROVED or not _at_work(row)]
    for row in over:
        forget(row)
    return len(over)


def _at_work(row: ExportRequest) -> bool:
    return JobRun.objects.filter(pk=row.job_id or 0, status__in=JobRun.OPEN).exists()


# -- Reading -------------------------------------------------------------------------------------
def requests_of(pool: Pool, user: User | Any) -> QuerySet[ExportRequest]:
    """One's own requests, newest first."""
    return _requests(pool).filter(requester=user)


def waiting_for(pool: Pool, user: User | Any, as_of: datetime) -> QuerySet[ExportRequest]:
    """Requests of others that wait for somebody to agree."""
    return _requests(pool).filter(~Q(requester=user), status=Status.REQUESTED, expires_at__gt=as_of)


def decided(pool: Pool) -> QuerySet[ExportRequest]:
    """Requests somebody agreed to or refused, newest first."""
    return _requests(pool).filter(approver__isnull=False)


def _requests(pool: Pool) -> QuerySet[ExportRequest]:
    found = ExportRequest.objects.filter(pool=pool).select_related("requester", "approver", "pool")
    return found.order_by("-created_at", "-pk")


def looked_at(export: ExportRequest) -> QuerySet[AccessEntry]:
    """Every download of it."""
    return AccessEntry.objects.filter(pool=export.pool, detail=f"export:{export.pk}").select_related("actor").order_by("-at")
