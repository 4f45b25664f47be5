"""The guard in front of recognising people: values that many share join nobody.

What a file says is counted before anything is joined, together with everything said before, so that the
order files arrive in does not decide what is guarded. A value that proves to be shared only now has joined
people already: those are put before a person.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg2 import sql as pg

from members.identities import KINDS, NUMBERS
from members.models import Guard, GuardedUse, Identity, Meeting, Member, Review
from members.oneid.rules import Rules, of
from members.sets import array
from scrm.lib import sql

if TYPE_CHECKING:
    from members.importing.staging import Plan

FOLDER = "members/oneid/"
Shared = tuple[str, bytes, int]  # kind, fingerprint, with how many others it was seen


def names(plan: "Plan", *parts: str) -> dict[str, pg.Composable]:
    """The run's own tables for a statement's slots."""
    from members.importing.people import some

    return some(plan, *parts)


def stop(plan: "Plan", rules: Rules, *, write: bool) -> list[Shared]:
    """Take guarded values out of the staged rows; those that are found to be shared only now.

    With `write` what was counted is remembered. Harmless when done again: what left the rows stays noted in `stopped`.
    """
    pool = {"pool": plan.run.pool_id}
    if write:
        sql.execute(FOLDER + "guard_staff", {**pool, "actor": _actor(plan), "as_of": plan.rules.as_of})
    sql.execute(FOLDER + "create_guards", pool, **names(plan, "guards"))
    shared = _count(plan, rules, write=write)
    if shared:
        _note(plan, shared)
    sql.run(
        pg.SQL("CREATE UNLOGGED TABLE IF NOT EXISTS {stopped} (line bigint, kind text, hash bytea)").format(
            **names(plan, "stopped")
        )
    )
    (guarded,) = sql.fetch(
        pg.SQL("SELECT array_agg(DISTINCT kind) FROM {guards} WHERE NOT is_allowed").format(**names(plan, "guards"))
    )
    for kind in plan.identities:
        if kind in (guarded[0] or ()):
            column = pg.Identifier(f"h_{kind}")
            sql.execute(FOLDER + "stop_values", {"kind": kind}, column=column, **names(plan, "stage", "guards", "stopped"))
    return shared


def _actor(plan: "Plan") -> int | None:
    return plan.run.actor.pk if plan.run.actor else None


def _count(plan: "Plan", rules: Rules, *, write: bool) -> list[Shared]:
    """Values that stood beside too many others, this file and those before taken together."""
    pairs = rules.counted(plan.identities)
    if not pairs:
        return []
    met = names(plan, "met")
    sql.run(pg.SQL("DROP TABLE IF EXISTS {met}").format(**met))
    said = pg.SQL(" UNION ALL ").join(_pair(plan, kind, other) for kind, other in pairs)
    sql.execute(FOLDER + "collect_meetings", None, pairs=said, **met, **names(plan, "guards"))
    sql.run(pg.SQL("ANALYZE {met}").format(**met))
    counted = {KINDS[kind].number: rules.limits[kind] for kind, _other in pairs}
    limits = {"kinds": array(counted), "limits": array(counted.values()), "least": min(counted.values())}
    text = pg.SQL(sql.text(FOLDER + "find_shared")).format(**met)
    found = sql.fetch(text, {"pool": plan.run.pool_id, **limits})
    if write:
        brought = names(plan, "brought")
        columns = "kind smallint, value bigint, other_kind smallint, other bigint"
        sql.run(pg.SQL(f"CREATE UNLOGGED TABLE IF NOT EXISTS {{brought}} ({columns})").format(**brought))
        sql.execute(FOLDER + "keep_meetings", {"pool": plan.run.pool_id}, **met, **brought)
    return sorted((NUMBERS[kind], bytes(value), seen) for kind, value, seen in found)


def _pair(plan: "Plan", kind: str, other: str) -> pg.Composed:
    return pg.SQL("SELECT {n}::smallint AS kind, {a} AS hash, {m}::smallint AS other_kind, {b} AS other FROM {stage}").format(
        n=pg.Literal(KINDS[kind].number),
        a=pg.Identifier(f"h_{kind}"),
        m=pg.Literal(KINDS[other].number),
        b=pg.Identifier(f"h_{other}"),
        **names(plan, "stage"),
    )


def _note(plan: "Plan", shared: list[Shared]) -> None:
    sql.run(
        pg.SQL(
            "INSERT INTO {guards} SELECT kind, hash, FALSE"
            " FROM unnest(%(kinds)s::text[], %(hashes)s::bytea[]) AS given (kind, hash)"
        ).format(**names(plan, "guards")),
        {"kinds": [kind for kind, _hash, _seen in shared], "hashes": [value for _kind, value, _seen in shared]},
    )


# -- The list ------------------------------------------------------------------------------------
def lines_of(plan: "Plan", shared: list[Shared]) -> dict[str, dict[bytes, int]]:
    """Per kind the first line of the file that says each value."""
    found: dict[str, dict[bytes, int]] = {}
    rows = sql.fetch(
        pg.SQL("SELECT kind, hash, min(line) FROM {stopped} WHERE hash = ANY(%(hashes)s) GROUP BY kind, hash").format(
            **names(plan, "stopped")
        ),
        {"hashes": [value for _kind, value, _seen in shared]},
    )
    for kind, value, line in rows:
        found.setdefault(kind, {})[bytes(value)] = line
    return found


def enlist(plan: "Plan", shared: list[Shared], written: dict[bytes, dict[str, Any]]) -> list[int]:
    """Put shared values on the pool's list; `written` holds the columns of each by its fingerprint."""
    seen = {value: count for _kind, value, count in shared}
    rows = [
        Guard(
            pool_id=plan.run.pool_id, kind=kind, value_hash=value, reason=Guard.Reason.SHARED, met=seen[value],
            at=plan.rules.as_of, **written.get(value, {}),
        )
        for kind, value, _count in shared
    ]  # fmt: skip
    Guard.objects.bulk_create(rows, ignore_conflicts=True)
    ids = Guard.objects.filter(pool_id=plan.run.pool_id, value_hash__in=list(seen)).values_list("pk", flat=True)
    return list(ids)


def retire(*, pool_id: int, guards: list[int], run_id: int | None, as_of: datetime) -> int:
    """Guarded values leave the registry; what they had joined is put before a person. How many were somebody's."""
    named = {"pool": pool_id, "guards": array(guards), "run": run_id, "as_of": as_of}
    gone = sql.execute(FOLDER + "retire_identities", named)
    sql.execute(FOLDER + "review_joined", named)
    return gone


def withdraw(run_id: int) -> int:
    """What an import asked of a person and nobody has answered is asked no more, once the import is taken back."""
    asked = Review.objects.filter(run_id=run_id, status=Review.Status.OPEN)
    return asked.filter(reason__in=(Review.Reason.ASKED, Review.Reason.CONFLICT)).delete()[0]


def remember(member: Member, fresh: list[Identity]) -> None:
    """Identities given to a member by hand or one by one stood beside the member's others: that counts like a row of a file."""
    known = list(Identity.objects.filter(member=member))
    counted = of(member.pool).counted(sorted({each.kind for each in known}))
    new = {bytes(each.value_hash) for each in fresh}
    pairs = [(one, two) for one in known for two in known if {bytes(one.value_hash), bytes(two.value_hash)} & new]
    met = [
        Meeting(
            pool_id=member.pool_id, kind=KINDS[one.kind].number, value=first_bytes(one), other_kind=KINDS[two.kind].number,
            other=first_bytes(two),
        )
        for one, two in pairs
        if (one.kind, two.kind) in counted
    ]  # fmt: skip
    Meeting.objects.bulk_create(met, ignore_conflicts=True)


def first_bytes(row: Identity) -> int:
    """What stands for a value in a meeting: the first eight bytes of its fingerprint."""
    return int.from_bytes(bytes(row.value_hash)[:8], signed=True)


def restore(guard: Guard, as_of: datetime) -> bool:
    """A value that is allowed again goes back to the one member it was seen with; with several it goes to nobody yet."""
    users = list(GuardedUse.objects.filter(guard=guard, member__merged_into=None).values_list("member_id", flat=True)[:2])
    if len(users) != 1:
        return False
    columns = {"value": guard.value, "sealed": guard.sealed, "hint": guard.hint, "seen_at": as_of}
    columns["tail"] = guard.hint[-4:] if guard.kind == Identity.Kind.PHONE else ""
    _row, made = Identity.objects.get_or_create(
        pool_id=guard.pool_id, kind=guard.kind, value_hash=guard.value_hash, defaults={"member_id": users[0], **columns}
    )
    GuardedUse.objects.filter(guard=guard).delete()
    return made


def nobody(plan: "Plan") -> list[tuple[int, str]]:
    """Lines that carry nothing but guarded values, with the kind of one of them."""
    text = pg.SQL(
        "SELECT s.line, min(t.kind) FROM {stage} AS s JOIN {stopped} AS t ON t.line = s.line"
        " WHERE {first_hash} IS NULL GROUP BY s.line"
    )
    return sql.fetch(text.format(**names(plan, "stage", "stopped", "first_hash")))  # type: ignore[return-value]
