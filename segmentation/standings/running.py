"""Computing schemes within a pass of the recalculation: gather → measure → compare → write."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.db import DataError, ProgrammingError, transaction
from psycopg2 import sql as pg
from pydantic import ValidationError

from members import versions
from members.models import MemberStanding, Pool
from scrm.lib import sql
from segmentation.models import Scheme
from segmentation.recalculation import steps
from segmentation.recalculation.steps import Bounds, Chain, Slot
from segmentation.standings import columns
from segmentation.standings.columns import Column
from segmentation.standings.families import Ask, Family, Settings, Statement, family, is_known

log = logging.getLogger("scrm.segmentation")
FOLDER = "standings/"
KEEP_ARCHIVED = timedelta(days=7)  # a scheme brought back within it goes on where it was
# One part for each worker; the leader only writes what they find.
SIDE_BY_SIDE: dict[str, Any] = {
    "parallel_setup_cost": 0,
    "parallel_tuple_cost": 0.001,
    "min_parallel_index_scan_size": "1TB",
    "min_parallel_table_scan_size": "1TB",
    "parallel_leader_participation": "off",
    "work_mem": "256MB",
}
# Orders come from their index in the order of members and time; the planner would hash and sort them again.
IN_ORDER: dict[str, Any] = {**SIDE_BY_SIDE, "enable_hashagg": "off", "enable_bitmapscan": "off"}
# Events lie in the order they came: all of them are read once, by everybody there is, and hashed.
AT_ONCE: dict[str, Any] = {"parallel_setup_cost": 0, "parallel_tuple_cost": 0.001, "enable_sort": "off", "work_mem": "256MB"}
# Of a large pool each worker reads all and hashes those of its own members: putting together what both found of everybody
# takes longer. The planner would share out each half again, one after the other, if workers cost nothing (`_setup`).
EACH_HALF: dict[str, Any] = {
    **SIDE_BY_SIDE, "enable_sort": "off", "enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"
}  # fmt: skip
# The standings of a scheme are read as they lie, not by class and member.
STORED: dict[str, Any] = {**SIDE_BY_SIDE, "enable_indexscan": "off", "enable_nestloop": "off"}
LARGE = 100_000  # buyers
CHANGES = "standings"  # the table of a tick with what differs in all schemes
PASSES: dict[columns.Source, str] = {"order": "orders", "event": "events"}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Work:
    """One scheme in one pass: by which settings and edges, and what it left in the tables of the run."""

    scheme: Scheme
    settings: dict[str, Any]
    edges: dict[str, Any] = field(default_factory=dict)
    gathered: pg.Composable | None = None
    changes: pg.Composable | None = None
    failed: Exception | None = None

    @property
    def family(self) -> Family:
        return family(self.scheme.family)

    @property
    def chosen(self) -> Settings:
        return self.family.settings.model_validate(self.settings)

    def ask(self, chain: Chain) -> Ask:
        """What the family is asked with in this pass."""
        return Ask(chain.pool_id, chain.as_of, self.scheme.pool.time_zone, chain.window_days, self.chosen, self.edges)


def wanted(pool: Pool) -> list[Work]:
    """What a full run is to compute: every active scheme by the settings people want."""
    return _sound(Work(scheme, scheme.settings) for scheme in _active(pool))


def known(pool: Pool) -> list[Work]:
    """What a tick keeps up: active schemes by the settings and edges of their last full run."""
    found = _active(pool).filter(applied__isnull=False)
    return _sound(Work(scheme, scheme.applied, scheme.edges) for scheme in found)


def _sound(works: Iterable[Work]) -> list[Work]:
    """Without those whose settings their family does not take any more: one scheme must not hold up all others."""
    found = []
    for work in works:
        try:
            work.family.settings.model_validate(work.settings)
        except ValidationError:
            log.exception("scheme %s has settings its family does not know: it is left as it is", work.scheme.pk)
        else:
            found.append(work)
    return found


def _active(pool: Pool) -> Any:
    keys = [key for key in Scheme.objects.filter(pool=pool).values_list("family", flat=True).distinct() if is_known(key)]
    return Scheme.objects.filter(pool=pool, is_active=True, family__in=keys).select_related("pool").order_by("pk")


# -- One pass ------------------------------------------------------------------------------------


def find(chain: Chain, works: Iterable[Work], *, anew: bool) -> list[Work]:
    """Where everybody in the scope stands, and what of it differs; `anew`: with edges measured now, and without those
    that the database refuses, which are not in what is returned."""
    works = list(works)
    lay(chain, works)
    if anew:
        return _each(works, lambda work: _find(chain, work))
    for work in works:
        gather(chain, work)
        if not chain.of:
            compare(chain, work)
    if chain.of and works:
        compare_few(chain, works)
    return works


def _find(chain: Chain, work: Work) -> None:
    gather(chain, work)
    measure(chain, work)
    compare(chain, work)


def _each(works: Iterable[Work], do: Callable[[Work], None]) -> list[Work]:
    """Those it can be done for. One scheme must not hold up all others: where its own statement does not work on what this
    pool holds, it is left as it is. What all share (`lay`) cannot be told apart so."""
    found = []
    for work in works:
        try:
            do(work)
        except (DataError, ProgrammingError) as error:
            log.exception("scheme %s cannot be computed: it is left as it is", work.scheme.pk)
            work.failed = error
        else:
            found.append(work)
    return found


def crossings(works: Iterable[Work], since: datetime, as_of: datetime) -> dict[str, list[datetime]]:
    """Between which last orders a member crossed an age that a family leaves to ticks, since the last run or the scheme's own."""
    found: dict[str, list[datetime]] = {"crossed_after": [], "crossed_until": []}
    for work in works:
        begin = min(since, work.scheme.computed_at or since)
        for age in sorted(set(work.family.ages(work.chosen, work.edges))):
            found["crossed_after"].append(begin - age)
            found["crossed_until"].append(as_of - age)
    return found


def prepare(chain: Chain, works: Iterable[Work]) -> list[Work]:
    """Make all of them ready; those that the database refuses are not in what is returned."""
    return _each(works, lambda work: ready(chain, work))


def ready(chain: Chain, work: Work) -> None:
    """What the family must know before anything is read; what it knew last time, if the settings are the same."""
    work.edges = work.scheme.edges if work.scheme.applied == work.settings else {}
    with transaction.atomic():
        work.edges = work.family.prepare(work.ask(chain))


def lay(chain: Chain, works: Iterable[Work], more: Iterable[Column] = ()) -> None:
    """The one pass over orders and the one over events, with what these schemes want of them; what is there is not read again."""
    for source, slot in PASSES.items():
        if slot not in chain.tables and (mine := columns_of(chain, works, source, more)):
            _pass(chain, slot, mine)


def of_orders(chain: Chain, works: Iterable[Work]) -> pg.Composable | None:
    """What these schemes want of orders, for the pass that gathers the facts."""
    mine = columns_of(chain, works, columns.ORDER)
    return picked(mine) if mine else None


def columns_of(chain: Chain, works: Iterable[Work], source: columns.Source, more: Iterable[Column] = ()) -> list[Column]:
    """What these schemes want of a source, equal columns once."""
    wanted = {column.name: column for work in works for column in work.family.columns(work.ask(chain))}
    wanted |= {column.name: column for column in more}
    return [wanted[name] for name in sorted(wanted) if wanted[name].source == source]


def picked(found: Iterable[Column]) -> pg.Composable:
    """Columns as a pass lists them."""
    return pg.SQL(",\n    ").join(pg.SQL("{} AS {}").format(column.sql, pg.Identifier(column.name)) for column in found)


def _pass(chain: Chain, slot: str, found: list[Column]) -> None:
    since = min(column.since or LONG_AGO for column in found)
    whose, knobs, buyers = _mine(chain), IN_ORDER, _buyers(chain)
    if slot == "events" and not chain.of:
        whose, knobs = (whose, _setup(EACH_HALF, buyers * 2 // 3)) if buyers > LARGE else (pg.SQL("TRUE"), AT_ONCE)
    slots: dict[str, Slot] = {"columns": picked(found), "mine": whose}
    values = {"as_of": chain.as_of, "since": since}
    chain.keep(slot, f"{FOLDER}gather_{slot}", values, slots=slots, told=False, **_knobs(chain, knobs))


def _buyers(chain: Chain) -> int:
    """How large the pool is, as far as the run knows by now; only a run of halves asks."""
    return next((note["rows"] for note in chain.done if note["step"] == "gather_facts" and len(chain.parts) > 1), 0)


def _setup(knobs: dict[str, Any], cost: int) -> dict[str, Any]:
    """What setting up workers counts as: less than half of the work, more than what sharing it out again would seem to save."""
    return {**knobs, "parallel_setup_cost": cost}


def gather(chain: Chain, work: Work) -> None:
    """What members did, as far as the facts of the run do not say it."""
    statement = work.family.gather(work.ask(chain))
    if statement is None:
        return
    slot = f"gathered_{_mark(statement)}"
    if slot not in chain.tables:
        name = statement.name if statement.is_for_both else statement.name + chain.of
        whose = {"mine": _mine(chain)} if statement.is_for_both else {}
        slots = {**whose, **{key: _given(chain, work, part) for key, part in statement.slots.items()}}
        knobs = _knobs(chain, _setup(SIDE_BY_SIDE, _buyers(chain) // 20))
        chain.keep(slot, name, dict(statement.values), slots=slots, scheme=work.scheme.pk, told=False, **knobs)
    work.gathered = chain.tables[slot]


def _mine(chain: Chain) -> Slot:
    """Whose rows are read: those of the part, or of a few members."""
    if chain.of:
        return pg.SQL("member_id IN (SELECT s.member_id FROM {} AS s)").format(chain.scope)
    return lambda bounds: pg.SQL("member_id BETWEEN {low} AND {high}").format(**bounds)


def _given(chain: Chain, work: Work, part: pg.Composable) -> Slot:
    """A family's own slot, which may name the relations of the run."""
    if not isinstance(part, pg.SQL):
        return part

    def filled(bounds: Bounds) -> pg.Composable:
        mine = _mine(chain)
        known = {**_relations(chain, work), "mine": mine(bounds) if callable(mine) else mine}
        return part.format(**known, **bounds)

    return filled


def _mark(statement: Statement) -> str:
    """Equal statements share one table."""
    said = repr((statement.name, sorted(statement.values.items(), key=str), sorted(statement.slots.items(), key=str)))
    return blake2b(said.encode(), digest_size=6).hexdigest()


def _knobs(chain: Chain, wanted: dict[str, Any] = SIDE_BY_SIDE) -> dict[str, Any]:
    return {} if chain.of or len(chain.parts) == 1 else wanted


def measure(chain: Chain, work: Work) -> None:
    """Edges out of the distribution, by constants of which everybody is then sorted."""
    statement = work.family.measure(work.ask(chain))
    if statement is None:
        return
    slots = _slots(chain, work, statement, {})
    with (
        chain.step(f"measure_{work.family.key}", scheme=work.scheme.pk) as note,
        transaction.atomic(),
        sql.planner(**steps.ALONE),
    ):
        values = {"pool_id": chain.pool_id, "as_of": chain.as_of, **statement.values}
        found = sql.row(f"segmentation/{statement.name}", values, **slots)
        note["rows"] = 1 if found else 0
    work.edges = work.family.edges(work.ask(chain), found or {})


def _relations(chain: Chain, work: Work) -> dict[str, pg.Composable]:
    found = {"scope": chain.scope} | {slot: chain.tables[slot] for slot in ("facts", "orders", "events") if slot in chain.tables}
    return found | ({"gathered": work.gathered} if work.gathered is not None else {})


def computed(chain: Chain, work: Work, bounds: Bounds) -> pg.Composable:
    """The family's SELECT as a relation."""
    statement = work.family.compute(work.ask(chain))
    text = pg.SQL(steps.body(statement.name))
    return pg.SQL("({})").format(text.format(**_slots(chain, work, statement, bounds)))


def _slots(chain: Chain, work: Work, statement: Statement, bounds: Bounds) -> dict[str, pg.Composable]:
    """What fills a family's statement; its own slots may name the relations of the run, too."""
    known = {**_relations(chain, work), **bounds}
    own = {name: slot.format(**known) if isinstance(slot, pg.SQL) else slot for name, slot in statement.slots.items()}
    return {**known, **own}


def values(chain: Chain, work: Work) -> dict[str, Any]:
    """The parameters of the family's SELECT and of what reads it."""
    given = work.family.compute(work.ask(chain)).values
    return {"as_of": chain.as_of, "pool_id": chain.pool_id, "scheme_id": work.scheme.pk, **given}


def compare(chain: Chain, work: Work) -> None:
    """What differs from the stored standings."""
    slot = f"standings_{work.scheme.pk}"
    slots = {"computed": lambda bounds: computed(chain, work, bounds)}
    chain.keep(slot, f"{FOLDER}find_changes", values(chain, work), slots=slots, scheme=work.scheme.pk, **_knobs(chain, STORED))
    work.changes = chain.tables[slot]


def compare_few(chain: Chain, works: Sequence[Work]) -> None:
    """What differs for the members of a scope, in all schemes at once: a statement costs more than a few members do."""
    parts = []
    for work in works:
        found = computed(chain, work, steps.bounds(chain.parts[0]))
        columns = "SELECT {}::int AS scheme_id, n.member_id, n.code, n.value, n.since, n.due, n.expected_at FROM {} AS n"
        statement = pg.SQL(columns).format(pg.Literal(work.scheme.pk), found)
        parts.append(sql.bound(statement, values(chain, work)))
    slots = {"computed": pg.SQL("({})").format(pg.SQL(" UNION ALL ").join(parts))}
    given = {"as_of": chain.as_of, "schemes": [work.scheme.pk for work in works]}
    chain.keep(CHANGES, f"{FOLDER}find_changes_of", given, slots=slots, told=False)


# -- Writing -------------------------------------------------------------------------------------


def save(chain: Chain, works: Iterable[Work]) -> int:
    """Write what differs and its history, in the caller's transaction; how many rows."""
    changed = 0
    with sql.planner(**steps.ONE_BY_ONE):  # what changed is known by its place: nothing else of the table is read
        if CHANGES in chain.tables:
            changed += _save(chain, chain.tables[CHANGES])
        else:
            changed += sum(_save(chain, work.changes, work.scheme.pk) for work in works if work.changes is not None)
    chain.write(f"{FOLDER}drop_merged_standings")
    changed += int(chain.done[-1]["rows"])
    if changed:
        versions.bump(chain.pool_id, "standings")
    return changed


def _save(chain: Chain, changes: pg.Composable, scheme: int | None = None) -> int:
    for name in ("update_standings", "insert_standings", "delete_standings", "insert_standing_changes"):
        chain.write(f"{FOLDER}{name}", {"base": MemberStanding.KIND}, scheme=scheme, changes=changes)
    return sum(int(note["rows"]) for note in chain.done[-4:-1])


def keep(works: Iterable[Work], as_of: datetime) -> None:
    """Remember what the standings were computed with."""
    for work in works:
        Scheme.objects.filter(pk=work.scheme.pk).update(applied=work.settings, edges=work.edges, computed_at=as_of)


def sweep(chain: Chain, pool: Pool) -> None:
    """Standings in schemes put away long ago."""
    old = Scheme.objects.filter(pool=pool, is_active=False, archived_at__lt=chain.as_of - KEEP_ARCHIVED, applied__isnull=False)
    gone = list(old.values_list("pk", flat=True))
    if gone:
        chain.write(f"{FOLDER}drop_archived_standings", {"schemes": gone, "base": MemberStanding.KIND})
        versions.bump(pool.pk, "standings")
        Scheme.objects.filter(pk__in=gone).update(applied=None, edges={}, computed_at=None)
