"""Whose rows these are.

Every identity of the file meets the registry once. Rows that carry several identities tie them
together; where that ties two known members, they are one person and are merged. Only the ties that
join different owners are looked at one by one, everything else is joins.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.db import transaction
from psycopg2 import sql as pg
from pyroaring import BitMap64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from members import identities, merging
from members.importing import locks, parsing
from members.importing.reading import batches
from members.importing.staging import Plan, table
from members.models import Identity
from scrm.lib import sql


def slots(plan: Plan) -> dict[str, pg.Composable]:
    """The names of the run's tables for a statement."""
    names: dict[str, pg.Composable] = {
        part: table(plan.run, part)
        for part in ("stage", "keys", "roots", "people", "persons", "fresh", "seals", "ready", "members")
    }
    return names | ({"first_hash": plan.first_hash} if plan.identities else {})


def some(plan: Plan, *names: str) -> dict[str, pg.Composable]:
    """Those of the slots that a statement has."""
    known = slots(plan)
    return {name: known[name] for name in names}


def resolve(plan: Plan, *, write: bool) -> tuple[int, int]:
    """Fill the persons table; how many known members turn out to be one person with another, and the latest merge.

    With `write`, they are merged. Without, nothing but the run's own tables is written.
    """
    with transaction.atomic():
        if write:
            locks.writing(plan.run.pool_id)  # nobody is merged away while we look who is who
        _drop(plan, "keys", "roots", "people", "persons", "fresh", "seals")
        _collect(plan)
        losers = _join(plan)
        if losers and write:
            _merge(plan, losers)
        number = pg.SQL("nextval('members_member_id_seq')") if write else pg.SQL("-root")
        sql.execute("members/importing/number_people", None, number=number, **some(plan, "people", "keys", "roots"))
        sql.execute("members/importing/settle_persons", None, **some(plan, "persons", "keys", "roots", "people"))
        sql.run(pg.SQL("CREATE INDEX ON {} (hash); ANALYZE {}").format(table(plan.run, "persons"), table(plan.run, "persons")))
        latest = locks.latest_merge(plan.run.pool_id)
    return len(losers), latest


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


# -- Joining owners ------------------------------------------------------------------------------
def _ties(plan: Plan) -> list[tuple[int, int]]:
    """Pairs of different owners that one row carries.

    A weak identity (a device) joins nobody: a new one goes to the person of the first row that names it.
    """
    keys, stage = table(plan.run, "keys"), table(plan.run, "stage")
    first = plan.identities[0]
    statement = pg.SQL(sql.text("members/importing/find_ties"))
    pairs = [
        statement.format(
            stage=stage,
            keys=keys,
            any=plan.first_hash,
            column=pg.Identifier(f"h_{kind}"),
            only=pg.SQL("" if kind in Identity.STRONG else "AND b.known IS NULL AND b.line = s.line"),
        )
        for kind in plan.identities
        if kind != first
    ]
    return sql.fetch(pg.SQL(" UNION ").join(pairs)) if pairs else []  # type: ignore[return-value]


def components(ties: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Owner → root for every owner that is tied to another: the oldest known member, else the first line."""
    pairs = np.array(list(ties), np.int64).reshape(-1, 2)
    owners, index = np.unique(pairs, return_inverse=True)
    index = index.reshape(-1, 2)
    graph = coo_array((np.ones(len(index), np.int8), (index[:, 0], index[:, 1])), shape=(len(owners), len(owners)))
    _count, labels = connected_components(graph, directed=False)
    # Known members (negative) come before lines, the smaller number first.
    order = np.lexsort((np.abs(owners), owners > 0))
    roots: dict[int, int] = {}
    for place in order:
        roots.setdefault(int(labels[place]), int(owners[place]))
    return {int(owner): roots[int(label)] for owner, label in zip(owners, labels, strict=True)}


def _join(plan: Plan) -> list[tuple[int, int]]:
    """Write the roots; (winner, loser) for each known member that is joined to an older one."""
    roots = components(ties) if (ties := _ties(plan)) else {}
    if roots:
        out = BytesIO("".join(f"{owner}\t{root}\n" for owner, root in roots.items()).encode())
        sql.copy_in(pg.SQL("COPY {} FROM STDIN").format(table(plan.run, "roots")), out)
    return sorted((-root, -owner) for owner, root in roots.items() if owner < 0 and owner != root)


def _merge(plan: Plan, losers: list[tuple[int, int]]) -> None:
    """Merging is set-based; its own chains cannot occur, every loser is paired with the root."""
    locks.writing(plan.run.pool_id)
    merging.merge_pairs(
        pool_id=plan.run.pool_id, pairs=losers, cause=merging.Cause(), actor=plan.run.actor, as_of=plan.rules.as_of
    )


# -- New identities ------------------------------------------------------------------------------
def seal(plan: Plan) -> None:
    """Seal the identities that are to be registered, reading their lines of the file again.

    So no plain telephone number ever stands in a table, and a file that says nothing new costs nothing.
    """
    seals = table(plan.run, "seals")
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}, {}").format(seals, table(plan.run, "fresh")))
    sql.run(
        pg.SQL(
            "CREATE UNLOGGED TABLE {} (hash bytea, value text NOT NULL, sealed bytea, hint text NOT NULL, tail text NOT NULL)"
        ).format(seals)
    )
    wanted = _unsealed(plan)
    if any(wanted.values()):
        _seal_lines(plan, wanted, pg.SQL("COPY {} FROM STDIN (FORMAT csv)").format(seals))
    sql.execute("members/importing/gather_identities", None, **some(plan, "fresh", "persons", "seals"))
    fresh = table(plan.run, "fresh")
    sql.run(pg.SQL("CREATE INDEX ON {} (member_id); ANALYZE {}").format(fresh, fresh))


def _unsealed(plan: Plan) -> dict[str, BitMap64]:
    """Per kind the lines whose value is to be registered."""
    found = {kind: BitMap64() for kind in plan.identities}
    for kind in found:
        lines = sql.fetch(
            pg.SQL("SELECT string_agg(int8send(line), '') FROM {} WHERE known IS NULL AND kind = %(kind)s").format(
                table(plan.run, "persons")
            ),
            {"kind": kind},
        )
        if lines[0][0] is not None:
            found[kind] = BitMap64(np.frombuffer(bytes(lines[0][0]), ">i8").astype(np.uint64))
    return found


def _seal_lines(plan: Plan, wanted: dict[str, BitMap64], statement: pg.Composed) -> None:
    position = {field.identity: place for place, field in plan.mapped if field.identity}
    last = max(lines.max() for lines in wanted.values() if lines)
    for batch in batches(plan.path, plan.found):
        if not len(batch.lines) or batch.lines[0].as_py() > last:
            continue
        numbers = batch.lines.to_pylist()
        out: list[tuple[Any, ...]] = []
        for kind, lines in wanted.items():
            hit = [row for row, line in enumerate(numbers) if line in lines]
            values = parsing.normalised(kind, batch.columns[position[kind]].take(pa.array(hit, pa.int64()))) if hit else []
            out += [_sealed(identities.written(kind, value.as_py())) for value in values]
        if out:
            data = BytesIO()
            columns = [pa.array(column, pa.string()) for column in zip(*out, strict=True)]
            arrow_csv.write_csv(pa.table(columns, names=list("abcde")), data, arrow_csv.WriteOptions(include_header=False))
            data.seek(0)
            sql.copy_in(statement, data)


def _sealed(made: identities.Written) -> tuple[Any, ...]:
    hidden = "\\x" + made.sealed.hex() if made.sealed else None
    return "\\x" + made.value_hash.hex(), made.value, hidden, made.hint, made.tail
