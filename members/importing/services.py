"""Every write of the import wizard and its API."""

import csv
import hashlib
import io
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from members.importing import fields, journal, mappings, pipeline, presets, sniffing, staging
from members.importing.codes import problem
from members.models import Channel, ImportReject, ImportRun, Pool, SavedMapping
from members.privacy import looks
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.staff.audit import audit
from scrm.staff.models import User

Status = ImportRun.Status
OPTIONS = (*mappings.KEPT, "excel_dates", "demo")


@dataclass(frozen=True)
class Told:
    """What whoever uploads a file already knows of it; the rest is found out."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    heading: int | None = None
    preset: str = ""  # key of a preset
    saved: SavedMapping | None = None
    corrects: ImportRun | None = None  # the import whose refused rows these are


def upload(
    *,
    pool: Pool,
    kind: str = "",
    file: Any,
    file_name: str,
    actor: User | None,
    channel: Channel | None = None,
    told: Told | None = None,
) -> ImportRun:
    """Keep a file, look into it and suggest a mapping; raises Problem when it cannot be read.

    `file` is an uploaded file or any binary file object. A file that is refused is not kept. Without a `kind` a preset,
    a kept mapping or the import it corrects must say it.
    """
    told = told or Told()
    kind = kind or _kind_of(told)
    if kind not in fields.FIELDS:
        raise ValueError(f"no kind of import {kind!r}")
    name = Path(file_name.replace("\\", "/")).name[-200:]
    relative = f"imports/{pool.pk}/{secrets.token_hex(16)}{Path(name).suffix.lower()[:10]}"
    path = Path(settings.MEDIA_ROOT) / relative
    try:
        size, digest = _keep(path, file)
        found = sniffing.sniff(
            path, name, encoding=told.encoding, delimiter=told.delimiter, sheet=told.sheet, heading=told.heading
        )
        reading = _reading(pool, kind, found, channel, told)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return _record(pool, kind, name, relative, size, digest, found, actor, channel, reading)


def _kind_of(told: Told) -> str:
    if told.corrects:
        return told.corrects.kind
    if told.saved:
        return told.saved.kind
    if preset := presets.get(told.preset):
        return preset.kind
    raise problem("no_such_preset", key=told.preset) if told.preset else problem("kind_or_preset")


def _reading(pool: Pool, kind: str, found: sniffing.Sniffed, channel: Channel | None, told: Told) -> mappings.Reading:
    if told.corrects:
        return mappings.from_run(told.corrects, found.columns)
    if told.saved:
        return mappings.from_saved(told.saved, kind, found.columns)
    if told.preset:
        if (preset := presets.get(told.preset)) is None or preset.kind != kind:
            raise problem("no_such_preset", key=told.preset)
        return mappings.from_preset(preset, found.columns)
    return mappings.choose(pool, kind, found.columns, channel)


def _keep(path: Path, file: Any) -> tuple[int, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    limit, size, digest = settings.UPLOAD_LIMIT_MB << 20, 0, hashlib.sha256()
    with path.open("wb") as out:
        for chunk in _chunks(file):
            size += len(chunk)
            if size > limit:
                raise problem("too_large", limit=settings.UPLOAD_LIMIT_MB)
            digest.update(chunk)
            out.write(chunk)
    return size, digest.hexdigest()


def _chunks(file: Any) -> Iterable[bytes]:
    if hasattr(file, "chunks"):
        return file.chunks()  # type: ignore[no-any-return]
    return iter(lambda: file.read(1 << 20), b"")


@transaction.atomic
def _record(
    pool: Pool,
    kind: str,
    name: str,
    path: str,
    size: int,
    digest: str,
    found: sniffing.Sniffed,
    actor: User | None,
    channel: Channel | None,
    reading: mappings.Reading,
) -> ImportRun:
    run = ImportRun.objects.create(
        pool=pool,
        kind=kind,
        channel=channel or (reading.channel if kind != ImportRun.Kind.PRODUCTS else None),
        file_name=name,
        path=path,
        size=size,
        sha256=digest,
        format=found.format,
        encoding=found.encoding,
        delimiter=found.delimiter,
        columns=found.columns,
        sample=found.sample,
        mapping=reading.mapping,
        options={**reading.options, "layout": found.layout, "applied": reading.applied},
        actor=actor,
    )
    audit(actor=actor, action="import.upload", target=run, pool_id=pool.pk, file=name, size=size, kind=kind)
    return run


def reread(
    *,
    run: ImportRun,
    actor: User | None,
    encoding: str = "",
    delimiter: str = "",
    sheet: str = "",
    heading: int | None = None,
) -> ImportRun:
    """Look into the file again as told; the mapping starts over if the headings changed."""
    _must_rest(run)
    path = Path(settings.MEDIA_ROOT) / run.path
    if not path.exists():
        raise problem("file_gone")
    found = sniffing.sniff(path, run.file_name, encoding=encoding, delimiter=delimiter, sheet=sheet, heading=heading)
    with transaction.atomic():
        if found.columns != run.columns:
            _apply(run, mappings.choose(run.pool, run.kind, found.columns, run.channel), found.columns)
        run.columns, run.sample, run.encoding, run.delimiter = found.columns, found.sample, found.encoding, found.delimiter
        run.options = run.options | {"layout": found.layout}
        _start_over(run, "columns", "sample", "mapping", "encoding", "delimiter", "options", "channel")
        audit(
            actor=actor, action="import.reread", target=run, pool_id=run.pool_id, encoding=run.encoding, delimiter=run.delimiter
        )
    return run


def _apply(run: ImportRun, reading: mappings.Reading, columns: list[str]) -> None:
    kept = {key: value for key, value in run.options.items() if key not in mappings.KEPT}
    run.mapping = {key: column for key, column in reading.mapping.items() if column in columns}
    run.options = kept | reading.options | {"applied": reading.applied}
    if reading.channel is not None and run.kind != ImportRun.Kind.PRODUCTS:
        run.channel = reading.channel


def _start_over(run: ImportRun, *changed: str) -> None:
    """What an earlier job staged was read otherwise: nothing of it may be gone on with."""
    journal.close(run)
    staging.drop(run)
    run.status, run.counts, run.job_id = Status.UPLOADED, {}, None
    run.save(update_fields=[*changed, "status", "counts", "job_id"])


@transaction.atomic
def read_as(*, run: ImportRun, actor: User | None, preset: str = "", saved: SavedMapping | None = None) -> ImportRun:
    """Read the file by a preset (which may change what kind of file it is), by a kept mapping, or by its headings alone."""
    _must_rest(run)
    if saved is not None:
        run.kind = saved.kind
        reading = mappings.from_saved(saved, saved.kind, run.columns)
    elif preset:
        if (found := presets.get(preset)) is None:
            raise problem("no_such_preset", key=preset)
        run.kind = found.kind
        reading = mappings.from_preset(found, run.columns)
    else:
        reading = mappings.Reading(fields.suggest(run.kind, run.columns), {}, None, {"by": "guess"})
    _apply(run, reading, run.columns)
    _start_over(run, "kind", "mapping", "options", "channel")
    audit(actor=actor, action="import.read_as", target=run, pool_id=run.pool_id, **reading.applied)
    return run


@transaction.atomic
def save_mapping(
    *,
    run: ImportRun,
    mapping: dict[str, str],
    options: dict[str, Any] | None = None,
    actor: User | None = None,
    channel: Channel | None = None,
) -> ImportRun:
    """Which column fills which field, and how cells are to be read. Field keys are those of `fields.FIELDS`;
    "attr:<name>" keeps a column among a member's other facts."""
    _must_rest(run)
    mapping = {key: column for key, column in mapping.items() if column}
    _check_mapping(run, mapping)
    run.mapping = mapping
    run.options = run.options | {key: value for key, value in (options or {}).items() if key in OPTIONS}
    run.channel = channel or run.channel
    _start_over(run, "mapping", "options", "channel")
    audit(actor=actor, action="import.map", target=run, pool_id=run.pool_id, mapping=mapping)
    return run


@transaction.atomic
def keep_mapping(
    *,
    run: ImportRun,
    name: str,
    mapping: dict[str, str],
    options: dict[str, Any],
    actor: User | None,
    channel: Channel | None = None,
) -> SavedMapping:
    """Use a mapping for this file and keep it for the next ones."""
    save_mapping(run=run, mapping=mapping, options=options, actor=actor, channel=channel)
    kept = mappings.keep(
        pool=run.pool,
        name=name,
        kind=run.kind,
        mapping=run.mapping,
        columns=run.columns,
        options=run.options,
        channel=run.channel,
        actor=actor,
    )
    run.options = run.options | {"applied": {"by": "saved", "id": kept.pk, "name": kept.name}}
    run.save(update_fields=["options"])
    return kept


def _check_mapping(run: ImportRun, mapping: dict[str, str]) -> None:
    known = fields.fields_of(run.kind)
    columns: set[str] = set()
    for key, column in mapping.items():
        if column not in run.columns or (key not in known and not key.startswith(fields.ATTRIBUTE)):
            raise problem("columns_changed", column=column)
        if column in columns:
            raise problem("column_used_twice", column=column)
        columns.add(column)


def start_check(*, run: ImportRun, actor: User | None) -> JobRun:
    """Count what an import would do, as a job."""
    return _start(run, "members.check", Status.CHECKING, actor)


def start_import(*, run: ImportRun, actor: User | None) -> JobRun:
    """Import, as a job."""
    return _start(run, "members.import", Status.IMPORTING, actor)


@transaction.atomic
def _start(run: ImportRun, kind: str, status: str, actor: User | None) -> JobRun:
    run.refresh_from_db(from_queryset=ImportRun.objects.select_for_update())
    if busy(run):
        return _job(run)
    staging.plan(run, clock.now())
    job = jobs.enqueue(kind=kind, pool_id=run.pool_id, params={"run": run.pk}, actor=actor, key=f"{kind}:{run.pk}")
    run.job_id, run.status, run.counts, run.finished_at = job.pk, status, {}, None
    run.save(update_fields=["job_id", "status", "counts", "finished_at"])
    audit(actor=actor, action=kind.replace("members.", "import."), target=run, pool_id=run.pool_id)
    return job


def busy(run: ImportRun) -> bool:
    """Whether a job of this import is waiting, running or paused."""
    return run.job_id is not None and JobRun.objects.filter(pk=run.job_id, status__in=JobRun.OPEN).exists()


def _job(run: ImportRun) -> JobRun:
    assert run.job_id is not None
    return JobRun.objects.get(pk=run.job_id)


def _must_rest(run: ImportRun) -> None:
    if busy(run):
        raise problem("running")


@transaction.atomic
def steer(*, run: ImportRun, what: str, actor: User | None) -> ImportRun:
    """Pause, resume or cancel. What is already written stays: a repeat of the file goes on from there."""
    job = jobs.ask(job=_job(run), what=what, actor=actor)
    if job.status == JobRun.Status.CANCELLED:
        finish(run=run, status=Status.CANCELLED, counts=run.counts, at=job.finished_at)
    return run


@transaction.atomic
def finish(*, run: ImportRun, status: str, counts: dict[str, Any], at: datetime | None) -> None:
    """Keep what came of a check or an import."""
    run.status, run.counts, run.finished_at = status, counts, at
    run.save(update_fields=["status", "counts", "finished_at"])


def note_download(*, run: ImportRun, actor: User | None, as_of: datetime, via: looks.Via = looks.NOWHERE) -> None:
    """Refused rows are read in the clear: who did so is written down, with how many rows there are."""
    count = ImportReject.objects.filter(run=run).count()
    looks.note(
        pool_id=run.pool_id, actor=actor, what=looks.What.REJECTS, count=count, detail=f"import:{run.pk}", via=via, as_of=as_of
    )
    audit(actor=actor, action="import.download_rejects", target=run, pool_id=run.pool_id)


def forget_file(*, run: ImportRun) -> None:
    """Remove the uploaded file; the run, its counts and refused rows stay."""
    (Path(settings.MEDIA_ROOT) / run.path).unlink(missing_ok=True)


BATCH = 1000


def import_items(
    *, pool: Pool, kind: str, items: list[dict[str, Any]], actor: User | None, channel: Channel | None, as_of: datetime
) -> ImportRun:
    """A batch of items by the way of a file: field key → value, "attr:<name>" for a member's other facts.

    The run keeps the counts and which item was refused why (`line` - 2 is its place in the batch).
    """
    if len(items) > BATCH:
        raise problem("too_many_items", limit=BATCH)
    keys = list(dict.fromkeys(key for item in items for key in item))
    run = _record_items(pool, kind, keys, items, actor, channel)
    try:
        counts = pipeline.run(run, as_of=as_of, wait=False)
    finally:
        forget_file(run=run)
    finish(run=run, status=Status.DONE, counts=counts, at=as_of)
    return run


def _record_items(
    pool: Pool, kind: str, keys: list[str], items: list[dict[str, Any]], actor: User | None, channel: Channel | None
) -> ImportRun:
    out = io.StringIO()
    writer = csv.writer(out)
    # The last column is never empty: an empty item keeps its line and is refused for what it lacks.
    writer.writerow([*keys, "#"])
    writer.writerows([*("" if item.get(key) is None else str(item[key]) for key in keys), "#"] for item in items)
    relative = f"imports/{pool.pk}/{secrets.token_hex(16)}.csv"
    size, digest = _keep(Path(settings.MEDIA_ROOT) / relative, io.BytesIO(out.getvalue().encode()))
    known = fields.fields_of(kind)
    found = sniffing.Sniffed("csv", "utf-8", ",", [*keys, "#"])
    unread = mappings.Reading({}, {}, None, {"by": "api"})
    run = _record(pool, kind, "API", relative, size, digest, found, actor, channel, unread)
    run.mapping = {key: key for key in keys if key in known or key.startswith(fields.ATTRIBUTE)}
    run.options = {"api": True, "unit": "fen", "layout": found.layout}
    run.save(update_fields=["mapping", "options"])
    return run
