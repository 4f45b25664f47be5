"""The file into an unlogged table: parse a batch, COPY it, go on. Refused rows go to ImportReject.

Parsing runs one batch ahead of COPY in a thread of its own, so that two processors are busy. What has
been copied is committed together with the line it reaches to: a killed import reads on from there.
"""

import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from django.conf import settings
from django.db import transaction
from psycopg2 import sql as pg

from members.importing import fields, parsing
from members.importing.codes import problem
from members.importing.fields import ATTRIBUTE, Field
from members.importing.progress import Progress
from members.importing.reading import Batch, batches
from members.importing.sniffing import Sniffed
from members.models import Channel, Identity, ImportReject, ImportRun
from scrm.lib import sql

ROWS_PER_COPY = 200_000
TYPES = {
    "text": "text",
    "money": "bigint",
    "count": "integer",
    "instant": "timestamptz",
    "day": "date",
    "gender": "smallint",
    "member_status": "smallint",
    "order_status": "smallint",
    "channel": "smallint",
    "identity": "bytea",
}


def table(run: ImportRun, part: str) -> pg.Identifier:
    """One of the run's own tables."""
    return pg.Identifier(table_name(run, part))


def table_name(run: ImportRun, part: str) -> str:
    return f"import_{run.pk}_{part}"


def exists(run: ImportRun, part: str) -> bool:
    """Whether a table of the run is there."""
    return bool(sql.fetch("SELECT to_regclass(%(name)s) IS NOT NULL", {"name": table_name(run, part)})[0][0])


def count(run: ImportRun, part: str) -> int:
    """Rows of a table of the run; 0 when it is not there."""
    if not exists(run, part):
        return 0
    return int(sql.fetch(pg.SQL("SELECT count(*) FROM {}").format(table(run, part)))[0][0])


@dataclass(frozen=True)
class Plan:
    """How the columns of this file become columns of the staging table."""

    run: ImportRun
    found: Sniffed
    rules: parsing.Rules
    mapped: list[tuple[int, Field]]  # position in the file
    attributes: list[tuple[int, str]]
    identities: list[str]

    @property
    def path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.run.path

    @property
    def columns(self) -> list[str]:
        """The staging columns this file fills."""
        return ["line", *(each.column for _, each in self.mapped), *(["attributes"] if self.attributes else [])]

    @property
    def first_hash(self) -> pg.Composable:
        """Any one identity of a row: all of them lead to the same person."""
        return pg.SQL("coalesce({})").format(pg.SQL(", ").join(pg.Identifier("s", f"h_{kind}") for kind in self.identities))


def plan(run: ImportRun, as_of: Any) -> Plan:
    """Check the mapping against the file; raises Problem naming what is missing."""
    mapping = {key: column for key, column in run.mapping.items() if column}
    if lacking := fields.missing(run.kind, mapping):
        raise problem("missing_columns", columns="、".join(lacking))
    where = {name: position for position, name in enumerate(run.columns)}
    for column in mapping.values():
        if column not in where:
            raise problem("columns_changed", column=column)
    known = fields.fields_of(run.kind)
    mapped = [(where[column], known[key]) for key, column in mapping.items() if key in known]
    own = [(where[column], key.removeprefix(ATTRIBUTE)) for key, column in mapping.items() if key.startswith(ATTRIBUTE)]
    if run.kind in (ImportRun.Kind.ORDERS, ImportRun.Kind.LINES) and run.channel_id is None and "channel_id" not in mapping:
        raise problem("needs_channel")
    found = Sniffed(run.format, run.encoding, run.delimiter, run.columns)
    # What joins people comes before what does not.
    identities = sorted((each.identity for _, each in mapped if each.identity), key=lambda kind: kind not in Identity.STRONG)
    return Plan(run, found, _rules(run, as_of), mapped, own, identities)


def _rules(run: ImportRun, as_of: Any) -> parsing.Rules:
    channels: dict[str, int] = {}
    for channel in Channel.objects.all():
        channels |= {name.lower(): channel.pk for name in (channel.code, channel.name, channel.name_en)}
    said = run.options
    return parsing.Rules(
        zone=run.pool.time_zone,
        as_of=as_of,
        excel=run.format == "xlsx" or bool(said.get("excel_dates")),
        date_order=said.get("date_order", "ymd"),
        unit=said.get("unit", "yuan"),
        words=said.get("words", {}),
        channels=channels,
    )


# -- The table -----------------------------------------------------------------------------------
def create(plan: Plan) -> None:
    """An empty staging table with every column of the kind, whether the file has it or not."""
    known = fields.FIELDS[plan.run.kind]
    columns = [pg.SQL("line bigint")]
    columns += [pg.SQL("{} {}").format(pg.Identifier(each.column), pg.SQL(TYPES[each.parser])) for each in known]
    columns.append(pg.SQL("attributes jsonb"))
    drop(plan.run)
    sql.run(pg.SQL("CREATE UNLOGGED TABLE {} ({})").format(table(plan.run, "stage"), pg.SQL(", ").join(columns)))
    ImportReject.objects.filter(run=plan.run).delete()


PARTS = ("stage", "keys", "roots", "people", "persons", "fresh", "seals", "ready", "members")


def drop(run: ImportRun, parts: tuple[str, ...] = PARTS) -> None:
    """Remove the run's own tables."""
    names = pg.SQL(", ").join(table(run, part) for part in parts)
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(names))


# -- A batch -------------------------------------------------------------------------------------
@dataclass
class Parcel:
    """Parsed rows ready for COPY, and the refused ones."""

    data: bytes = b""
    rows: int = 0  # to stage
    read: int = 0  # of the file, refused ones included
    last: int = 0  # line
    rejects: list[tuple[int, str, str, list[str]]] = field(default_factory=list)


def parse(plan: Plan, batch: Batch) -> Parcel:
    """One batch: typed columns for the good rows, codes for the others."""
    size = len(batch.lines)
    parcel = Parcel(last=batch.lines[-1].as_py() if size else 0)
    parcel.rejects += [(line, "", code, cells) for line, code, cells in batch.ragged]
    parcel.read = size + len(batch.ragged)
    if not size:
        return parcel
    blank = _blank(plan, batch)
    columns, bad = _columns(plan, batch, blank)
    keep = pc.invert(blank)
    for mask, code, name in bad:
        keep = pc.and_(keep, pc.invert(mask))
        parcel.rejects += [
            (batch.lines[row].as_py(), name, code, batch.cells(row)) for row in _where(pc.and_(mask, pc.invert(blank)))
        ]
    staged = pa.table([batch.lines, *columns], names=plan.columns).filter(keep)
    parcel.rows = staged.num_rows
    parcel.read -= pc.sum(blank).as_py() or 0
    out = BytesIO()
    arrow_csv.write_csv(staged, out, arrow_csv.WriteOptions(include_header=False))
    parcel.data = out.getvalue()
    return parcel


def _where(mask: Any) -> list[int]:
    return pc.indices_nonzero(mask).to_pylist()  # type: ignore[no-any-return]


def _blank(plan: Plan, batch: Batch) -> Any:
    """Rows that say nothing in any mapped column: spreadsheets end with hundreds of them. Items of the API count."""
    if plan.run.options.get("api"):
        return pa.array([False] * len(batch.lines))
    blank = pa.array([True] * len(batch.lines))
    for position, _field in plan.mapped:
        blank = pc.and_(blank, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(batch.columns[position]), ""), True))
    return blank


def _columns(plan: Plan, batch: Batch, blank: Any) -> tuple[list[Any], list[tuple[Any, str, str]]]:
    columns: list[Any] = []
    bad: list[tuple[Any, str, str]] = []
    anybody = pa.array([False] * len(batch.lines))
    spoiled = anybody
    values: dict[str, Any] = {}
    for position, each in plan.mapped:
        name = plan.found.columns[position]
        given = pc.fill_null(batch.columns[position], "")
        if each.identity:
            parsed = parsing.identity(each.identity, given)
            anybody = pc.or_(anybody, pc.is_valid(parsed.values))
            column = parsing.fingerprints(each.identity, parsed.values)
        else:
            parsed = parsing.PARSERS[each.parser](given, plan.rules, each.limit)
            column = values[each.key] = parsed.values
        bad += [(mask, code, name) for mask, code in parsed.bad]
        for mask, _code in parsed.bad:
            spoiled = pc.or_(spoiled, mask)
        if each.required:
            empty = pc.equal(pc.utf8_trim_whitespace(given), "")
            bad.append((empty, "missing_value", name))
        columns.append(column)
    if plan.identities:
        # A bad number already says what is wrong with the row.
        bad.append((pc.and_not(pc.invert(anybody), spoiled), "missing_identity", ""))
    if "refunded" in values and "amount" in values:
        bad.append(
            (
                pc.fill_null(pc.greater(values["refunded"], values["amount"]), False),
                "refund_too_large",
                _heading(plan, "refunded"),
            )
        )
    if plan.attributes:
        columns.append(_attributes(plan, batch))
    return columns, bad


def _heading(plan: Plan, key: str) -> str:
    return str(plan.run.mapping[key])


def _attributes(plan: Plan, batch: Batch) -> pa.Array:
    columns = [parsing.clean(pc.fill_null(batch.columns[position], "")).to_pylist() for position, _key in plan.attributes]
    keys = [key for _position, key in plan.attributes]
    found = (
        {key: value for key, value in zip(keys, row, strict=True) if value is not None} for row in zip(*columns, strict=True)
    )
    return pa.array([json.dumps(each, ensure_ascii=False) if each else None for each in found], pa.string())


# -- All batches ---------------------------------------------------------------------------------
class _Ahead(threading.Thread):
    """Parses one parcel ahead of the consumer; an error travels to the consumer."""

    def __init__(self, plan: Plan, after: int) -> None:
        super().__init__(daemon=True)
        self.plan, self.after, self.halt = plan, after, threading.Event()
        self.parcels: queue.Queue[Any] = queue.Queue(maxsize=4)

    def run(self) -> None:
        try:
            for batch in batches(self.plan.path, self.plan.found):
                if self.halt.is_set():
                    return
                batch = since(batch, self.after)
                if len(batch.lines) or batch.ragged:
                    self._put(parse(self.plan, batch))
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, parcel: Any) -> None:
        while not self.halt.is_set():
            try:
                self.parcels.put(parcel, timeout=0.5)
            except queue.Full:
                continue
            return

    def __iter__(self) -> Iterator[Parcel]:
        while (parcel := self.parcels.get()) is not None:
            if isinstance(parcel, BaseException):
                raise parcel
            yield parcel


def since(batch: Batch, after: int) -> Batch:
    """The rows of a batch below a line."""
    if not after or not len(batch.lines) or batch.lines[0].as_py() > after:
        return Batch(batch.lines, batch.columns, [row for row in batch.ragged if row[0] > after])
    keep = pc.greater(batch.lines, after)
    columns = [column.filter(keep) for column in batch.columns]
    return Batch(batch.lines.filter(keep), columns, [row for row in batch.ragged if row[0] > after])


def fill(plan: Plan, progress: Progress) -> None:
    """Stage the file, or the rest of it; each COPY is committed with the line it reaches to."""
    mark = dict(progress.watermark)
    ahead = _Ahead(plan, mark.get("line", 0))
    ahead.start()
    held: list[Parcel] = []
    try:
        for parcel in ahead:
            held.append(parcel)
            if sum(each.rows for each in held) >= ROWS_PER_COPY:
                mark = _flush(plan, progress, held, mark)
                held = []
                progress.checkpoint()
        _flush(plan, progress, held, mark | {"phase": "people"})
    finally:
        ahead.halt.set()
    progress.checkpoint()


def _flush(plan: Plan, progress: Progress, held: list[Parcel], mark: dict[str, Any]) -> dict[str, Any]:
    mark = mark | {
        "line": max([mark.get("line", 0), *(each.last for each in held)]),
        "read": mark.get("read", 0) + sum(each.read for each in held),
        "staged": mark.get("staged", 0) + sum(each.rows for each in held),
    }
    with transaction.atomic():
        _copy(plan, held)
        keep_rejects(plan.run, [row for each in held for row in each.rejects])
        progress.checkpoint(done=mark["read"], phase="read", watermark=mark)
    return mark


def _copy(plan: Plan, held: list[Parcel]) -> None:
    columns = pg.SQL(", ").join(pg.Identifier(name) for name in plan.columns)
    statement = pg.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(table(plan.run, "stage"), columns)
    if data := b"".join(each.data for each in held):
        sql.copy_in(statement, BytesIO(data))


def keep_rejects(run: ImportRun, rejects: list[tuple[int, str, str, list[str]]]) -> None:
    """Refused rows with their cells, for the table and the download."""
    lines = (
        [
            run.pk,
            line,
            column[:120],
            code,
            json.dumps([str(cell).replace("\x00", "")[:2000] for cell in cells], ensure_ascii=False),
        ]
        for line, column, code, cells in rejects
    )
    ready = list(zip(*lines, strict=True))
    if not ready:
        return
    out = BytesIO()
    arrow_csv.write_csv(
        pa.table([pa.array(column) for column in ready], names=list("abcde")), out, arrow_csv.WriteOptions(include_header=False)
    )
    out.seek(0)
    sql.copy_in(pg.SQL('COPY members_importreject (run_id, line, "column", code, "row") FROM STDIN (FORMAT csv)'), out)
