"""How well the people of a file are recognised: kept when it is imported, rehearsed when it is only checked."""

from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg2 import sql as pg
from pyroaring import BitMap, BitMap64

from members import identities
from members.models import MatchCount, Rehearsal
from members.oneid.rules import Rules
from scrm.lib import sql

if TYPE_CHECKING:
    from members.importing.people import Found
    from members.importing.staging import Plan

Outcome = MatchCount.Outcome
LARGEST = 20


def _some(plan: "Plan", *names: str) -> dict[str, pg.Composable]:
    from members.importing.people import some

    return some(plan, *names)


def _ids(packed: Any) -> np.ndarray:
    return np.frombuffer(bytes(packed or b""), ">i8").astype(np.int64)


def _recognised(plan: "Plan", rules: Rules) -> list[tuple[int | None, str, int, np.ndarray]]:
    """Channel, kind (empty: nobody known), people, their ids – one row each."""
    ranks = sorted(rules.ranks, key=lambda kind: rules.ranks[kind])
    own = any(field.key == "channel_id" for _place, field in plan.mapped)
    slots = {
        "channel": pg.SQL("min(coalesce(s.channel_id, %(channel)s::smallint))" if own else "%(channel)s::smallint"),
        "stage": pg.SQL("LEFT JOIN {stage} AS s ON s.line = p.line").format(**_some(plan, "stage")) if own else pg.SQL(""),
    }
    text = pg.SQL(sql.text("members/oneid/count_matches")).format(**_some(plan, "persons"), **slots)
    found = sql.fetch(text, {"ranks": ranks, "channel": plan.run.channel_id})
    return [(channel, ranks[place - 1] if place else "", people, _ids(packed)) for channel, place, people, packed in found]


def keep(plan: "Plan", rules: Rules, found: "Found") -> None:
    """Write the counts of an import, once: a second look, after others wrote meanwhile, would know its own people."""
    run = plan.run
    if MatchCount.objects.filter(run=run).exists():
        return
    rows = [
        _row(plan, channel, Outcome.MATCHED if kind else Outcome.NEW, kind, people, ids)
        for channel, kind, people, ids in _recognised(plan, rules)
    ]
    rows += _asides(plan, found)
    MatchCount.objects.bulk_create(rows)


def _row(plan: "Plan", channel: int | None, outcome: str, kind: str, people: int, ids: np.ndarray) -> MatchCount:
    members = BitMap(ids[ids > 0].astype(np.uint32)).serialize()
    return MatchCount(
        run=plan.run, pool_id=plan.run.pool_id, channel_id=channel, outcome=outcome, kind=kind, people=people, members=members,
        at=plan.rules.as_of,
    )  # fmt: skip


def _asides(plan: "Plan", found: "Found") -> list[MatchCount]:
    """Merged, conflicting and guarded: counted for the file as a whole."""
    rows = []
    if found.losers:
        ids = _packed(plan, "SELECT string_agg(int8send(winner_id), '') FROM {merges}", "merges")
        rows.append(_row(plan, plan.run.channel_id, Outcome.MERGED, "", found.losers, ids))
    if found.conflicts:
        both = "SELECT string_agg(int8send(one) || int8send(two), '') FROM {conflicts}"
        rows.append(_row(plan, plan.run.channel_id, Outcome.CONFLICT, "", found.conflicts, _packed(plan, both, "conflicts")))
    values = sql.fetch(pg.SQL("SELECT kind, count(DISTINCT hash) FROM {stopped} GROUP BY kind").format(**_some(plan, "stopped")))
    for kind, number in values:
        users = pg.SQL(
            "SELECT string_agg(int8send(person), '') FROM (SELECT DISTINCT p.person FROM {stopped} AS t JOIN {stage} AS s"
            " ON s.line = t.line JOIN {persons} AS p ON p.hash = {first_hash} WHERE t.kind = %(kind)s) AS each"
        ).format(**_some(plan, "stopped", "stage", "persons", "first_hash"))
        ids = _ids(sql.fetch(users, {"kind": kind})[0][0])
        rows.append(_row(plan, plan.run.channel_id, Outcome.GUARDED, kind, number, ids))
    return rows


def _packed(plan: "Plan", text: str, part: str) -> np.ndarray:
    return _ids(sql.fetch(pg.SQL(text).format(**_some(plan, part)))[0][0])


# -- Rehearsing ------------------------------------------------------------------------------------
def rehearse(plan: "Plan", rules: Rules, found: "Found") -> None:
    """What recognising the people of a file would do; only the rehearsal itself is written."""
    counted = _recognised(plan, rules)
    by_kind: dict[str, int] = {}
    for _channel, kind, people, _ids_of in counted:
        by_kind[kind] = by_kind.get(kind, 0) + people
    result = {
        "people": sum(by_kind.values()),
        "new": by_kind.pop("", 0),
        "matched": by_kind,
        "merges": found.losers,
        "conflicts": found.conflicts,
        "groups": _groups(plan) if found.losers else [],
        "guarded": _guarded(plan, found),
    }
    Rehearsal.objects.filter(run=plan.run).delete()
    Rehearsal.objects.create(
        pool_id=plan.run.pool_id, run=plan.run, result=result, groups=_pairs(plan) if found.losers else None,
        actor=plan.run.actor, at=plan.rules.as_of,
    )  # fmt: skip


def _pairs(plan: "Plan") -> bytes:
    packed = sql.fetch(
        pg.SQL(
            "SELECT string_agg(int8send(winner_id) || int8send(loser_id), '' ORDER BY winner_id, loser_id) FROM {merges}"
        ).format(**_some(plan, "merges"))
    )
    return bytes(packed[0][0] or b"")


def _groups(plan: "Plan") -> list[dict[str, Any]]:
    """The largest sets of known members that would become one."""
    rows = sql.fetch(
        pg.SQL(
            "SELECT winner_id, array_agg(loser_id ORDER BY loser_id), array_agg(DISTINCT kind) FROM {merges} GROUP BY winner_id"
            " ORDER BY count(*) DESC, winner_id LIMIT %(limit)s"
        ).format(**_some(plan, "merges")),
        {"limit": LARGEST},
    )
    return [{"members": [winner, *losers], "kinds": [kind for kind in kinds if kind]} for winner, losers, kinds in rows]


def _guarded(plan: "Plan", found: "Found") -> list[dict[str, Any]]:
    """What the guard stops: values on the list, and those that would join it."""
    rows = sql.fetch(
        pg.SQL(
            "SELECT kind, hash, count(*), min(line) FROM {stopped}"
            " GROUP BY kind, hash ORDER BY count(*) DESC, kind, hash LIMIT 100"
        ).format(**_some(plan, "stopped"))
    )
    met = {value: seen for _kind, value, seen in found.shared}
    hints = _hints(plan, [(kind, bytes(value), line) for kind, value, _rows, line in rows])
    return [
        {"kind": kind, "hint": hints.get(bytes(value), ""), "rows": times, "met": met.get(bytes(value), 0), "line": line}
        for kind, value, times, line in rows
    ]


def _hints(plan: "Plan", stopped: list[tuple[str, bytes, int]]) -> dict[bytes, str]:
    from members.importing import people

    found: dict[bytes, str] = {}
    for kind in dict.fromkeys(kind for kind, _value, _line in stopped):
        lines = BitMap64(line for each, _value, line in stopped if each == kind)
        for value in people.values_of(plan, kind, lines):
            found[identities.fingerprint(kind, value)] = identities.hint(kind, value)
    return found
