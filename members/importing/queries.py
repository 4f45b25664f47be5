"""Reads of the import pages and their API."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from members.importing import codes, fields, words
from members.models import ImportReject, ImportRun, ImportSample, Member, Order, Pool
from scrm.jobs.models import JobRun

Status = ImportRun.Status
TONES = {
    Status.UPLOADED: "slate",
    Status.CHECKING: "blue",
    Status.CHECKED: "violet",
    Status.IMPORTING: "blue",
    Status.DONE: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "slate",
    Status.REVERTING: "blue",
    Status.REVERTED: "slate",
}
PHASES = {
    "read": _("读取文件"),
    "people": _("识别会员身份"),
    "gather": _("与现有数据比对"),
    "write_members": _("写入会员"),
    "consents": _("写入同意记录"),
    "write_rows": _("写入数据"),
    "write_returns": _("写入退货"),
}
EXAMPLES = 20


@dataclass(frozen=True)
class State:
    """Where an import stands: its own status, unless its job ended otherwise."""

    status: str
    job: JobRun | None

    @property
    def tone(self) -> str:
        return TONES[Status(self.status)]

    @property
    def label(self) -> Any:
        paused = self.job is not None and self.job.status == JobRun.Status.PAUSED
        return _("已暂停") if paused else Status(self.status).label

    @property
    def moving(self) -> bool:
        return self.job is not None and self.job.status in (JobRun.Status.QUEUED, JobRun.Status.RUNNING)

    @property
    def open(self) -> bool:
        return self.job is not None and self.job.is_open


@dataclass(frozen=True)
class Refusal:
    """One class of refused rows with its first examples."""

    code: str
    count: int
    examples: list[ImportReject]

    @property
    def sentence(self) -> str:
        return codes.sentence(self.code)


def runs(pool: Pool, limit: int = 100) -> list[ImportRun]:
    """The pool's latest imports with their `state`."""
    found = ImportRun.objects.filter(pool=pool).exclude(options__has_key="api").select_related("channel", "actor")
    return with_states(found.order_by("-created_at")[:limit])


def with_states(found: Iterable[ImportRun]) -> list[ImportRun]:
    """Several imports with their `state`, their jobs looked up at once."""
    several = list(found)
    jobs = JobRun.objects.in_bulk([run.job_id for run in several if run.job_id])
    for run in several:
        run.state = _state(run, jobs.get(run.job_id))  # type: ignore[attr-defined, arg-type]
    return several


def run_of(pool: Pool, pk: int) -> ImportRun:
    """One import of the pool with its `state`, or 404."""
    return with_state(get_object_or_404(ImportRun.objects.select_related("pool", "channel", "actor"), pool=pool, pk=pk))


def with_state(run: ImportRun) -> ImportRun:
    """The run with its `state`, looked up unless it has it."""
    if hasattr(run, "state"):
        return run
    run.state = _state(run, JobRun.objects.filter(pk=run.job_id).first() if run.job_id else None)  # type: ignore[attr-defined]
    return run


def _state(run: ImportRun, job: JobRun | None) -> State:
    status = run.status
    if job is not None and status in (Status.CHECKING, Status.IMPORTING) and not job.is_open:
        status = {JobRun.Status.CANCELLED: Status.CANCELLED, JobRun.Status.FAILED: Status.FAILED}.get(
            JobRun.Status(job.status), status
        )
    return State(status, job)


def twins(run: ImportRun) -> QuerySet[ImportRun]:
    """Imports of the very same file that were carried through before."""
    same = ImportRun.objects.filter(pool_id=run.pool_id, sha256=run.sha256, kind=run.kind, status=Status.DONE)
    return same.exclude(pk=run.pk).order_by("-finished_at")


def refusals(run: ImportRun, examples: int = EXAMPLES) -> list[Refusal]:
    """Refused rows by reason, the most frequent first."""
    counted = ImportReject.objects.filter(run=run).values_list("code").annotate(count=Count("pk")).order_by("-count", "code")
    return [
        Refusal(code, count, list(ImportReject.objects.filter(run=run, code=code).order_by("line")[:examples]))
        for code, count in counted
    ]


# -- What a check saw ------------------------------------------------------------------------------
OUTCOMES = ("new", "updated", "unchanged", "conflicting")


@dataclass(frozen=True)
class Seen:
    """One of the first rows of an outcome: cells by field, and what would change."""

    line: int
    cells: list[str]
    changes: list[tuple[str, str, str]]  # field, now, then
    reason: str


def samples(run: ImportRun, outcome: str) -> tuple[list[str], list[Seen]]:
    """The first rows of an outcome as a check saw them: headings and rows."""
    rows = list(ImportSample.objects.filter(run=run, outcome=outcome).order_by("line"))
    order = [*fields.fields_of(run.kind), *sorted(run.mapping)]
    keys = [key for key in dict.fromkeys(order) if any(key in row.said for row in rows)]
    return [_label(run, key) for key in keys], [_seen(run, keys, row) for row in rows]


def _seen(run: ImportRun, keys: list[str], row: ImportSample) -> Seen:
    changes = [(_label(run, key), _text(before), _meant(run, key, row.said.get(key))) for key, before in row.before.items()]
    cells = [_text(row.said.get(key)) for key in keys]
    return Seen(
        row.line, cells, [each for each in changes if each[1] != each[2]], codes.sentence(row.reason) if row.reason else ""
    )


_GUARDS = re.compile(r"^'?=\"(.*)\"$|^['`](.*)$", re.DOTALL)
_CHOICES: dict[str, Any] = {"order_status": Order.Status, "member_status": Member.Status, "gender": Member.Gender}


def _text(value: Any) -> str:
    """A cell without what keeps spreadsheets from changing it."""
    text = "" if value is None else str(value).strip()
    return (found[1] or found[2] or "") if (found := _GUARDS.match(text)) else text


def _meant(run: ImportRun, key: str, value: Any) -> str:
    """A word of the file as what it will be taken for."""
    word, field = _text(value), fields.fields_of(run.kind).get(key)
    if field is None or field.parser not in _CHOICES:
        return word
    number = words.meaning(field.parser, word, run.options.get("words", {}).get(key, {}))
    return str(_CHOICES[field.parser](number).label) if number in _CHOICES[field.parser].values else word


def _label(run: ImportRun, key: str) -> str:
    field = fields.fields_of(run.kind).get(key)
    return str(field.label) if field else key.removeprefix(fields.ATTRIBUTE)


def tabs(run: ImportRun) -> list[dict[str, Any]]:
    """The outcomes of a check with their counts: what is worth looking at first comes first."""
    kept = set(ImportSample.objects.filter(run=run).values_list("outcome", flat=True).distinct())
    return [
        {"key": key, "label": ImportSample.Outcome(key).label, "count": run.counts.get(key, 0)} for key in OUTCOMES if key in kept
    ]


def corrected(pool: Pool, pk: str) -> ImportRun | None:
    """The import whose refused rows are being uploaded again."""
    found = ImportRun.objects.filter(pool=pool).exclude(options__has_key="api")
    return found.select_related("channel").filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None


def pace(job: JobRun, now: datetime) -> dict[str, float | None]:
    """Rows per second of the job so far, and the seconds it still needs in this phase."""
    if not (job.started_at and job.done):
        return {"rate": None, "left": None}
    begun = datetime.fromisoformat(job.watermark["phase_at"]) if "phase_at" in job.watermark else job.started_at
    seconds = max((now - begun).total_seconds(), 0.001)
    rate = job.done / seconds
    left = (job.total - job.done) / rate if job.total and job.total >= job.done else None
    return {"rate": rate, "left": left}


def steps() -> list[Any]:
    """The wizard's steps."""
    return [_("上传"), _("对应列"), _("检查"), _("导入")]


def step_of(run: ImportRun) -> int:
    """Which step an import is at."""
    return {Status.UPLOADED: 2, Status.CHECKING: 3, Status.CHECKED: 3}.get(Status(run.status), 4)
