"""An import taken back, within a day: what it created goes, what it changed gets its old values.

What changed since stays as it is and is listed (`ImportLeftover`). The work follows the import's journal
backwards, the latest volume first: facts before people, people before merges. Each chunk is one
transaction with its mark, kept on the run itself, so that a revert that was killed or cancelled goes
on where it stood, also as another job.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from members import merging, signals, versions
from members.importing import consenting, journal, locks, taking_back
from members.importing.journal import Volume
from members.importing.progress import Progress
from members.models import ImportLeftover, ImportRun, Merge
from members.oneid import guarding
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

KIND = "members.revert"
BLOCKS = {"members": 300, "changed": 300, "ready": 1500, "returns": 1500, "brought": 1500}
Status, Kind = ImportRun.Status, ImportRun.Kind

REASONS: dict[str, Any] = {
    "changed": _("导入之后又有改动，保留现在的值"),
    "in_use": _("之后有了别的数据引用它，保留"),
    "merged": _("会员之后参与了合并，保留"),
    "assign": _("合并之后的新数据无法自动分给两位会员：请在合并记录里手工撤销"),
    "kept": _("无法自动撤销，保留"),
}
REFUSALS: dict[str, Any] = {
    "revert_api": _("接口批量写入的数据不能撤销"),
    "revert_running": _("这次导入还有任务在进行：请先等它结束或取消它"),
    "revert_nothing": _("这次导入没有写入任何数据，不需要撤销"),
    "revert_done": _("这次导入已经撤销过了"),
    "revert_late": _("导入结束已超过 24 小时，不能再撤销"),
    "revert_lost": _("数据库在导入之后异常重启过，撤销所需的记录已丢失"),
}


# -- Asking --------------------------------------------------------------------------------------
def revertable(run: ImportRun, as_of: datetime) -> Problem | None:
    """Why an import cannot be taken back; None when it can."""
    code = _refusal(run, as_of)
    return Problem(code, str(REFUSALS[code])) if code else None


def _refusal(run: ImportRun, as_of: datetime) -> str:
    job = JobRun.objects.filter(pk=run.job_id).first() if run.job_id else None
    if not journal.wanted(run):
        return "revert_api"
    if job is not None and job.is_open:
        return "revert_running"
    if run.status == Status.REVERTED:
        return "revert_done"
    ended = run.finished_at or (job.finished_at if job else None) or run.created_at
    wrote = run.journal.get("volumes") or run.journal.get("merges") or run.journal.get("written", {}).get("rows")
    if ended + journal.KEPT <= as_of and (wrote or run.journal.get("expired")):
        return "revert_late"
    if not wrote:
        return "revert_nothing"
    return "revert_lost" if any(volume.lost for volume in journal.volumes(run)) else ""


@transaction.atomic
def start_revert(*, run: ImportRun, actor: User | None, as_of: datetime) -> JobRun:
    """Take an import back, as a job; raises Problem when it cannot be."""
    run.refresh_from_db(from_queryset=ImportRun.objects.select_for_update())
    journal.close(run)
    if refusal := revertable(run, as_of):
        raise refusal
    job = jobs.enqueue(kind=KIND, pool_id=run.pool_id, params={"run": run.pk}, actor=actor, key=f"{KIND}:{run.pk}")
    run.job_id, run.status = job.pk, Status.REVERTING
    run.save(update_fields=["job_id", "status"])
    audit(actor=actor, action="import.revert", target=run, pool_id=run.pool_id)
    return job


def leftovers(run: ImportRun) -> QuerySet[ImportLeftover]:
    """What a revert left as it is, with `label`, `subject` (a member), `name`, `reason` and `detail`."""
    return ImportLeftover.objects.filter(run=run).order_by("pk")


# -- Doing ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Step:
    """A pass over the blocks of one part of a volume."""

    name: str
    part: str
    act: Callable[[Volume, dict[str, Any]], dict[str, int]]
    domains: tuple[str, ...]


def _facts(
    name: str, rows: taking_back.Rows, changed: taking_back.Rows | None = None, *, only_back: bool = False, source: str = "ready"
) -> Iterator[Step]:
    def back(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
        done, left = taking_back.put_back(volume, changed or rows, name, here)
        return {f"{name}_restored": done, "left": left}

    def out(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
        done, left = taking_back.take_out(volume, source, rows, name, here)
        return {f"{name}_removed": done, "left": left}

    if rows.columns:
        yield Step(f"{name}_back", "changed", back, rows.domains)
    if not only_back:
        yield Step(f"{name}_out", source, out, rows.domains)


def _stubs(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
    done, left = taking_back.take_out(volume, "changed", taking_back.STUBS, "products", here)
    return {"products_removed": done, "left": left}


def _stores(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
    done, left = taking_back.take_out(volume, "changed", taking_back.STORES, "stores", here)
    return {"stores_removed": done, "left": left}


def _meetings(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
    return {"meetings_forgotten": taking_back.forget_meetings(volume, here)}


def _members_back(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
    done, left = taking_back.put_back_members(volume, here)
    return {"members_restored": done, "left": left}


def _members_out(volume: Volume, here: dict[str, Any]) -> dict[str, int]:
    found = taking_back.take_out_people(volume, here)
    return {"identities_removed": found["identities"], "members_removed": found["members"], "left": found["left"]}


def steps(kind: str) -> list[Step]:
    """What is to be done for each volume of an import of this kind, in this order."""
    facts: dict[str, list[Step]] = {
        Kind.ORDERS: [
            *_facts("orders", taking_back.ORDERS),
            *_facts("refunds", taking_back.REFUNDS, taking_back.CHANGED_REFUNDS, source="returns"),
        ],
        Kind.LINES: [*_facts("lines", taking_back.LINES), Step("stubs", "changed", _stubs, ("products",))],
        Kind.PRODUCTS: [*_facts("products", taking_back.PRODUCTS, taking_back.CHANGED_PRODUCTS)],
        Kind.EVENTS: [*_facts("events", taking_back.EVENTS)],
        Kind.REFUNDS: [
            *_facts("orders", taking_back.ORDERS, only_back=True),
            *_facts("refunds", taking_back.REFUNDS, taking_back.CHANGED_REFUNDS),
        ],
    }
    people = [
        Step("members_back", "changed", _members_back, ("members",)),
        Step("members_out", "members", _members_out, ("members",)),
        Step("stores", "changed", _stores, ("members",)),
        Step("meetings", "brought", _meetings, ()),
    ]
    return [*facts.get(kind, []), *people]


def run(run: ImportRun, progress: Progress, *, as_of: datetime) -> dict[str, int]:
    """Take an import back; how many rows of each kind went, got their old values, or stayed."""
    with locks.importing(run.pool_id):
        journal.close(run)
        volumes = journal.volumes(run)
        total = sum(_blocks(volume, step) for volume in volumes for step in steps(run.kind))
        progress.checkpoint(total=total, done=_mark(run).get("done", 0), phase="revert")
        _withdraw_consents(run, as_of)
        for volume in volumes:
            _volume(volume, progress, as_of)
        _unmerge(run, progress, as_of)
        return _finish(run, as_of)


@transaction.atomic
def _withdraw_consents(run: ImportRun, as_of: datetime) -> None:
    if run.kind == Kind.MEMBERS and not _mark(run).get("consents"):
        _keep(run, consents=1, counts=_add(run, {"consents_removed": consenting.revert(run, as_of)}))


def _mark(run: ImportRun) -> dict[str, Any]:
    return dict(run.journal.get("reverting", {}))


def _keep(run: ImportRun, **mark: Any) -> None:
    run.journal = {**run.journal, "reverting": _mark(run) | mark}
    ImportRun.objects.filter(pk=run.pk).update(journal=run.journal)


def _add(run: ImportRun, found: dict[str, int]) -> dict[str, int]:
    counts = dict(_mark(run).get("counts", {}))
    for name, number in found.items():
        counts[name] = counts.get(name, 0) + number
    return counts


def _blocks(volume: Volume, step: Step) -> int:
    return volume.blocks(step.part)


def _volume(volume: Volume, progress: Progress, as_of: datetime) -> None:
    before_people = True
    for step in steps(volume.run.kind):
        if before_people and step.name.startswith("members"):
            _announce(volume, progress, as_of)
            before_people = False
        key = f"{volume.number}:{step.name}"
        total = _blocks(volume, step)
        while (first := _mark(volume.run).get(key, 0)) < total:
            _chunk(volume, step, key, (first, min(total, first + BLOCKS[step.part])), progress, as_of)
            progress.checkpoint()


def _chunk(volume: Volume, step: Step, key: str, span: tuple[int, int], progress: Progress, as_of: datetime) -> None:
    run = volume.run
    here = {"first": f"({span[0]},0)", "last": f"({span[1]},0)", "run": run.pk, "pool": run.pool_id, "as_of": as_of}
    kept = run.journal
    try:
        with transaction.atomic():
            locks.writing(run.pool_id)
            found = step.act(volume, here)
            versions.bump(run.pool_id, *step.domains)
            done = _mark(run).get("done", 0) + span[1] - span[0]
            _keep(run, **{key: span[1], "done": done, "counts": _add(run, found)})
            progress.checkpoint(done=done)
    except BaseException:
        run.journal = kept
        raise


def _announce(volume: Volume, progress: Progress, as_of: datetime) -> None:
    """Whoever reacted to the orders hears that they are gone; at least once, before the members go."""
    run, key = volume.run, f"{volume.number}:told"
    if run.kind in (Kind.ORDERS, Kind.REFUNDS) and not _mark(run).get(key):
        for part in filter(volume.has, ("ready", "returns")):
            signals.orders_reverted.send(ImportRun, pool_id=run.pool_id, run_id=run.pk, as_of=as_of, table=volume.name(part))
        _keep(run, **{key: 1})
        progress.checkpoint()


def _unmerge(run: ImportRun, progress: Progress, as_of: datetime) -> None:
    """Members who were merged for this import become two again, the latest merge first."""
    for number in sorted(run.journal.get("merges", []), reverse=True):
        key = f"merge:{number}"
        if not _mark(run).get(key):
            with transaction.atomic():
                _keep(run, **{key: 1, "counts": _add(run, _unmerged(run, number, as_of))})
            progress.checkpoint()


def _unmerged(run: ImportRun, number: int, as_of: datetime) -> dict[str, int]:
    merge = Merge.objects.filter(pk=number).first()
    if merge is None:
        return {}
    try:
        with transaction.atomic():
            merging.undo(
                merge=merge,
                actor=run.actor,
                as_of=as_of,
                choices={"points": "available"},
                apart=False,  # it was this file that said so, and a corrected one may say it again
                source=f"import:{run.pk}",
            )
    except Problem as problem:
        ImportLeftover.objects.create(
            run=run,
            label="merge",
            subject=merge.winner_id,
            name=f"{merge.loser_id} → {merge.winner_id}",
            reason="kept",
            detail={"code": problem.code, "message": problem.message},
        )
        return {"left": 1}
    return {"merges_undone": 1}


@transaction.atomic
def _finish(run: ImportRun, as_of: datetime) -> dict[str, int]:
    counts = {"left": 0, **_mark(run).get("counts", {})}
    guarding.withdraw(run.pk)
    journal.drop(run)
    run.journal = {"reverted": counts, "reverted_at": as_of.isoformat()}
    run.status = Status.REVERTED
    run.save(update_fields=["journal", "status"])
    audit(actor=run.actor, action="import.reverted", target=run, pool_id=run.pool_id, **counts)
    return counts


__all__ = ["KIND", "REASONS", "leftovers", "revertable", "run", "start_revert", "steps"]
