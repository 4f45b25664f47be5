"""What came to a winner since a merge, and whose it is: told by a person, shown by evidence, or left open."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.dateparse import parse_datetime

from members.merging import moves
from members.merging.moves import Held
from members.sets import array
from scrm.lib import sql

ROWS = 500  # of one kind that a page lists


@dataclass(frozen=True)
class Told:
    """A person's word: the row of that table and fingerprint belongs to that member."""

    label: str
    hash: int
    member_id: int

    @classmethod
    def parse(cls, text: str, member_id: int) -> "Told | None":
        """From "members.Order:-123"; None for nonsense."""
        label, colon, number = text.rpartition(":")
        is_known = colon and label in {each.label for each in moves.tables()}
        is_whole = number.removeprefix("-").isdecimal() and len(number) < 21
        return cls(label, int(number), member_id) if is_known and is_whole else None


@dataclass(frozen=True)
class Row:
    """A row that came since: what it is, and why it goes where it would go."""

    label: str
    hash: int
    kind: str
    text: str
    at: datetime | None
    loser_id: int | None  # None: stays with the winner
    verdict: str  # channel, address, told, follows; empty: nothing shows whose it is

    @property
    def key(self) -> str:
        return f"{self.label}:{self.hash}"

    @property
    def is_open(self) -> bool:
        return not self.verdict


def stage(told: Iterable[Told]) -> None:
    """Keep a person's word for every layer."""
    rows = list(told)
    given = {
        "labels": [row.label for row in rows],
        "hashes": array(row.hash for row in rows),
        "members": array(row.member_id for row in rows),
    }
    sql.execute("members/merging/stage_told", given)


def judge() -> int:
    """Find what came to the winners of this layer and decide whose it is; how many rows go to the losers."""
    sql.run("TRUNCATE undo_since")
    for each in _asked():
        sql.execute(
            "members/merging/find_since_rows", {"label": each.label}, hash=moves.fingerprint(each), **moves.place_of(each)
        )
    if not sql.fetch("SELECT EXISTS (SELECT FROM undo_since)")[0][0]:
        return 0
    sql.run("ANALYZE undo_since")
    sql.execute(
        "members/merging/know_channels",
        None,
        identity=moves.fingerprint(moves.held("members.Identity")),
        order=moves.fingerprint(moves.held("members.Order")),
    )
    for judged in moves._judges.values():
        judged()
    sql.execute("members/merging/judge_by_word")
    _follow()
    sql.execute("members/merging/keep_listed", {"followers": list(moves._leaders)})
    return int(sql.fetch("SELECT count(*) FROM undo_since WHERE loser_id IS NOT NULL")[0][0])


def _asked() -> list[Held]:
    """Tables in which a row may have come since that is somebody's: not computed ones, not those with a mover of their own."""
    own = set(moves._movers) - {"members.Identity"}
    return [each for each in moves.tables() if each.label not in own and each.label not in moves._computed]


def _follow() -> None:
    for label, (leading, key) in moves._leaders.items():
        lead = moves.following(key)
        sql.execute("members/merging/judge_followers", {"label": label, "leading": leading}, lead=lead)


def by_channel(label: str) -> Callable[[], object]:
    """Evidence: the row came through a channel in which only one of the two was known."""
    return lambda: sql.execute("members/merging/judge_by_channel", {"label": label})


# -- For a person ---------------------------------------------------------------------------------
def listed() -> list[Row]:
    """What came since, as a person reads it; followers are not listed, they go with their leaders."""
    found = sql.rows("members/merging/list_since", {"limit": ROWS})
    return [_row(row) for row in found]


def _row(found: dict[str, Any]) -> Row:
    each = moves.held(found["label"])
    words, values = moves._words.get(each.label), json.loads(found["row"])
    text = words(values) if words else plain(each, values)
    return Row(each.label, found["hash"], moves.called(each), text, moment_of(each, values), found["loser_id"], found["verdict"])


def moment_of(each: Held, values: dict[str, Any]) -> datetime | None:
    """The first instant a row carries."""
    names = [field.column for field in each.model._meta.local_concrete_fields if isinstance(field, models.DateTimeField)]
    moments = [values[name] for name in names if values.get(name)]
    return parse_datetime(moments[0]) if moments else None


def plain(each: Held, values: dict[str, Any]) -> str:
    """A row of a table nobody has found words for."""
    fields = {field.attname: values[field.column] for field in each.model._meta.local_concrete_fields if field.column in values}
    return str(each.model(**fields))
