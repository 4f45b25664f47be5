"""A file of who looks after whom and whose home is where: identities, a colleague, a store code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from members.communities import files as groups
from members.communities import people
from members.communities.files import PEOPLE, Outcome, Wrong
from members.models import OwnerChange, Pool, Store
from members.ownership import services
from members.stores import reading
from members.stores import services as stores
from members.team.queries import on_duty
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from scrm.staff.models import User

COLUMNS: dict[str, tuple[str, ...]] = {
    **PEOPLE,
    "owner": ("归属员工", "导购", "员工", "owner"),
    "store": ("归属门店", "门店编码", "门店", "store"),
}
BATCH = 1000
GONE = ("-", "－", "无")  # takes the owner or the store away


def lines(path: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The file's rows by field, with the line each stands in."""
    return reading.lines_of(path, name, COLUMNS, required=())


def run(running: RunningJob) -> dict[str, Any]:
    """Batch by batch, each with its watermark; the same file again changes nothing."""
    pool = Pool.objects.get(pk=running.pool_id or 0)
    path, outcome = Path(settings.MEDIA_ROOT) / running.params["path"], Outcome(**running.watermark)
    staff, homes, as_of = on_duty(pool), dict(Store.objects.filter(pool=pool).values_list("code", "pk")), clock.now()
    rows = (row for row in lines(path, running.params["name"]) if row[0] > outcome.line)
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            take(pool, batch, outcome, staff=staff, homes=homes, actor=running.actor, as_of=as_of)
            running.checkpoint(done=outcome.rows, watermark=asdict(outcome))
        running.checkpoint()
    path.unlink(missing_ok=True)
    return asdict(outcome)


def take(
    pool: Pool,
    batch: Sequence[tuple[int, Mapping[str, str]]],
    outcome: Outcome,
    *,
    staff: Mapping[str, int],
    homes: Mapping[str, int],
    actor: User | None,
    as_of: datetime,
) -> None:
    """Write one batch inside the caller's transaction: one statement per colleague and per store it names."""
    read = [(line, row, _wanted(row, staff, homes)) for line, row in batch]
    good = [(line, row, wanted) for line, row, wanted in read if not isinstance(wanted, Wrong)]
    for line, _row, wanted in read:
        if isinstance(wanted, Wrong):
            outcome.refuse(line, wanted.code, **wanted.said)
    persons = [groups.person(row) for _line, row, _wanted_ in good]
    found = people.resolve(pool=pool, people=persons, channel_id=None, as_of=as_of, make=False)
    owners: dict[int | None, list[int]] = {}
    places: dict[int | None, list[int]] = {}
    for (line, _row, (owner, store)), member, code in zip(good, found.ids, found.codes, strict=True):
        if member is None:
            outcome.refuse(line, code, kinds="")
            continue
        for chosen, into in ((owner, owners), (store, places)):
            if chosen is not False:
                into.setdefault(chosen or None, []).append(member)
    outcome.rows += len(batch)
    outcome.line = batch[-1][0]
    outcome.added += _write(pool, owners, places, actor, as_of)


def _wanted(row: Mapping[str, str], staff: Mapping[str, int], homes: Mapping[str, int]) -> Any:
    """Owner and store of a row: an id, 0 for nobody, False where the file says nothing; or why it is refused."""
    try:
        groups.person(row)
        return _chosen(row, "owner", staff, "unknown_staff"), _chosen(row, "store", homes, "unknown_store")
    except Wrong as wrong:
        return wrong


def _chosen(row: Mapping[str, str], column: str, known: Mapping[str, int], code: str) -> int | bool:
    text = row.get(column, "")
    if not text:
        return False
    if text in GONE:
        return 0
    key = text.lower() if column == "owner" else text  # people are found whatever the case; codes of stores are not
    if key not in known:
        raise Wrong(code, name=text, number=text)
    return known[key]


def _write(
    pool: Pool,
    owners: Mapping[int | None, list[int]],
    places: Mapping[int | None, list[int]],
    actor: User | None,
    as_of: datetime,
) -> int:
    changed: set[int] = set()
    for owner, members in owners.items():
        by = actor.pk if actor else None
        changed |= set(
            services.move(pool_id=pool.pk, members=members, to=owner, how=OwnerChange.How.IMPORT, reason="", by=by, as_of=as_of)
        )
    for place, members in places.items():
        store = Store.objects.get(pk=place, pool=pool) if place else None
        changed |= set(stores.set_home(pool=pool, members=members, store=store, actor=actor, as_of=as_of))
    return len(changed)
