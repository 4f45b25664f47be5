"""Which tables hold rows of members, and how each is to be moved.

Every table with a `member_id` or a foreign key to Member is found through the app registry, upper apps'
included, so that a new one is moved, and moved back, without being mentioned here. An app whose rows must
not simply be moved says how, in its `apps.ready()`:

    merging.latest_wins("touchpoints.Block", "at")       of two rows with one key the newer stays
    merging.prefer("touchpoints.Delivery", "…")          … the one for which this expression over `t` is greater
    merging.computed("members.StateChange")              moved, but never asked about when a merge is undone
    merging.follows("members.OrderLine", "members.Order", "(s.row ->> 'order_id')::bigint")
    merging.evidence("members.Order", judge)             whose a row is that came after the merge
    merging.describe("members.Order", words)             how such a row is shown to a person

    @merging.mover("loyalty.Entry", "loyalty.Account")   moves them itself …
    def move_points(pairs_table: str, as_of: datetime) -> None: ...

    @merging.unmover("loyalty.Entry", "loyalty.Account") … and back
    def return_points(undoing: Undoing) -> None: ...

    merging.also(merge=mix_arms, before_undo=part_arms)  does something more, before or after rows move
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Field, Model
from psycopg2 import sql as pg

from members.models import Member, Merge
from scrm.lib import sql

PAIRS, UNDO_PAIRS, UNDO_WINNERS, UNDO_SINCE = "merge_pairs", "undo_pairs", "undo_winners", "undo_since"


@dataclass(frozen=True)
class Held:
    """A table whose rows belong to a member, and the column that says to whom."""

    label: str
    table: str
    member: str
    columns: tuple[str, ...]  # all others that can be written
    key: tuple[str, ...]  # the primary key without the member
    model: type[Model]

    @property
    def primary(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(each.column for each in self.model._meta.pk_fields)


@dataclass
class Undoing:
    """One layer of merges being undone, as those who move rows themselves see it."""

    pool_id: int
    as_of: datetime
    choices: dict[str, Any] = field(default_factory=dict)  # what a person decided: {"points": "full"}
    notes: dict[str, Any] = field(default_factory=dict)  # kept with the merges
    questions: list["Question"] = field(default_factory=list)  # what a person should decide first


@dataclass(frozen=True)
class Question:
    """Something only a person can decide before two members are parted."""

    key: str
    text: str
    options: Sequence[tuple[str, str]]
    default: str


@dataclass(frozen=True)
class Also:
    """What an app does besides moving rows."""

    before_merge: "Mover | None"
    merge: "Mover | None"
    before_undo: "Unmover | None"
    undo: "Unmover | None"


Mover = Callable[[str, datetime], object]
Unmover = Callable[[Undoing], object]
Judge = Callable[[], object]

_movers: dict[str, Mover] = {}
_unmovers: dict[str, Unmover] = {}
_ranks: dict[str, str] = {}
_computed: set[str] = set()
_leaders: dict[str, tuple[str, str]] = {}
_judges: dict[str, Judge] = {}
_words: dict[str, Callable[[dict[str, Any]], str]] = {}
_names: dict[str, Any] = {}
_also: list["Also"] = []


def mover(*labels: str) -> Callable[[Mover], Mover]:
    """Declare how rows of these models move; the function is called once for all of them."""

    def keep(function: Mover) -> Mover:
        for label in labels:
            if label in _movers:
                raise ValueError(f"{label} has two movers")
            _movers[label] = function
        return function

    return keep


def unmover(*labels: str) -> Callable[[Unmover], Unmover]:
    """Declare how rows of these models go back when a merge is undone."""

    def keep(function: Unmover) -> Unmover:
        _unmovers.update(dict.fromkeys(labels, function))
        return function

    return keep


def also(
    *,
    before_merge: Mover | None = None,
    merge: Mover | None = None,
    before_undo: Unmover | None = None,
    undo: Unmover | None = None,
) -> None:
    """Do something more around the moving of rows: of each merge, and of each layer of an undoing."""
    _also.append(Also(before_merge, merge, before_undo, undo))


def prefer(label: str, rank: str) -> None:
    """Of rows with the same key the one with the greatest `rank` (SQL over `t`) stays; of equals the winner's."""
    _ranks[label] = rank


def latest_wins(label: str, column: str) -> None:
    """Of rows with the same key the one with the greatest `column` stays."""
    prefer(label, f't."{column}"')


def computed(*labels: str) -> None:
    """Rows of these are derived from others: a person is not asked whose they are."""
    _computed.update(labels)


def follows(label: str, leading: str, key: str) -> None:
    """Rows go where the row of `leading` goes whose only key column is `key` (SQL over s.row, a jsonb)."""
    _leaders[label] = (leading, key)


def evidence(label: str, judge: Judge) -> None:
    """A function that sets `undo_since.loser_id` and `verdict` of rows whose owner can be told."""
    _judges[label] = judge


def describe(label: str, words: Callable[[dict[str, Any]], str]) -> None:
    """How a row (its columns) is told to a person."""
    _words[label] = words


def call(label: str, name: Any) -> None:
    """What rows of a table are called, where the model does not say (lazy text)."""
    _names[label] = name


def called(each: Held) -> str:
    """What rows of the table are called."""
    return str(_names.get(each.label, each.model._meta.verbose_name))


def _member_columns(model: type[Model]) -> list[Any]:
    """Foreign keys to Member, and plain columns that are called so."""
    fields = [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]
    return [field for field in fields if field.related_model is Member or field.column == "member_id"]


def _held(model: type[Model], field: Field) -> Held:
    key = [each.column for each in model._meta.pk_fields]
    others = [
        each.column
        for each in model._meta.local_concrete_fields
        if each.column != field.column and not getattr(each, "generated", False)
    ]
    label = model._meta.label if field.column == "member_id" else f"{model._meta.label}.{field.column}"
    rest = tuple(column for column in key if column != field.column)
    return Held(label, model._meta.db_table, str(field.column), tuple(others), rest, model)


def tables() -> list[Held]:
    """Every table that holds rows of members, lower apps first."""
    found = [model for model in apps.get_models() if model not in (Member, Merge) and not model._meta.proxy]
    return [_held(model, field) for model in found for field in _member_columns(model)]


def held(label: str) -> Held:
    """The table of that label."""
    return next(each for each in tables() if each.label == label)


def moved_plainly() -> list[Held]:
    """Tables whose rows are moved by the one general statement."""
    return [each for each in tables() if each.label not in _movers]


# -- Slots of the statements ----------------------------------------------------------------------
def _column(model: type[Model], column: str, alias: str) -> str:
    """A key column as it enters the fingerprint: the same text whatever the session's settings."""
    kind = next(each for each in model._meta.local_concrete_fields if each.column == column)
    target = kind.target_field if isinstance(kind, models.ForeignKey) else kind
    if isinstance(target, models.DateTimeField):
        return f'extract(epoch FROM {alias}."{column}")'
    if isinstance(target, models.BinaryField):
        return f"encode({alias}.\"{column}\", 'hex')"
    return f'{alias}."{column}"'


def fingerprint(each: Held, alias: str = "t") -> pg.Composable:
    """SQL: eight bytes that stand for a row's key without the member."""
    columns = ", ".join(_column(each.model, column, alias) for column in each.key)
    return pg.SQL(f"hashtextextended(jsonb_build_array({columns})::text, 0)")


def _columns(columns: Sequence[str], prefix: str = "") -> pg.Composable:
    return pg.SQL(", ").join(pg.SQL(prefix + "{}").format(pg.Identifier(column)) for column in columns)


def _same(each: Held, left: str, right: Callable[[int, str], str]) -> pg.Composable:
    pairs = [f'{left}."{column}" = {right(place, column)}' for place, column in enumerate(each.key)]
    return pg.SQL(" AND ".join(pairs) or "TRUE")


def place_of(each: Held) -> dict[str, pg.Composable]:
    """Table and member column."""
    return {"table": pg.Identifier(each.table), "member": pg.Identifier(each.member)}


def slots_to_move(each: Held) -> dict[str, pg.Composable]:
    """For members/merging/move_rows."""
    rows = pg.SQL(", ").join(pg.SQL("{0} = excluded.{0}").format(pg.Identifier(column)) for column in each.columns)
    primary = pg.SQL(", ").join(map(pg.Identifier, each.primary))
    return place_of(each) | {
        "columns": _columns(each.columns),
        "values": _columns(each.columns, "(r.was)."),
        "hash": fingerprint(each),
        "rank": pg.SQL(_ranks.get(each.label, "0")),
        "same": _same(each, "t", lambda _place, column: f'(r.was)."{column}"'),
        "conflict": pg.SQL("({}) DO UPDATE SET {}").format(primary, rows) if each.columns else pg.SQL("DO NOTHING"),
        "kept": pg.SQL("FALSE" if each.label in _computed else "TRUE"),
    }


def slots_to_return(each: Held) -> dict[str, pg.Composable]:
    """For members/merging/return_rows."""
    keys = [f't."{column}" AS k{place}' for place, column in enumerate(each.key)] or ["1 AS k0"]
    return place_of(each) | {
        "columns": _columns(each.columns),
        "values": _columns(each.columns, "(g.was)."),
        "hash": fingerprint(each),
        "keys": pg.SQL(", ".join(keys)),
        "same": _same(each, "t", lambda place, _column: f"own.k{place}"),
    }


def slots_to_restore(each: Held) -> dict[str, pg.Composable]:
    """For members/merging/restore_set_aside."""
    return place_of(each) | {
        "columns": _columns(each.columns),
        "values": _columns(each.columns, "r."),
        "alive": pg.SQL(" AND ".join(_alive(each)) or "TRUE"),
    }


def _alive(each: Held) -> list[str]:
    """What a row refers to still exists."""
    keys = [field for field in each.model._meta.local_concrete_fields if isinstance(field, models.ForeignKey)]
    return [
        f'(r."{key.column}" IS NULL OR EXISTS (SELECT FROM "{key.related_model._meta.db_table}" AS x '  # type: ignore[union-attr]
        f'WHERE x."{key.target_field.column}" = r."{key.column}"))'
        for key in keys
        if getattr(key, "db_constraint", True) and key.column != each.member
    ]


def drop(*labels: str) -> None:
    """The losers' rows of these models are computed: they are set aside, and come back with the losers."""
    mine = {each.label: each for each in tables() if each.label in labels}

    @mover(*labels)
    def dropped(pairs: str, as_of: datetime) -> None:
        for each in mine.values():
            sql.execute("members/merging/set_aside_rows", {"label": each.label}, **place_of(each))

    @unmover(*labels)
    def returned(undoing: Undoing) -> None:
        for each in mine.values():
            sql.execute("members/merging/restore_set_aside", {"label": each.label}, **slots_to_restore(each))


def slots_of_profile() -> dict[str, pg.Composable]:
    """For members/merging/unfold_members: every column of a member that a merge may change."""
    fixed = {"id", "pool_id", "merged_into", "is_demo", "updated_at"}
    names = [each.column for each in Member._meta.local_concrete_fields if each.column not in fixed and not each.generated]
    return {"fields": _columns(names), "values": _columns(names, "r.")}


def following(key: str) -> pg.Composable:
    """SQL: the fingerprint of the row that a following one names by `key`."""
    return pg.SQL(f"hashtextextended(jsonb_build_array({key})::text, 0)")
