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

from members.attributes import queries as own_fields
from members.importing import fields, parsing
from members.importing.codes import problem
from members.importing.fields import ATTRIBUTE, Field
from members.importing.judging import Parcel, parse
from members.importing.progress import Progress
from members.importing.reading import Batch, batches
from members.importing.sniffing import Sniffed, found_of
from members.models import AttributeField, Channel, ImportReject, ImportRun
from members.oneid import rules as oneid
from members.stores.queries import by_name
from members.team.queries import on_duty
from scrm.lib import formats, sql

ROWS_PER_COPY = 200_000
SPARED = {"staff": ("unknown_staff", "ignore"), "store": ("unknown_stores", "create")}
TYPES = {
    "text": "text",
    "code": "text",
    "money": "bigint",
    "deduction": "bigint",
    "count": "integer",
    "instant": "timestamptz",
    "day": "date",
    "gender": "smallint",
    "member_status": "smallint",
    "order_status": "smallint",
    "refund_status": "smallint",
    "flag": "boolean",
    "channel": "smallint",
    "total": "bigint",
    "pieces": "integer",
    "staff": "bigint",
    "store": "text",
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


def classes(run: ImportRun, part: str) -> list[tuple[int, int]]:
    """Rows of a table of the run by class."""
    return sql.fetch(pg.SQL("SELECT class, count(*) FROM {} GROUP BY class").format(table(run, part)))  # type: ignore[return-value]


@dataclass(frozen=True)
class Plan:
    """How the columns of this file become columns of the staging table."""

    run: ImportRun
    found: Sniffed
    rules: parsing.Rules
    mapped: list[tuple[int, Field]]  # position in the file
    attributes: list[tuple[int, str]]
    identities: list[str]
    declared: dict[str, AttributeField] = field(default_factory=dict)  # the pool's own fields by key

    @property
    def path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.run.path

    def says(self, key: str) -> bool:
        """Whether a column of the file fills this field."""
        return any(each.key == key for _, each in self.mapped)

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
        raise problem("missing_columns", columns=formats.listed(lacking))
    where = {name: position for position, name in enumerate(run.columns)}
    for column in mapping.values():
        if column not in where:
            raise problem("columns_changed", column=column)
    known = fields.fields_of(run.kind, mapping)
    mapped = [(where[column], known[key]) for key, column in mapping.items() if key in known]
    own = [(where[column], key.removeprefix(ATTRIBUTE)) for key, column in mapping.items() if key.startswith(ATTRIBUTE)]
    if run.kind in fields.IN_CHANNEL and run.channel_id is None and "channel_id" not in mapping:
        raise problem("needs_channel")
    found = found_of(run)
    identities = oneid.of(run.pool).sorted([each.identity for _, each in mapped if each.identity])
    return Plan(run, found, _rules(run, as_of), mapped, own, identities, own_fields.by_key(run.pool_id) if own else {})


def _rules(run: ImportRun, as_of: Any) -> parsing.Rules:
    channels: dict[str, int] = {}
    for channel in Channel.objects.all():
        channels |= {name.lower(): channel.pk for name in (channel.code, channel.name, channel.name_en)}
    said = run.options
    placed = {"owner", "store"} & set(run.mapping) if run.kind == ImportRun.Kind.MEMBERS else ()
    return parsing.Rules(
        zone=run.pool.time_zone,
        as_of=as_of,
        excel=run.format == "xlsx" or bool(said.get("excel_dates")),
        date_order=said.get("date_order", "ymd"),
        unit=said.get("unit", "yuan"),
        decimal=said.get("decimal", "."),
        words=said.get("words", {}),
        channels=channels,
        staff=on_duty(run.pool) if "owner" in placed else {},
        stores=by_name(run.pool) if "store" in placed else {},
        spare=frozenset(part for part, (option, spared) in SPARED.items() if said.get(option) == spared),
        returns=said.get("negative") == "refund",
        people=oneid.reading(oneid.of(run.pool), run.channel.code if run.channel else ""),
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


def analyze(plan: Plan) -> None:
    """Statistics of what the staged rows are joined by; the planner needs no others."""
    keys = [each.column for _, each in plan.mapped if each.parser in ("code", "identity", "channel")]
    columns = pg.SQL(", ").join(pg.Identifier(name) for name in ["line", *dict.fromkeys(keys)])
    sql.run(pg.SQL("ANALYZE {} ({})").format(table(plan.run, "stage"), columns))


PARTS = (
    "stage", "returned", "returns", "brought", "keys", "roots", "people", "persons", "fresh", "seals", "ready", "members",
    "changed", "guards", "stopped", "met", "ties", "merges", "conflicts",
)  # fmt: skip


def drop(run: ImportRun, parts: tuple[str, ...] = PARTS) -> None:
    """Remove the run's own tables."""
    names = pg.SQL(", ").join(table(run, part) for part in parts)
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(names))


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
        "skipped": mark.get("skipped", 0) + sum(each.skipped for each in held),
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
