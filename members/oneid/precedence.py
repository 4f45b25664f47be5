"""Which source wins for which field of a member.

Every value keeps who said it (`Member.sources`: field -> [channel number or "staff", when]); what is not named there
came with the member, from its own channel. A source that is trusted less than the one whose value stands is
not heard; one that is trusted as much or more is, so the order files arrive in does not matter between sources.
Without a rule of the pool, what a person wrote here beats every file, and of files the newest wins.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from psycopg2 import sql as pg

from members.models import Channel, Pool
from members.oneid import rules
from members.oneid.rules import FIELDS, NEWEST, STAFF, TRUSTED, Rules
from scrm.lib import sql

LAST = 32000  # whom the order does not name


def order_of(own: Rules, field: str) -> tuple[str, list[str]]:
    """The rule of a field, and its sources, the most trusted first."""
    said = own.precedence.get(field, {})
    rule = said.get("rule", TRUSTED)
    return rule, list(said.get("order", [STAFF])) if rule == TRUSTED else []


def _ranks(pool: Pool, field: str) -> list[tuple[str, int]]:
    """Sources as they stand in `Member.sources`, with their places; empty when the newest wins."""
    rule, order = order_of(rules.of(pool), field)
    if rule == NEWEST:
        return []
    numbers = {STAFF: STAFF} | {code: str(pk) for code, pk in Channel.objects.values_list("code", "pk")}
    return [(numbers[code], place) for place, code in enumerate(order) if code in numbers]


def _rank(source: pg.Composable, ranks: list[tuple[str, int]]) -> pg.Composed:
    whens = pg.SQL(" ").join(pg.SQL("WHEN {} THEN {}").format(pg.Literal(name), pg.Literal(place)) for name, place in ranks)
    return pg.SQL("CASE {} {} ELSE {} END").format(source, whens, pg.Literal(LAST))


def _stands(row: str, field: str) -> pg.Composed:
    """Who said what stands in a field of a row of members_member."""
    return pg.SQL("coalesce({row}.sources #>> {path}, {row}.channel_id::text)").format(
        row=pg.Identifier(row), path=pg.Literal("{" + field + ",0}")
    )


def _outranked(ranks: list[tuple[str, int]], field: str, new: pg.Composable) -> pg.Composable:
    if not ranks:
        return pg.SQL("FALSE")
    if [name for name, _place in ranks] == [STAFF]:  # by far the most frequent: nothing was edited here
        return pg.SQL("(old.sources IS NOT NULL AND {} = 'staff')").format(_stands("old", field))
    return pg.SQL("({} < {})").format(_rank(_stands("old", field), ranks), _rank(new, ranks))


def gathering(pool: Pool, channel_id: int | None) -> dict[str, pg.Composable]:
    """Slots of `gather_members`: which values stand against a file of this channel, and which it vouches for."""
    new = pg.SQL("coalesce(raw.channel_id, {}::smallint)::text").format(pg.Literal(channel_id))
    ranks = {field: _ranks(pool, field) for field in FIELDS}
    slots = {f"keeps_{field}": _outranked(ranks[field], field, new) for field in FIELDS}
    raised = [
        pg.SQL("(said.{f} = old.{f} AND {new} < {old})").format(
            f=pg.Identifier(field), new=_rank(new, ranks[field]), old=_rank(_stands("old", field), ranks[field])
        )
        for field in FIELDS
        if field != "attributes" and [name for name, _place in ranks[field] if name != STAFF]
    ]
    return slots | {"raised": pg.SQL("({})").format(pg.SQL(" OR ").join(raised)) if raised else pg.SQL("FALSE")}


EMPTY = {"name": "''", "gender": "0", "birthday": "NULL::date", "province": "''", "city": "''"}


def fold(pool: Pool) -> None:
    """While members are merged (merge_pairs is filled): each field goes by the most trusted source of all of them."""
    for field, empty in EMPTY.items():
        if ranks := _ranks(pool, field):
            sql.execute(
                "members/oneid/weigh_folded",
                None,
                field=pg.Identifier(field),
                field_name=pg.Literal(field),
                empty=pg.SQL(empty),
                source=pg.SQL(
                    "coalesce(l.sources -> {}, jsonb_build_array(coalesce(l.channel_id::text, ''), l.joined_at))"
                ).format(pg.Literal(field)),
                theirs=_rank(_stands("l", field), ranks),
                ours=_rank(_stands("w", field), ranks),
            )


def sources() -> list[tuple[str, str]]:
    """Everybody who may say something of a member: a code, and what it is called."""
    return [(STAFF, gettext("人工修改")), *((channel.code, str(channel)) for channel in Channel.objects.all())]


def said(fields: Iterable[str], source: int | str | None, as_of: datetime) -> dict[str, Any]:
    """What `Member.sources` gains when a source says these fields."""
    return {field: [str(source or ""), as_of.isoformat()] for field in fields if field in FIELDS}
