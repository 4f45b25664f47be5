"""What becomes of every table when a person is erased. Nobody's silence counts as a decision.

    decide("loyalty.Entry", keep("the ledger only grows", blank=("reason",)))
    decide("members.Identity", remove("who they are"))

    @eraser("segmentation.SegmentSnapshot")
    def lists(person: Person) -> int: ...      # how many rows were changed

Tables with a key to a member, and tables with text of any kind, must all be decided on (tests/privacy
walks them). A table with a key to a member that nobody decided on is emptied of the person.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models
from psycopg2 import sql as pg

from members.merging import tables
from members.models import Member
from members.sets import array
from scrm.lib import sql


@dataclass(frozen=True)
class Person:
    """Who is erased: the member and those merged into it, and everything they can be recognised by."""

    pool_id: int
    number: int
    numbers: tuple[int, ...]  # the member's and those of members merged into it
    hashes: tuple[tuple[str, bytes], ...]  # kind, keyed hash
    values: tuple[str, ...]  # identities in the clear
    hints: tuple[str, ...]  # and masked
    names: tuple[str, ...]

    @property
    def ids(self) -> str:
        return array(self.numbers)


def containing(value: str) -> str:
    """A text as a pattern for ILIKE that finds it anywhere."""
    for sign in ("\\", "%", "_"):
        value = value.replace(sign, "\\" + sign)
    return f"%{value}%"


@dataclass(frozen=True)
class Fate:
    """What happens to a table's rows, and why that is right."""

    act: str  # keep, remove, free
    why: str
    blank: tuple[str, ...] = field(default=())


def keep(why: str, blank: tuple[str, ...] = ()) -> Fate:
    """Facts that stay for totals; the columns in `blank` are emptied."""
    return Fate("keep", why, blank)


def remove(why: str) -> Fate:
    """The person's rows go."""
    return Fate("remove", why)


def free(why: str) -> Fate:
    """Nothing of a member can stand there."""
    return Fate("free", why)


Eraser = Callable[[Person], int]
fates: dict[str, Fate] = {}
erasers: dict[str, Eraser] = {}


def decide(label: str, fate: Fate) -> None:
    """Say what happens to a model's rows, once."""
    if label in fates:
        raise ValueError(f"{label} is decided on twice")
    fates[label] = fate


def eraser(label: str) -> Callable[[Eraser], Eraser]:
    """Declare what empties a model of a person; runs before rows are removed."""

    def keep_it(function: Eraser) -> Eraser:
        if label in erasers:
            raise ValueError(f"{label} has two erasers")
        erasers[label] = function
        return function

    return keep_it


# -- Carrying it out -----------------------------------------------------------------------------
def apply(person: Person) -> dict[str, int]:
    """Every eraser, then every table with a key to a member; rows touched per table."""
    counts: dict[str, int] = {}
    for label, function in erasers.items():
        counts[label] = function(person)
    for held in tables():
        fate = fates.get(held.label) or remove("")
        done = _apply(held, fate, person)
        counts[held.label] = counts.get(held.label, 0) + done
    return {label: count for label, count in counts.items() if count}


def _apply(held: Any, fate: Fate, person: Person) -> int:
    if fate.act == "remove":
        slots = {"table": pg.Identifier(held.table), "member": pg.Identifier(held.member)}
        return sql.execute("members/privacy/remove_rows", {"ids": person.ids}, **slots)
    if not fate.blank:
        return 0
    model = apps.get_model(held.label)
    sets = pg.SQL(", ").join(_emptied(model, name) for name in fate.blank)
    slots = {"table": pg.Identifier(held.table), "member": pg.Identifier(held.member)}
    return sql.execute("members/privacy/blank_rows", {"ids": person.ids}, sets=sets, **slots)


def _emptied(model: type[models.Model], name: str) -> pg.Composable:
    column: Any = model._meta.get_field(name)
    value = "NULL" if column.null else {"JSONField": "'{}'"}.get(column.get_internal_type(), "''")
    return pg.SQL("{} = {}").format(pg.Identifier(column.column), pg.SQL(value))


# -- What the test asks --------------------------------------------------------------------------
TEXTS = (models.CharField, models.TextField, models.JSONField, models.BinaryField, models.GenericIPAddressField)


def with_member(model: type[models.Model]) -> bool:
    """Whether rows of a model are some member's."""
    return any(f.related_model is Member or f.column == "member_id" for f in model._meta.local_concrete_fields)


def with_text(model: type[models.Model]) -> list[str]:
    """Columns of a model that could say anything: texts without choices, JSON, bytes."""
    return [f.name for f in model._meta.local_concrete_fields if isinstance(f, TEXTS) and not f.choices and not f.is_relation]


def undecided() -> list[str]:
    """Tables nobody has decided on."""
    models_ = [model for model in apps.get_models() if not model._meta.proxy]
    asked = [model for model in models_ if with_member(model) or with_text(model)]
    return sorted(model._meta.label for model in asked if model._meta.label not in fates and model._meta.label not in erasers)
