"""A pool's own fields as facts of rules: which there are, what they are called, and that a rule's field still exists."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from members.attributes import queries as fields
from members.models import AttributeField, Pool
from segmentation.rules.ast import All, Condition, Node, conditions
from segmentation.rules.catalog import Fact, Text, fact
from segmentation.rules.facts_own import key_of
from segmentation.rules.parse import Fault, RuleError

GONE = Text(
    "这个自定义字段已不存在，或类型不同：请重新选择", "This field does not exist any more, or is of another kind: choose again"
)
Fields = Mapping[str, AttributeField]
Known = Callable[[], Fields]  # asked only when a rule names a field


def facts(pool: Pool) -> list[Fact]:
    """A fact per field of the pool, named as the pool names it."""
    return [dressed(fact(key_of(field.kind, field.key)), field) for field in fields.fields_of(pool)]


def dressed(about: Fact, field: AttributeField) -> Fact:
    """A fact with the names of its field."""
    choices = about.choices or tuple(
        _choice(field, value)
        for value in field.values
        if about.source  # for programs that read the catalogue
    )
    unit = Text(field.unit, field.unit) if field.unit else None
    return replace(about, label=Text(field.said("zh"), field.said("en")), unit=unit, choices=choices)


def _choice(field: AttributeField, value: str) -> Any:
    from segmentation.rules.catalog import Choice

    return Choice(value, Text(field.choice_label(value, "zh"), field.choice_label(value, "en")))


def label(field: AttributeField, language: str) -> str:
    """What a sentence calls a field."""
    name = field.said(language)
    if not field.unit:
        return name
    return f"{name}（{field.unit}）" if language.startswith("zh") else f"{name} ({field.unit})"


def names(pool: Pool, keys: Iterable[str], language: str) -> dict[str, str]:
    known = fields.by_key(pool)
    return {key: label(known[key], language) for key in keys if key in known}


def choice_names(pool: Pool, key: str, values: Iterable[Any], language: str) -> dict[Any, str]:
    field = fields.by_key(pool).get(key)
    return {value: field.choice_label(value, language) if field else str(value) for value in values}


def options(pool: Pool, key: str, q: str, limit: int, language: str) -> list[tuple[str, str]]:
    """The choices of a field that contain a text."""
    field = fields.by_key(pool).get(key)
    found = [(value, field.choice_label(value, language)) for value in field.values] if field else []
    return [(value, said) for value, said in found if q.lower() in said.lower() or q.lower() in value.lower()][:limit]


# -- Rules that name fields ----------------------------------------------------------------------
def faults(known: Known, tree: Node) -> list[Fault]:
    """Conditions whose field is gone: such a rule selects nobody and everybody's opposite, so it is refused."""
    return [Fault(f"{path}.fact", "gone", GONE) for path, found in conditions(tree) if is_gone(known, found)]


def is_gone(known: Known, condition: Condition) -> bool:
    about = fact(condition.fact)
    if not about.attribute:
        return False
    field = known().get(about.attribute)
    return field is None or key_of(field.kind, field.key) != about.key


def settled(known: Known, condition: Condition) -> Node:
    """The condition with every name its choices have had: rows and rules may say either while values are rewritten."""
    about = fact(condition.fact)
    if not about.attribute:
        return condition
    if is_gone(known, condition):
        raise RuleError([Fault("$", "gone", GONE)])
    if not about.source or not isinstance(condition.value, tuple):
        return condition
    called = [_called(known()[about.attribute], str(value)) for value in condition.value]
    if condition.op == "all" and any(len(each) > 1 for each in called):
        return All(tuple(replace(condition, op="any", value=each) for each in called))
    return replace(condition, value=tuple(dict.fromkeys(name for each in called for name in each)))


def _called(field: AttributeField, value: str) -> tuple[str, ...]:
    for choice in field.choices:
        if value == choice["value"] or value in choice.get("was", []):
            return tuple(field.formerly(choice["value"]))
    return (value,)
