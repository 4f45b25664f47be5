"""A whole import from file to tables, and the same without writing.

    read      file → staging table (refused cells to ImportReject)
    people    identities → persons; known members that prove to be one are merged
    gather    rows beside what is known: new, changed, unchanged, refused
    write     chunks: each one transaction with its watermark
    announce  who listens is told; the run's tables go

A killed import starts again with its watermark: reading goes on at the last line committed, people
and gathering are done again, writing goes on at the last chunk committed. Should the database itself
have crashed (which empties unlogged tables), everything is done again; natural keys keep that
harmless.
"""

import hashlib
import json
import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members import signals, versions
from members.importing import consenting, folding, gathering, journal, locks, outcomes, people, returns, samples, staging, targets
from members.importing.codes import problem
from members.importing.progress import Direct, Progress, Report
from members.importing.staging import Plan, table
from members.models import ImportReject, ImportRun
from scrm.jobs.models import JobRun
from scrm.lib import clock, sql

log = logging.getLogger("members.import")
Kind = ImportRun.Kind
Counts = dict[str, int]
CLASSES = {0: "new", 1: "unchanged", 2: "updated", 5: "repeated", 8: "new"}  # 8: refunds that wait for their order
# Refused for what is known, not for what the row lacks.
CONFLICTS = ("other_member", "duplicate_in_file", "shared_identity")
MANY = 20_000  # new rows from which a table's statistics may be worth a look
GROWN = {Kind.ORDERS: ("members_order",), Kind.LINES: ("members_orderline",), Kind.PRODUCTS: ("members_product",)}


def run(
    run: ImportRun,
    report: Report | None = None,
    *,
    as_of: datetime | None = None,
    progress: Progress | None = None,
    wait: bool = True,
) -> Counts:
    """Import a mapped file; what came of it. Without a job it can neither be paused nor resumed.

    Without `wait`, a pool that another import is writing to raises Problem "busy".
    """
    return _work(run, progress or Direct(report), as_of or clock.now(), write=True, wait=wait)


def check(
    run: ImportRun, report: Report | None = None, *, as_of: datetime | None = None, progress: Progress | None = None
) -> Counts:
    """The same counts without writing a row of members or orders."""
    return _work(run, progress or Direct(report), as_of or clock.now(), write=False)


def _work(run: ImportRun, progress: Progress, as_of: datetime, *, write: bool, wait: bool = True) -> Counts:
    plan = staging.plan(run, as_of)
    with locks.importing(run.pool_id, wait=wait):
        sweep(run)
        _read(plan, progress)
        for _attempt in range(3):
            try:
                counts = _people_and_rows(plan, progress, as_of, write=write)
                break
            except targets.Overtaken:
                journal.close(run)
                # The registry knows more than when the people were settled: settle them again.
                progress.checkpoint(watermark=_read_mark(progress) | {"phase": "people"})
        else:
            raise problem("overtaken")
        if run.options.get("api"):
            run.outcomes = outcomes.of(run)  # type: ignore[attr-defined]
        journal.close(run)
        staging.drop(run)
    return counts


def _read_mark(progress: Progress) -> dict[str, Any]:
    kept = ("line", "read", "staged", "asked", "skipped", "folded", returns.SAID)
    return {name: value for name, value in progress.watermark.items() if name in kept}


def _asked(run: ImportRun) -> str:
    """What the file is to be read as; a retry after the mapping was changed begins anew."""
    told = [run.sha256, run.encoding, run.delimiter, run.channel_id, run.mapping, run.options]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _read(plan: Plan, progress: Progress) -> None:
    mark, asked = progress.watermark, _asked(plan.run)
    whole = mark.get("asked") == asked and staging.count(plan.run, "stage") == mark.get("staged", -1)
    if not whole:
        with transaction.atomic():
            journal.close(plan.run)
            staging.create(plan)
            progress.checkpoint(
                done=0,
                phase="read",
                watermark={"phase": "read", "staged": 0, "asked": asked, "phase_at": clock.now().isoformat()},
            )
    if progress.watermark["phase"] == "read":
        progress.checkpoint(total=_estimate(plan), phase="read")
        staging.fill(plan, progress)
        staging.analyze(plan)
    folding.fold(plan, progress)
    returns.split(plan, progress)


def _estimate(plan: Plan) -> int:
    """Rows the file may have, from the size of the first ones."""
    if plan.run.format != "csv" or not plan.path.exists():
        return 0
    with plan.path.open("rb") as file:
        head = file.read(1 << 16)
    return int(plan.run.size / max(1, len(head) / max(1, head.count(b"\n"))))


def _people_and_rows(plan: Plan, progress: Progress, as_of: datetime, *, write: bool) -> Counts:
    params = {
        "pool": plan.run.pool_id,
        "channel": plan.run.channel_id,
        "as_of": as_of,
        "demo": bool(plan.run.options.get("demo")),
        "run": plan.run.pk,
    }
    if progress.watermark["phase"] == "people":
        _settle(plan, progress, params, write=write)
    if write:
        _write(plan, params, progress)
    else:
        if progress.watermark.get(returns.SAID):
            gathering.gather_returns(plan, params)
        samples.keep(plan, CONFLICTS)
    return _counts(plan, progress)


def _settle(plan: Plan, progress: Progress, params: dict[str, Any], *, write: bool) -> None:
    mark = _read_mark(progress) | {"merges": locks.latest_merge(plan.run.pool_id)}
    if plan.identities:
        progress.checkpoint(phase="people")
        with transaction.atomic():
            before = locks.latest_merge(plan.run.pool_id)
            mark["merged"], mark["merges"] = people.resolve(plan, write=write)
            if mark["merged"] and write:
                journal.note_merges(plan.run, before, plan.rules.as_of)
        if write:
            people.seal(plan)
    progress.checkpoint(phase="gather")
    with transaction.atomic(), sql.planner(work_mem="256MB", enable_partitionwise_join="on"):
        gathering.gather(plan, params, write=write)
        gathering.refuse(plan)
        progress.checkpoint(phase="gather", watermark=mark | {"phase": "write"})
    progress.checkpoint()


# -- Writing -------------------------------------------------------------------------------------
def _write(plan: Plan, params: dict[str, Any], progress: Progress) -> None:
    if progress.watermark.get("merged"):
        versions.bump(plan.run.pool_id, "members", "orders")
    if plan.identities:
        targets.write(plan, targets.MEMBERS, params, progress, "members")
    if plan.run.kind == Kind.MEMBERS:
        consenting.write(plan, params, progress)
    target = {
        Kind.ORDERS: targets.ORDERS,
        Kind.LINES: targets.LINES,
        Kind.PRODUCTS: targets.PRODUCTS,
        Kind.EVENTS: targets.EVENTS,
        Kind.REFUNDS: targets.REFUNDS,
    }.get(Kind(plan.run.kind))
    if target:
        targets.write(plan, target, params, progress, "rows")
    if progress.watermark.get(returns.SAID):
        _write_returns(plan, params, progress)
    _tell_the_planner(plan)
    for part in ("ready", returns.PART) if plan.run.kind in (Kind.ORDERS, Kind.REFUNDS) else ():
        if staging.exists(plan.run, part):
            _announce(plan, params, part)


def _write_returns(plan: Plan, params: dict[str, Any], progress: Progress) -> None:
    """Once the file's orders are there: gathered once, then written as refunds are."""
    if returns.PART not in progress.watermark:
        with transaction.atomic():
            gathering.gather_returns(plan, params)
            progress.checkpoint(watermark=progress.watermark | {returns.PART: 0})
    targets.write(plan, targets.RETURNS, params, progress, returns.PART)


def _tell_the_planner(plan: Plan) -> None:
    """Statistics of tables that grew by a good part: whoever computes over them next must not plan for the old size."""
    grown = {"members": ("members_member", "members_identity"), "ready": GROWN.get(Kind(plan.run.kind), ())}
    for part, tables in grown.items():
        new = dict(staging.classes(plan.run, part)).get(targets.NEW, 0) if staging.exists(plan.run, part) else 0
        for name in tables if new >= MANY else ():
            known = sql.fetch("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%(name)s)", {"name": name})[0][0]
            if new * 10 >= known:
                sql.run(pg.SQL("ANALYZE {}").format(pg.Identifier(name)))


def _announce(plan: Plan, params: dict[str, Any], part: str) -> None:
    count = int(sql.fetch(pg.SQL("SELECT count(*) FROM {} WHERE class IN (0, 2)").format(table(plan.run, part)))[0][0])
    if count:
        signals.orders_written.send(
            ImportRun,
            pool_id=plan.run.pool_id,
            run_id=plan.run.pk,
            count=count,
            as_of=params["as_of"],
            table=staging.table_name(plan.run, part),
        )


# -- Counting ------------------------------------------------------------------------------------
def _counts(plan: Plan, progress: Progress) -> Counts:
    """What the rows came to; people who appear only in an order file are counted apart."""
    counts: Counts = {"rows": progress.watermark.get("read", 0), **dict.fromkeys(CLASSES.values(), 0)}
    counts |= {name: progress.watermark.get(name, 0) for name in ("merged", "skipped", "folded")}
    refused = ImportReject.objects.filter(run=plan.run).values("line").distinct()
    counts["conflicting"] = refused.filter(code__in=CONFLICTS).count()
    counts["refused"] = refused.count() - counts["conflicting"]
    of_rows = "members" if plan.run.kind == Kind.MEMBERS else "ready"
    returned = progress.watermark.get(returns.SAID, 0)
    for code, number in [*staging.classes(plan.run, of_rows), *(staging.classes(plan.run, returns.PART) if returned else ())]:
        if code in CLASSES:
            counts[CLASSES[code]] += number
    if returned:
        counts[returns.PART] = returned
    if plan.run.kind == Kind.MEMBERS:
        nobody = ImportReject.objects.filter(run=plan.run, code="shared_identity").count()  # they are staged all the same
        counts["repeated"] = staging.count(plan.run, "stage") - staging.count(plan.run, "members") - nobody
    elif plan.identities:
        counts["leads"] = dict(staging.classes(plan.run, "members")).get(0, 0)
    return counts


def sweep(run: ImportRun) -> None:
    """Remove what abandoned imports of the pool left behind."""
    # A job cancelled or given up elsewhere leaves the run's own status behind: the job is what counts.
    alive = JobRun.objects.filter(pool_id=run.pool_id, status__in=JobRun.OPEN).values("pk")
    open_runs = {run.pk, *ImportRun.objects.filter(pool_id=run.pool_id, job_id__in=alive).values_list("pk", flat=True)}
    left = sql.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename ~ '^import_[0-9]+_stage$'"
    )
    mine = set(ImportRun.objects.filter(pool_id=run.pool_id).values_list("pk", flat=True))
    for (name,) in left:
        number = int(name.split("_")[1])
        if number in mine and number not in open_runs:
            abandoned = ImportRun.objects.get(pk=number)
            journal.close(abandoned)
            staging.drop(abandoned)
