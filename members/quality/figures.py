"""What is counted about members, each figure once: a condition that the count and the list of its rows share.

Conditions are constants over the columns of `members/sql/quality/*`: p.* of a person, p.kinds (a bit per
kind of identity), p.seen (last heard of). Keys and choices of the pool's own fields are bound as literals.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg

from members.attributes.queries import fields_of
from members.models import AttributeField, Identity, Pool

STALE = (90, 180, 365)
USUAL_STALE = 180
Kind = AttributeField.Kind
KINDS = list(Identity.Kind.values)  # the place of a kind is its bit

# In the future, older than anybody, or the first day of what computers count from.
IMPLAUSIBLE = (
    "p.birthday > %(today)s::date OR p.birthday < %(today)s::date - interval '110 years'"
    " OR p.birthday IN ('1900-01-01'::date, '1970-01-01'::date)"
)
PLAIN: dict[str, tuple[Any, str]] = {
    "field.name": (gettext_lazy("姓名"), "p.name <> ''"),
    "field.gender": (gettext_lazy("性别"), "p.gender <> 0"),
    "field.birthday": (gettext_lazy("生日"), "p.birthday IS NOT NULL"),
    "field.province": (gettext_lazy("省份"), "p.province <> ''"),
    "field.city": (gettext_lazy("城市"), "p.city <> ''"),
    "identity.any": (gettext_lazy("任一身份标识"), "p.kinds <> 0"),
    "invalid.name": (
        gettext_lazy("姓名像占位"),
        "p.name ~* '^([0-9]+|test.*|测试.*|null|none|n/a|匿名.*|未知|无|没有|[-_.*?]+)$'",
    ),
    "invalid.birthday": (
        gettext_lazy("生日不可信"),
        IMPLAUSIBLE,
    ),
    "conflict.overruled": (gettext_lazy("资料被别的来源改过"), "p.overruled"),
}


@dataclass(frozen=True)
class Figure:
    """One count: its name, what it is called, whom it counts, and whether few are good."""

    name: str
    label: str
    test: pg.Composable
    group: str

    @property
    def is_gap(self) -> bool:
        """Whether it counts something wrong rather than something there."""
        return self.group not in ("field", "identity")


def every(pool: Pool) -> dict[str, Figure]:
    """All figures of a pool by name, its own fields among them."""
    found = [*_plain(), *_identities(), *_stale(), *_own(pool)]
    return {figure.name: figure for figure in found}


def _plain() -> Iterable[Figure]:
    for name, (label, test) in PLAIN.items():
        yield Figure(name, str(label), pg.SQL(test), name.partition(".")[0])


def _identities() -> Iterable[Figure]:
    for bit, kind in enumerate(KINDS):
        test = pg.SQL("p.kinds & {} <> 0").format(pg.Literal(1 << bit))
        yield Figure(f"identity.{kind}", str(Identity.Kind(kind).label), test, "identity")


def _stale() -> Iterable[Figure]:
    for days in STALE:
        test = pg.SQL("p.seen < %(as_of)s::timestamptz - make_interval(days => {})").format(pg.Literal(days))
        yield Figure(f"stale.{days}", _("%(n)s 天没有任何动静") % {"n": days}, test, "stale")


def _own(pool: Pool) -> Iterable[Figure]:
    for field in fields_of(pool):
        key = pg.Literal(field.key)
        yield Figure(f"field.attr:{field.key}", str(field), pg.SQL("p.attributes ? {}").format(key), "field")
        wrong = _WRONG[Kind(field.kind)].format(key=key, known=pg.Literal(_known(field)))
        label = _("%(field)s：值不合类型") % {"field": field}
        whole = pg.SQL("p.attributes ? {} AND NOT coalesce({}, false)").format(key, wrong)
        yield Figure(f"invalid.attr:{field.key}", label, whole, "invalid")


def _known(field: AttributeField) -> list[str]:
    names = [name for value in field.values for name in field.formerly(value)]
    return [name.replace("%", "%%") for name in names] or [""]  # the statement is given parameters besides


# What a value of each kind looks like; anything else under its key is wrong.
_WRONG = {
    Kind.TEXT: pg.SQL("jsonb_typeof(p.attributes -> {key}) = 'string'"),
    Kind.NUMBER: pg.SQL("jsonb_typeof(p.attributes -> {key}) = 'number'"),
    Kind.DATE: pg.SQL("p.attributes ->> {key} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$'"),
    Kind.CHOICE: pg.SQL("p.attributes ->> {key} = ANY({known}::text [])"),
    Kind.MULTI: pg.SQL("jsonb_typeof(p.attributes -> {key}) = 'array' AND p.attributes -> {key} <@ to_jsonb({known}::text [])"),
    Kind.BOOLEAN: pg.SQL("jsonb_typeof(p.attributes -> {key}) = 'boolean'"),
}
# Counted by statements of their own.
DUPLICATES = "duplicate.name_birthday"
OTHERS: dict[str, Any] = {
    "members": gettext_lazy("会员"),
    DUPLICATES: gettext_lazy("同名同生日"),
    "review.open": gettext_lazy("待确认身份"),
    "review.conflict": gettext_lazy("身份冲突待确认"),
}


def label_of(pool: Pool, name: str) -> str:
    """What a figure is called."""
    if name in OTHERS:
        return str(OTHERS[name])
    found = every(pool).get(name)
    return found.label if found else name
