"""The pool's own fields in the member list: filters and columns."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import JSONField, Q, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.lookups import GreaterThanOrEqual, IContains, LessThanOrEqual
from django.utils.translation import gettext as _

from members import columns, filters
from members.attributes import queries, values
from members.attributes.shown import REVEALS
from members.attributes.usage import FILTER
from members.models import AttributeField, Member, Pool
from scrm.lib import formats

Kind = AttributeField.Kind
MOST = 10**15  # no number is greater
NONE = "none"
GROUP = "attributes"
KINDS = {Kind.NUMBER: "decimal", Kind.DATE: "text", Kind.MULTI: "pills"}


@filters.offer
def facets(pool: Pool) -> list[filters.Facet]:
    """A control per field: choices to tick, ranges of numbers and days, a text to find."""
    return [_facet(field) for field in queries.fields_of(pool)]


def _facet(field: AttributeField) -> filters.Facet:
    key, label = FILTER + field.key, str(field)
    if field.kind in (Kind.CHOICE, Kind.MULTI, Kind.BOOLEAN):
        long = len(field.choices) > 8
        said = f"{label}: %(option)s"
        return filters.Choice(key, label, _options(field), _any_of(field), sift=long, group=GROUP, said=said)
    if field.kind in (Kind.NUMBER, Kind.DATE):
        unit = "number" if field.kind == Kind.NUMBER else "day"
        between = _numbers(field.key) if field.kind == Kind.NUMBER else _days(field.key)
        return filters.Range(key, label, unit, between, group=GROUP, suffix=f" {field.unit}" if field.unit else "")
    return filters.Text(key, label, _text(field.key), group=GROUP)


def _options(field: AttributeField) -> Callable[[Pool], Sequence[filters.Option]]:
    own = [("true", _("是")), ("false", _("否"))] if field.kind == Kind.BOOLEAN else []
    own += [(value, field.choice_label(value)) for value in field.values]
    return lambda _pool: [*own, (NONE, _("未填写"))]


def _any_of(field: AttributeField) -> Callable[[list[str]], Q]:
    def where(chosen: list[str]) -> Q:
        found = Q(pk__in=[])
        for value in chosen:
            found |= _lacking(field.key) if value == NONE else _has(field, value)
        return found

    return where


def _lacking(key: str) -> Q:
    return ~Q(attributes__has_key=key)


def _has(field: AttributeField, value: str) -> Q:
    if field.kind == Kind.BOOLEAN:
        return Q(attributes__contains={field.key: value == "true"})
    found = Q()
    for name in field.formerly(value):
        found |= Q(attributes__contains={field.key: [name] if field.kind == Kind.MULTI else name})
    return found


def _numbers(key: str) -> Callable[[Any, Any, Pool], Q]:
    return lambda low, high, _pool: _between(key, -MOST if low is None else low, MOST if high is None else high)


def _days(key: str) -> Callable[[Any, Any, Pool], Q]:
    def where(low: date | None, high: date | None, _pool: Pool) -> Q:
        return _between(key, (low or date.min).isoformat(), (high or date.max).isoformat())

    return where


def _between(key: str, low: float | str, high: float | str) -> Q:
    """Between two bounds of one kind there are only values of that kind: others sort before or after all of them."""
    path, first, last = KeyTransform(key, "attributes"), Value(low, JSONField()), Value(high, JSONField())
    return Q(GreaterThanOrEqual(path, first)) & Q(LessThanOrEqual(path, last))


def _text(key: str) -> Callable[[str, Pool], Q]:
    return lambda text, _pool: Q(IContains(KeyTextTransform(key, "attributes"), text))


# -- Columns -------------------------------------------------------------------------------------
@columns.offer
def offered(pool: Pool) -> list[columns.Column]:
    """A column per field; sensitive ones only for those who may see contacts in full."""
    return [_column(field) for field in queries.fields_of(pool)]


def _column(field: AttributeField) -> columns.Column:
    permission = REVEALS if field.is_sensitive else "members.view"
    label = f"{field}{formats.bracketed(field.unit)}" if field.unit else str(field)
    kind = KINDS.get(Kind(field.kind), "text")
    return columns.Column(FILTER + field.key, label, values=_values(field), kind=kind, permission=permission)


def _values(field: AttributeField) -> columns.Values:
    def found(_pool: Pool, members: Sequence[Member]) -> Mapping[int, Any]:
        return {each.pk: _cell(field, each.attributes.get(field.key)) for each in members}

    return found


def _cell(field: AttributeField, value: Any) -> Any:
    """What the list prints: labels, not values; numbers stay numbers so that they line up."""
    if field.kind == Kind.MULTI and isinstance(value, list):
        return [field.choice_label(each) for each in value]
    if field.kind == Kind.NUMBER and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return values.shown(field, value) or None
