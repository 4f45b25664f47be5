"""What members were seen doing, as relations: for families that look further than orders.

Fragments name only tables of this app and those below; values are bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext_lazy as _
from psycopg2 import sql as pg
from pydantic import Field, model_validator

from segmentation.standings.columns import Column, latest, newest_order
from segmentation.standings.families import Ask, Settings, Words, refuse

Source = Literal["joined", "event", "order", "community", "spoke", "received", "opened", "clicked"]
NAMES: dict[str, Words] = {
    "joined": _("加入会员池"),
    "event": _("行为事件"),
    "order": _("已支付订单"),
    "community": _("在社群中"),
    "spoke": _("社群发言"),
    "received": _("收到消息"),
    "opened": _("打开消息"),
    "clicked": _("点击消息"),
}


@dataclass(frozen=True)
class Table:
    """Where acts of a source stand: a relation with member_id and the moment of the act."""

    relation: str
    at: str
    where: str
    now: str = ""  # what must hold of an act still, unless it counts for good


STEPS = range(1, 5)  # those that gather_steps knows
NEVER, FOR_EVER = "NULL::timestamptz", "'infinity'::timestamptz"
_MESSAGES = "pool_id = %(pool_id)s AND {at} IS NOT NULL"
TABLES: dict[str, Table] = {
    "event": Table("members_event", "occurred_at", "pool_id = %(pool_id)s"),
    "order": Table("members_order", "placed_at", "pool_id = %(pool_id)s AND status = 1"),
    "spoke": Table(
        "members_communityevent",
        "at",
        "kind = 3 AND community_id IN (SELECT c.id FROM members_community AS c WHERE c.pool_id = %(pool_id)s)",
    ),
    "joined": Table(
        "(SELECT m.id AS member_id, m.joined_at FROM members_member AS m WHERE m.pool_id = %(pool_id)s AND m.merged_into IS NULL)"
        " AS joined",
        "joined_at",
        "TRUE",
    ),
    "community": Table(
        "members_communitymember",
        "joined_at",
        "community_id IN (SELECT c.id FROM members_community AS c WHERE c.pool_id = %(pool_id)s)",
        now="left_at IS NULL",
    ),
    "received": Table("touchpoints_delivery", "delivered_at", _MESSAGES.replace("{at}", "delivered_at")),
    "opened": Table("touchpoints_delivery", "opened_at", _MESSAGES.replace("{at}", "opened_at")),
    "clicked": Table("touchpoints_delivery", "clicked_at", _MESSAGES.replace("{at}", "clicked_at")),
}


class Evidence(Settings):
    """Something that shows a member is on a step: so many acts, or so much money, within so many days."""

    step: Annotated[int, Field(ge=1, le=9)]
    source: Source
    kinds: Annotated[list[str], Field(max_length=50)] = []  # of events; none: any
    times: Annotated[int, Field(ge=1, le=1000)] = 1
    amount: Annotated[int, Field(ge=0, le=10**13)] = 0  # of orders, minor units: instead of times
    days: Annotated[int, Field(ge=0, le=3650)] = 0  # within the last n; 0: ever

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kinds and self.source != "event":
            raise refuse("kinds", _("只有行为事件可以选择行为类型。"))
        if self.amount and self.source != "order":
            raise refuse("amount", _("只有订单可以按金额判断。"))
        if self.source in ("joined", "community") and self.times > 1:
            raise refuse("times", _("加入会员池、在社群中只能是 1 次。"))
        return self


def acts(sources: Sequence[str], kinds: Sequence[str], since: datetime, as_of: datetime) -> tuple[pg.SQL, dict[str, Any]]:
    """A relation (member_id, at) of everything members did in these sources after an instant."""
    found = []
    for source in sources:
        table = TABLES[source]
        only = " AND kind = ANY(%(kinds)s)" if source == "event" and kinds else ""
        found.append(
            f"SELECT member_id, {table.at} AS at FROM {table.relation} WHERE {table.where}{only}"  # noqa: S608  (constants)
            f" AND {table.at} > %(acts_from)s AND {table.at} <= %(as_of)s AND {{mine}}"
        )
    return pg.SQL(" UNION ALL ".join(found)), {"kinds": list(kinds), "acts_from": since, "as_of": as_of}


# -- Steps and what shows them -------------------------------------------------------------------


def column(ask: Ask, each: Evidence, *, for_good: bool) -> Column | None:
    """What the pass over everybody's orders or events says of it; None: it must be asked for by itself."""
    if for_good or not each.days:
        return None
    since = ask.as_of - timedelta(days=each.days)
    if each.source == "event" and each.times == 1:
        return latest("event", since, each.kinds)
    if each.source == "order" and each.times > 1 and not each.amount:
        return newest_order(each.times, since)
    return None


@dataclass(frozen=True)
class Seen:
    """What a row of a relation shows: the step, until when that holds, since when (if known); expressions."""

    step: int
    until: str
    since: str = NEVER


def proofs(ask: Ask, evidence: Sequence[Evidence], *, for_good: bool) -> tuple[pg.SQL, dict[str, Any]]:
    """A relation (member_id, until and since of each step), a row per member and source of evidence.

    `for_good`: what was true once holds for ever, and it is known since when; else it holds while the acts
    are within their days. Evidence of one source is read in one pass, where it can be.
    """
    values: dict[str, Any] = {"as_of": ask.as_of}
    known: dict[str, list[Seen]] = {}
    together: dict[str, list[tuple[int, Evidence]]] = {}
    for n, each in enumerate(evidence):
        values |= _values(n, each, ask.as_of)
        if by_facts := _of_facts(n, each, for_good):
            known.setdefault("{facts} AS f WHERE {mine}", []).append(by_facts)
        elif found := column(ask, each, for_good=for_good):
            relation = f"{{{found.source}s}} AS {found.source}s WHERE {{mine}}"
            known.setdefault(relation, []).append(Seen(each.step, f"{found.name} + %(days{n})s"))
        elif for_good or each.amount:
            known[_alone(n, each, for_good)] = [Seen(each.step, "until", "since")]
        else:
            together.setdefault(each.source, []).append((n, each))
    known |= {_pass(source, found, values, ask.as_of): _ends(found) for source, found in together.items()}
    return pg.SQL(" UNION ALL ".join(_row(relation, seen) for relation, seen in known.items())), values


def _row(relation: str, seen: Sequence[Seen]) -> str:
    """All that a relation shows of a member, side by side."""
    untils, sinces = [], []
    for step in STEPS:
        mine = [each for each in seen if each.step == step]
        untils.append(f"{_of('greatest', [each.until for each in mine])} AS until_{step}")
        sinces.append(f"{_of('least', [each.since for each in mine])} AS since_{step}")
    return f"SELECT member_id, {', '.join(untils + sinces)} FROM {relation}"  # noqa: S608  (constants)


def _of(function: str, expressions: Sequence[str]) -> str:
    return f"{function}({', '.join(expressions)})" if expressions else NEVER


def _values(n: int, each: Evidence, as_of: datetime) -> dict[str, Any]:
    days = timedelta(days=each.days)
    found = {f"days{n}": days, f"from{n}": as_of - days, f"kinds{n}": each.kinds, f"times{n}": each.times}
    return found | {f"amount{n}": each.amount}


def _of_facts(n: int, each: Evidence, for_good: bool) -> Seen | None:
    """The facts of the run say it: no other table is read."""
    if each.source != "order":
        return None
    if each.days == 0 and not for_good:
        test = f"amount_total >= %(amount{n})s" if each.amount else f"order_count >= %(times{n})s"
        return Seen(each.step, f"CASE WHEN {test} THEN {FOR_EVER} END")
    if each.amount or each.times > 1:
        return None
    if for_good:
        return Seen(each.step, FOR_EVER, "first_order_at")
    return Seen(each.step, f"CASE WHEN last_order_at > %(from{n})s THEN last_order_at + %(days{n})s END")


def _where(n: int, each: Evidence, for_good: bool) -> str:
    table = TABLES[each.source]
    only = f" AND kind = ANY(%(kinds{n})s)" if each.kinds else ""
    return f"{_such(table, for_good)}{only} AND {table.at} <= %(as_of)s AND {{mine}}"


def _such(table: Table, for_good: bool) -> str:
    return f"{table.where} AND {table.now}" if table.now and not for_good else table.where


def _alone(n: int, each: Evidence, for_good: bool) -> str:
    """A pass of its own: sums from the newest act backwards, or the first time that enough acts stood close enough."""
    table = TABLES[each.source]
    rows, by = table.relation, f"PARTITION BY member_id ORDER BY {table.at}"
    if for_good:
        span = f"ROWS {each.times - 1} PRECEDING" if not each.amount else _span(n, each)
        measured = f"sum(net_amount) OVER ({by} {span})" if each.amount else f"count(*) OVER ({by} {span})"
        close = f" AND at - first_at < %(days{n})s" if each.days and not each.amount else ""
        seen = f"SELECT member_id, {table.at} AS at, {measured} AS n, min({table.at}) OVER ({by} {span}) AS first_at"
        enough = f"n >= %({'amount' if each.amount else 'times'}{n})s"
        return (
            f"(SELECT member_id, {FOR_EVER} AS until, min(at) AS since"  # noqa: S608  (constants)
            f" FROM ({seen} FROM {rows} WHERE {_where(n, each, for_good)}) AS seen{n}"
            f" WHERE {enough}{close} GROUP BY member_id) AS alone{n}"
        )
    # Money within the last days: it holds until the order leaves with which, from the newest on, there is enough.
    seen = f"SELECT member_id, {table.at} AS at, sum(net_amount) OVER ({by} DESC) AS n"
    recent = f"{_where(n, each, for_good)} AND {table.at} > %(from{n})s"
    return (
        f"(SELECT member_id, max(at) + %(days{n})s AS until, {NEVER} AS since FROM ({seen} FROM {rows} WHERE {recent})"  # noqa: S608
        f" AS seen{n} WHERE n >= %(amount{n})s GROUP BY member_id) AS alone{n}"
    )


def _span(n: int, each: Evidence) -> str:
    return f"RANGE %(days{n})s PRECEDING" if each.days else "ROWS UNBOUNDED PRECEDING"


def _pass(source: str, found: Sequence[tuple[int, Evidence]], values: dict[str, Any], as_of: datetime) -> str:
    """One pass for all evidence of a source: the n-th newest act of each, and until when it counts."""
    table = TABLES[source]
    columns = ", ".join(f"{_newest(n, each)} AS t{n}" for n, each in found)
    bound = ""
    if all(each.days for _, each in found):
        values[f"{source}_from"] = as_of - timedelta(days=max(each.days for _, each in found))
        bound = f" AND {table.at} > %({source}_from)s"
    if all(each.kinds for _, each in found):
        values[f"{source}_kinds"] = sorted({kind for _, each in found for kind in each.kinds})
        bound += f" AND kind = ANY(%({source}_kinds)s)"
    return (
        f"(SELECT member_id, {columns} FROM {table.relation}"  # noqa: S608  (constants)
        f" WHERE {_such(table, for_good=False)} AND {table.at} <= %(as_of)s{bound} AND {{mine}} GROUP BY member_id) AS seen"
    )


def _ends(found: Sequence[tuple[int, Evidence]]) -> list[Seen]:
    return [Seen(each.step, _until(n, each)) for n, each in found]


def _newest(n: int, each: Evidence) -> str:
    at = TABLES[each.source].at
    tests = [f"{at} > %(from{n})s"] if each.days else []
    tests += [f"kind = ANY(%(kinds{n})s)"] if each.kinds else []
    only = f" FILTER (WHERE {' AND '.join(tests)})" if tests else ""
    if each.times == 1:
        return f"max({at}){only}"
    return f"(array_agg({at} ORDER BY {at} DESC){only})[%(times{n})s]"


def _until(n: int, each: Evidence) -> str:
    if each.days:
        return f"seen.t{n} + %(days{n})s"
    return f"CASE WHEN seen.t{n} IS NOT NULL THEN {FOR_EVER} END"


def told(each: Mapping[str, Any] | Evidence) -> str:
    """Evidence in words."""
    from django.utils.translation import gettext

    from members import behaviour
    from scrm.lib import formats

    found = each if isinstance(each, Evidence) else Evidence.model_validate(each)
    what = formats.listed(behaviour.name_of(kind) for kind in found.kinds) or str(NAMES[found.source])
    when = gettext("近 %(n)s 天") % {"n": found.days} if found.days else ""
    much = gettext("满 %(amount)s") % {"amount": formats.money(found.amount)} if found.amount else ""
    if not much and found.times > 1 and found.source not in ("joined", "community"):
        much = gettext("至少 %(n)s 次") % {"n": found.times}
    return " ".join(part for part in (when, what, much) if part)
