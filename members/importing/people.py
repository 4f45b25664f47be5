"""Whose rows these are.

Values that many share leave first (members.oneid.guarding). Every identity left meets the registry once. Rows
that carry several identities tie them together; where that ties two known members, the pool's rules say whether
they are one person and are merged, or whether a person decides. All of it is joins: no member is looked at alone.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.db import transaction
from psycopg2 import sql as pg
from pyroaring import BitMap64

from members import identities, merging
from members.importing import locks, parsing, staging
from members.importing.reading import batches
from members.importing.staging import Plan, table
from members.merging.apart import apart_pairs
from members.models import Identity, ImportReject
from members.oneid import guarding, joining, matching
from members.oneid import rules as oneid
from members.oneid.guarding import Shared
from members.oneid.rules import Rules
from members.privacy import tombstones
from scrm.lib import crypto, sql

WHOSE = "import:{}"  # what a merge says it came from
OWN = ("keys", "roots", "people", "persons", "fresh", "seals", "guards", "met", "ties", "merges", "conflicts")


def slots(plan: Plan) -> dict[str, pg.Composable]:
    """The names of the run's tables for a statement."""
    names: dict[str, pg.Composable] = {part: table(plan.run, part) for part in dict.fromkeys((*staging.PARTS, *OWN))}
    return names | ({"first_hash": plan.first_hash} if plan.identities else {})


def some(plan: Plan, *names: str) -> dict[str, pg.Composable]:
    """Those of the slots that a statement has."""
    known = slots(plan)
    return {name: known[name] for name in names}


@dataclass(frozen=True)
class Found:
    """What came of looking at the identities of a file."""

    losers: int  # known members that are one person with an older one
    shared: list[Shared]  # values that are guarded from now on
    conflicts: int  # pairs of people a person must judge


def resolve(plan: Plan, *, write: bool) -> tuple[int, int]:
    """Fill the persons table; how many known members turn out to be one person with another, and the latest merge.

    With `write`, they are merged. Without, nothing but the run's own tables and the rehearsal is written.
    """
    rules = oneid.of(plan.run.pool)
    with transaction.atomic():
        if write:
            locks.writing(plan.run.pool_id)  # nobody is merged away while we look who is who
        _drop(plan, *OWN)
        _leave_out(plan)
        shared = guarding.stop(plan, rules, write=write)
        if shared and write:
            _guard(plan, shared)
        _refuse(plan)
        _collect(plan)
        losers, parted = _join(plan, rules, write=write)
        _number(plan, write=write)
        asked = parted or any(rules.joins[kind] == identities.ASK for kind in plan.identities)
        found = Found(losers, shared, _disagree(plan, rules, write=write) if asked else 0)
        if write:
            sql.execute("members/oneid/note_uses", _named(plan), **some(plan, "stopped", "stage", "persons", "first_hash"))
            matching.keep(plan, rules, found)
        else:
            matching.rehearse(plan, rules, found)
        latest = locks.latest_merge(plan.run.pool_id)
    return found.losers, latest


def _named(plan: Plan) -> dict[str, Any]:
    return {"pool": plan.run.pool_id, "as_of": plan.rules.as_of}


def _drop(plan: Plan, *parts: str) -> None:
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(pg.SQL(", ").join(table(plan.run, part) for part in parts)))


def _collect(plan: Plan) -> None:
    each = [
        pg.SQL("SELECT {kind}::text AS kind, {column} AS hash, line FROM {stage}").format(
            kind=pg.Literal(kind), column=pg.Identifier(f"h_{kind}"), stage=table(plan.run, "stage")
        )
        for kind in plan.identities
    ]
    exploded = pg.SQL(" UNION ALL ").join(each)
    sql.execute("members/importing/collect_keys", {"pool": plan.run.pool_id}, exploded=exploded, **some(plan, "keys"))
    keys = table(plan.run, "keys")
    sql.run(pg.SQL("CREATE INDEX ON {} (hash); ANALYZE {}").format(keys, keys))
    sql.run(pg.SQL("CREATE UNLOGGED TABLE {} (owner bigint PRIMARY KEY, root bigint NOT NULL)").format(table(plan.run, "roots")))


def _number(plan: Plan, *, write: bool) -> None:
    """A number for everybody nobody knows yet, and whose each identity is."""
    number = pg.SQL("nextval('members_member_id_seq')") if write else pg.SQL("-root")
    sql.execute("members/importing/number_people", None, number=number, **some(plan, "people", "keys", "roots"))
    sql.execute("members/importing/settle_persons", None, **some(plan, "persons", "keys", "roots", "people"))
    sql.run(pg.SQL("CREATE INDEX ON {} (hash); ANALYZE {}").format(table(plan.run, "persons"), table(plan.run, "persons")))


# -- Values that many share ------------------------------------------------------------------------
def _guard(plan: Plan, shared: list[Shared]) -> None:
    """Shared values go on the pool's list with what they read; where they joined people before, a person looks."""
    guards = guarding.enlist(plan, shared, _texts(plan, shared))
    guarding.retire(pool_id=plan.run.pool_id, guards=guards, run_id=plan.run.pk, as_of=plan.rules.as_of)


def _texts(plan: Plan, shared: list[Shared]) -> dict[bytes, dict[str, Any]]:
    """The columns of each value: out of the registry, else out of its line of the file."""
    names = ("value", "sealed", "hint")
    known = Identity.objects.filter(pool_id=plan.run.pool_id, value_hash__in=[value for _kind, value, _seen in shared])
    found = {bytes(row.value_hash): {name: getattr(row, name) for name in names} for row in known}
    missing = [each for each in shared if each[1] not in found]
    for kind, lines in guarding.lines_of(plan, missing).items():
        for value in values_of(plan, kind, BitMap64(lines.values())):
            made = identities.written(kind, value)
            found[made.value_hash] = {name: getattr(made, name) for name in names}
    return found


def values_of(plan: Plan, kind: str, lines: BitMap64) -> list[str]:
    """What some lines of the file say for a kind of identity."""
    position = next(place for place, field in plan.mapped if field.identity == kind)
    found: list[str] = []
    for batch in batches(plan.path, plan.found):
        hit = [row for row, line in enumerate(batch.lines.to_pylist()) if line in lines]
        if hit:
            taken = batch.columns[position].take(pa.array(hit, pa.int64()))
            found += parsing.identity(kind, taken, plan.rules.people).values.to_pylist()
    return found


def _leave_out(plan: Plan) -> None:
    """Rows of people who were erased and are not to come back by a file; what the rows said is not kept again."""
    stage = table(plan.run, "stage")
    lines = tombstones.lines(
        plan.run.pool_id, staging.table_name(plan.run, "stage"), {kind: f"h_{kind}" for kind in plan.identities}
    )
    if lines:
        nothing = [""] * len(plan.found.columns)
        staging.keep_rejects(plan.run, [(line, "", tombstones.CODE, nothing) for line in lines])
        sql.run(pg.SQL("DELETE FROM {} WHERE line = ANY(%(lines)s::bigint[])").format(stage), {"lines": lines})


def _refuse(plan: Plan) -> None:
    """Rows that carry nothing but guarded values are nobody's."""
    lines = dict(guarding.nobody(plan))
    ImportReject.objects.filter(run=plan.run, code="shared_identity").delete()
    if not lines:
        return
    heading = {field.identity: plan.found.columns[place] for place, field in plan.mapped if field.identity}
    for batch in batches(plan.path, plan.found):
        rows = [(row, line) for row, line in enumerate(batch.lines.to_pylist()) if line in lines]
        staging.keep_rejects(plan.run, [(line, heading[lines[line]], "shared_identity", batch.cells(row)) for row, line in rows])


# -- Joining owners ------------------------------------------------------------------------------
def _tie(plan: Plan, rules: Rules) -> joining.Pairs:
    """Pairs of different owners that one row carries.

    A kind that does not merge joins nobody: a new value goes to the person of the first row that names it.
    """
    statement = pg.SQL(sql.text("members/importing/find_ties"))
    pairs = [
        statement.format(
            any=plan.first_hash,
            column=pg.Identifier(f"h_{kind}"),
            only=pg.SQL("" if rules.merges(kind) else "AND b.known IS NULL AND b.line = s.line"),
            **some(plan, "stage", "keys"),
        )
        for kind in plan.identities[1:]
    ]
    if not pairs:
        return np.empty((0, 2), np.int64)
    ties = table(plan.run, "ties")
    sql.run(pg.SQL("CREATE UNLOGGED TABLE {} AS {}").format(ties, pg.SQL(" UNION ").join(pairs)))
    packed = sql.fetch(pg.SQL("SELECT string_agg(int8send(a) || int8send(b), '') FROM {}").format(ties))[0][0]
    return np.frombuffer(bytes(packed or b""), ">i8").astype(np.int64).reshape(-1, 2)


def _join(plan: Plan, rules: Rules, *, write: bool) -> tuple[int, bool]:
    """Write the roots and merge known members that are joined to older ones; how many go, and whether some were kept apart."""
    ties = _tie(plan, rules)
    found = joining.components(ties)
    _keep_roots(plan, found)
    doubtful = _doubtful(plan, rules, found)
    if doubtful:
        found = joining.carefully(ties, found, doubtful)
        sql.run(pg.SQL("TRUNCATE {}").format(table(plan.run, "roots")))
        _keep_roots(plan, found)
    losers = int(((found[0] < 0) & (found[0] != found[1])).sum())
    if losers:
        ranks = sorted(rules.ranks, key=lambda kind: rules.ranks[kind])
        sql.execute("members/oneid/list_merges", {"ranks": ranks}, **some(plan, "merges", "roots", "ties"))
        if write:
            _merge(plan)
    return losers, bool(doubtful)


def _keep_roots(plan: Plan, found: joining.Roots) -> None:
    if len(found[0]):
        out = BytesIO()
        columns = pa.table([pa.array(found[0]), pa.array(found[1])], names=["owner", "root"])
        arrow_csv.write_csv(columns, out, arrow_csv.WriteOptions(include_header=False))
        out.seek(0)
        sql.copy_in(pg.SQL("COPY {} FROM STDIN (FORMAT csv)").format(table(plan.run, "roots")), out)


def _doubtful(plan: Plan, rules: Rules, found: joining.Roots) -> set[int]:
    """Sets that must not be joined as they are: somebody said "two people", or one person would have too many of a kind."""
    doubtful = joining.suspects(found, apart_pairs(plan.run.pool_id)) if len(found[0]) else set()
    most = {kind: number for kind, number in rules.most.items() if number}
    if most and len(found[0]):
        known = np.unique(found[1][(found[0] < 0) & (found[0] != found[1])])  # where members would go
        given = {"pool": plan.run.pool_id, "kinds": list(most), "most": list(most.values())}
        text = pg.SQL(sql.text("members/oneid/find_crowded")).format(**some(plan, "roots", "keys"))
        doubtful |= {root for (root,) in sql.fetch(text, given)} & set(known.tolist())
    return doubtful


def _merge(plan: Plan) -> None:
    """Merging is set-based; its own chains cannot occur, every loser is paired with the root."""
    locks.writing(plan.run.pool_id)
    merging.merge_pairs(
        pool_id=plan.run.pool_id,
        pairs=staging.table_name(plan.run, "merges"),
        cause=merging.Cause(source=f"import:{plan.run.pk}"),
        actor=plan.run.actor,
        as_of=plan.rules.as_of,
    )


def _disagree(plan: Plan, rules: Rules, *, write: bool) -> int:
    """Rows whose identities belong to different people all the same: pairs for a person to judge."""
    kinds = [kind for kind in plan.identities[1:] if rules.joins[kind] != identities.ATTACH]
    if not kinds:
        return 0
    rows = pg.SQL(" UNION ALL ").join(
        pg.SQL(
            "SELECT s.line, a.person AS a, b.person AS b, b.kind, b.hash FROM {stage} AS s"
            " JOIN {persons} AS a ON a.hash = {first_hash} JOIN {persons} AS b ON b.hash = s.{column}"
        ).format(column=pg.Identifier(f"h_{kind}"), **some(plan, "stage", "persons", "first_hash"))
        for kind in kinds
    )
    sql.execute("members/oneid/find_conflicts", None, rows=rows, **some(plan, "conflicts"))
    if write:
        reason = "asked" if any(rules.joins[kind] == identities.ASK for kind in kinds) else "conflict"
        given = _named(plan) | {"run": plan.run.pk, "reason": reason}
        sql.execute("members/oneid/review_conflicts", given, **some(plan, "conflicts"))
    return staging.count(plan.run, "conflicts")


# -- New identities ------------------------------------------------------------------------------
def seal(plan: Plan) -> None:
    """Seal the identities that are to be registered, reading their lines of the file again.

    So no plain telephone number ever stands in a table, and a file that says nothing new costs nothing.
    """
    seals = table(plan.run, "seals")
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}, {}").format(seals, table(plan.run, "fresh")))
    sql.run(
        pg.SQL(
            "CREATE UNLOGGED TABLE {}"
            " (line bigint, kind text, value text NOT NULL, sealed bytea, hint text NOT NULL, tail text NOT NULL)"
        ).format(seals)
    )
    wanted = _unsealed(plan)
    if wanted:
        _seal_lines(plan, wanted, pg.SQL("COPY {} FROM STDIN (FORMAT csv)").format(seals))
    sql.execute("members/importing/gather_identities", None, **some(plan, "fresh", "persons", "seals"))
    fresh = table(plan.run, "fresh")
    sql.run(pg.SQL("CREATE INDEX ON {} (member_id); ANALYZE {}").format(fresh, fresh))


def _unsealed(plan: Plan) -> dict[str, np.ndarray]:
    """Per kind the lines whose value is to be registered, in their order."""
    statement = pg.SQL(
        "SELECT kind, string_agg(int8send(line), '' ORDER BY line) FROM {} WHERE known IS NULL GROUP BY kind"
    ).format(table(plan.run, "persons"))
    return {kind: np.frombuffer(bytes(lines), ">i8").astype(np.int64) for kind, lines in sql.fetch(statement)}


def _seal_lines(plan: Plan, wanted: dict[str, np.ndarray], statement: pg.Composed) -> None:
    position = {field.identity: place for place, field in plan.mapped if field.identity}
    last = max(lines[-1] for lines in wanted.values())
    for batch in batches(plan.path, plan.found):
        numbers = np.asarray(batch.lines)
        if not len(numbers) or numbers[0] > last:
            continue
        for kind, lines in wanted.items():
            here = lines[slice(*np.searchsorted(lines, (numbers[0], numbers[-1] + 1)))]
            if len(here):
                cells = batch.columns[position[kind]].take(pa.array(np.searchsorted(numbers, here)))
                _keep_sealed(kind, here, parsing.identity(kind, cells, plan.rules.people).values.to_pylist(), statement)


def _keep_sealed(kind: str, lines: np.ndarray, values: list[str], statement: pg.Composed) -> None:
    secret, seal = kind in Identity.SENSITIVE, crypto.sealer(kind)
    columns = [
        pa.array(lines),
        pa.array([kind] * len(values), pa.string()),
        pa.array(["" if secret else value for value in values], pa.string()),
        pa.array(["\\x" + seal(value).hex() if secret else None for value in values], pa.string()),
        pa.array([identities.hint(kind, value) for value in values], pa.string()),
        pa.array([identities.tail(kind, value) for value in values], pa.string()),
    ]
    data = BytesIO()
    arrow_csv.write_csv(pa.table(columns, names=list("abcdef")), data, arrow_csv.WriteOptions(include_header=False))
    data.seek(0)
    sql.copy_in(statement, data)
