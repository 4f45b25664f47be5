"""The one list of facts: key, labels, kind, operators, choices, data domains and SQL.

UI, API schema, docs/facts.md, parser, evaluation and sentences all read it. With `facts_*.py` it is
the only place where a rule meets table names. Templates hold `{slots}` that are filled from the
constants of `statements.py`; values are bound, never written in.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from segmentation.rules.ast import Condition

Kind = Literal["choice", "text", "number", "money", "count", "amount", "date", "set", "sample", "list"]

NUMERIC = ("gte", "lte", "gt", "lt", "eq", "between")
OPERATORS: dict[str, tuple[str, ...]] = {
    "choice": ("in", "not_in"),
    "text": ("is", "is_not", "contains", "not_contains", "starts_with", "known", "unknown"),
    "number": (*NUMERIC, "known", "unknown"),
    "money": (*NUMERIC, "known", "unknown"),
    "count": ("any", "none", *NUMERIC),
    "amount": NUMERIC,
    "date": ("within", "not_within", "known", "unknown"),
    "set": ("any", "all", "none"),
    "sample": ("share",),
    "list": ("any", "none"),
}
# Operators that take no value; the others need one.
BARE = frozenset({"known", "unknown", "within", "not_within"})


@dataclass(frozen=True)
class Text:
    """A wording in both languages; nothing here depends on the language of the moment."""

    zh: str
    en: str

    def said(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True)
class Choice:
    value: str | int
    label: Text


@dataclass(frozen=True)
class Subject:
    """What a fact is about, picked beside it: which event, which category, which attribute."""

    label: Text
    source: str
    numeric: bool = False
    required: bool = False
    single: bool = False


FilterKind = Literal["choice", "number", "money", "flag", "property"]
FILTER_OPERATORS: dict[str, tuple[str, ...]] = {
    "choice": ("in", "not_in"),
    "number": NUMERIC,
    "money": NUMERIC,
    "flag": ("yes", "no"),
    "property": ("is", "is_not", "in", "contains", *NUMERIC, "yes", "no", "known", "unknown"),
}
FILTER_BARE = frozenset({"yes", "no", "known", "unknown"})


@dataclass(frozen=True)
class Filter:
    """Narrows the rows of a fact: orders of a channel, lines of a brand, events with a property."""

    key: str
    label: Text
    kind: FilterKind
    measure: str  # what is compared; a property's is worked out from its name
    clause: str = "{test}"  # around the comparison
    choices: tuple[Choice, ...] = ()
    source: str = ""
    numeric: bool = False
    positive: bool = False  # can only be asked for, not excluded

    @property
    def operators(self) -> tuple[str, ...]:
        return ("in",) if self.positive else FILTER_OPERATORS[self.kind]


@dataclass(frozen=True)
class Fact:
    """Something that can be asked about a member."""

    key: str
    label: Text
    group: str
    kind: Kind
    domains: tuple[str, ...]  # versions in members.DataVersion that make its leaves stale
    sql: str = ""  # yields `id`; without it the evaluator works it out itself
    measure: str = ""  # the SQL expression the operator compares
    ratio: tuple[str, ...] = ()  # it is the mean of these two facts, of the same rows
    hidden: bool = False  # only others are made of it: rules cannot ask for it
    each: str = ""  # it is the sum of this over its rows, which may be sent instead of grouped: "1" counts them
    beside: tuple[str, ...] = ()  # facts whose measures cost nothing more when this one's rows are read
    pair: tuple[str, str] | None = None  # the rows of a sequence and of what may follow, which may be sent instead of joined
    missed: bool = False  # it counts what is not followed
    unit: Text | None = None
    choices: tuple[Choice, ...] = ()
    source: str = ""  # where choices come from when they are the pool's own
    numeric: bool = False  # choice and set values are numbers
    parts: tuple[tuple[str | int, tuple[Condition, ...]], ...] = ()  # what a choice stands for: conditions, all of them together
    subject: Subject | None = None
    time: str = ""  # the column a window bounds; empty: takes no window
    absent: int | None = None  # what members without a row count as
    dated: bool = False  # depends on today's date
    ahead: bool = False  # its dates may lie in the future
    present: bool = False  # how somebody is now, not what happened: only a window looks at its time
    yearly: bool = False  # its day comes every year: birthdays, anniversaries
    row: str = ""  # what its SQL calls the table with `member_id`
    of_sql: str = ""  # compares `of`
    filters: tuple[Filter, ...] = ()
    filtered: bool = False  # makes no sense without a filter
    then: Literal["", "asked", "days"] = ""  # what follows is asked for, or only how soon
    timed: bool = False  # depends on the minute
    optional: bool = False  # of a choice: it can be unknown
    attribute: str = ""  # the key of the pool's own field it asks for
    scheme: int = 0  # the pool's scheme it asks for
    model: str = ""  # whose predictions it asks for; "lookalike:" with what was chosen behind
    integral: bool = True
    note: Text | None = None
    # For sentences; `[…]` is said only when something was chosen, `{of}` is what.
    phrase: Text | None = None  # a noun: "orders[ on {of}]"
    deed: Text | None = None  # what members with a row did: "bought {of}"
    deny: Text | None = None  # the opposite, where "not" in front will not do

    @property
    def operators(self) -> tuple[str, ...]:
        if self.kind == "text" and self.subject and self.subject.single:
            return ("in", "not_in", "contains", "not_contains", "known", "unknown")
        if (self.attribute and self.kind in ("choice", "set")) or self.optional:
            return (*OPERATORS[self.kind], "known", "unknown")
        return OPERATORS[self.kind]

    @property
    def windowed(self) -> bool:
        return bool(self.time)

    @property
    def anchored(self) -> bool:
        """Whether its windows may begin at another event."""
        return "{since}" in self.sql

    def filter(self, key: Any) -> Filter | None:
        return next((each for each in self.filters if each.key == key), None)

    def takes_value(self, op: str) -> bool:
        return op not in BARE and not (self.kind == "count" and op in ("any", "none"))

    def takes_window(self, op: str) -> bool:
        return op in ("within", "not_within") if self.kind == "date" else self.windowed


GROUPS: dict[str, Text] = {
    "profile": Text("基本资料", "Profile"),
    "own": Text("自定义资料", "Own fields"),
    "tags": Text("标签与分群", "Tags and segments"),
    "value": Text("价值与生命周期", "Value and lifecycle"),
    "orders": Text("订单", "Orders"),
    "goods": Text("商品", "Products"),
    "events": Text("行为", "Behaviour"),
    "reach": Text("触达与同意", "Reach and consent"),
    "responses": Text("活动响应", "Campaign responses"),
    "loyalty": Text("积分与权益", "Points and benefits"),
    "other": Text("其他", "Other"),
}


class Unknown(KeyError):
    """No such fact: rules that name one are refused, never read as "everybody"."""


_facts: dict[str, Fact] = {}
_hidden: dict[str, Fact] = {}


def declare(*found: Fact) -> None:
    """Add facts to the catalogue; a key is given once."""
    for fact in found:
        if fact.key in _facts or fact.key in _hidden:
            raise ValueError(f"fact {fact.key!r} is declared twice")
        (_hidden if fact.hidden else _facts)[fact.key] = fact


def facts() -> dict[str, Fact]:
    """All facts by key, in the order of the catalogue."""
    _load()
    return _facts


def fact(key: str) -> Fact:
    """One fact, of the catalogue or of a pool's own field; raises `Unknown`."""
    _load()
    try:
        return _facts.get(key) or _hidden.get(key) or _own(key)
    except (KeyError, TypeError):
        raise Unknown(key) from None


def asked_for(key: str) -> Fact:
    """One fact that a rule may name; raises `Unknown`."""
    if (found := fact(key)).hidden:
        raise Unknown(key)
    return found


def _own(key: str) -> Fact:
    from segmentation.rules import facts_own, facts_standings

    if (found := facts_own.made(key) or facts_standings.made(key)) is None:
        raise KeyError(key)
    return found


@cache
def _load() -> None:
    from segmentation.rules import (  # noqa: F401
        facts_classes,
        facts_events,
        facts_goods,
        facts_habits,
        facts_loyalty,
        facts_member,
        facts_orders,
        facts_predictions,
        facts_reach,
        facts_responses,
        facts_state,
    )


def as_json(found: Fact, currency: str) -> dict[str, Any]:
    """A fact as the API's catalogue shows it; amounts, which are kept in hundredths, have the sign of the currency for unit."""
    unit = Text(currency, currency) if found.kind in ("money", "amount") else found.unit
    return {
        "key": found.key,
        "label": {"zh": found.label.zh, "en": found.label.en},
        "group": {"key": found.group, "zh": GROUPS[found.group].zh, "en": GROUPS[found.group].en},
        "kind": found.kind,
        "operators": list(found.operators),
        "unit": {"zh": unit.zh, "en": unit.en} if unit else None,
        "choices": [{"value": c.value, "zh": c.label.zh, "en": c.label.en} for c in found.choices],
        "source": found.source,
        "of": _subject(found.subject),
        "window": found.windowed,
        "since": found.anchored,
        "where": [_filter(each) for each in found.filters],
        "then": found.then,
        "domains": list(found.domains),
        "note": {"zh": found.note.zh, "en": found.note.en} if found.note else None,
    }


def _subject(subject: Subject | None) -> dict[str, Any] | None:
    if subject is None:
        return None
    return {
        "zh": subject.label.zh,
        "en": subject.label.en,
        "source": subject.source,
        "required": subject.required,
        "single": subject.single,
    }


def _filter(found: Filter) -> dict[str, Any]:
    return {
        "field": found.key,
        "zh": found.label.zh,
        "en": found.label.en,
        "kind": found.kind,
        "operators": list(found.operators),
        "choices": [{"value": c.value, "zh": c.label.zh, "en": c.label.en} for c in found.choices],
        "source": found.source,
    }
