"""What the builder shows while a rule is being composed: counts, faults, choices, sentence, people."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.attributes import queries as fields
from members.models import Member, Pool
from members.versions import versions
from scrm.lib import formats
from segmentation import builder, choices, evaluate, own
from segmentation.builder import Draft, Group
from segmentation.evaluate import Evaluation, NodeCount, Result, count
from segmentation.rows import MONEY, Narrow, Row
from segmentation.rules.anchors import ANCHORS
from segmentation.rules.ast import Node
from segmentation.rules.catalog import GROUPS, Fact, Filter, facts
from segmentation.rules.parse import MAX_FILTERS, Fault, RuleError, parse, read
from segmentation.rules.periods import AHEAD, PERIODS, UNITS
from segmentation.segments import queries
from segmentation.standings import rules as standings

OPERATOR_LABELS: dict[str, tuple[str, str]] = {
    "in": ("属于", "is one of"),
    "not_in": ("不属于", "is none of"),
    "is": ("是", "is"),
    "is_not": ("不是", "is not"),
    "contains": ("包含", "contains"),
    "not_contains": ("不包含", "does not contain"),
    "starts_with": ("开头是", "starts with"),
    "known": ("已知", "is known"),
    "unknown": ("未知", "is not known"),
    "gte": ("大于等于", "at least"),
    "lte": ("小于等于", "at most"),
    "gt": ("大于", "more than"),
    "lt": ("小于", "less than"),
    "eq": ("等于", "exactly"),
    "between": ("介于", "between"),
    "any": ("有过", "at least once"),
    "none": ("没有过", "never"),
    "within": ("在", "was"),
    "not_within": ("不在", "was not"),
    "share": ("占比", "share"),
    "yes": ("为真", "is true"),
    "no": ("为假", "is false"),
}
FLAG_LABELS = {"yes": ("是", "yes"), "no": ("否", "no")}
SET_LABELS = {"any": ("含任一", "any of"), "all": ("全部含有", "all of"), "none": ("都不含", "none of")}
HELD = 300  # seconds that a list of choices is remembered


def language() -> str:
    return get_language() or "zh-hans"


def operator_label(about: Fact, op: str) -> str:
    pair = SET_LABELS[op] if about.kind in ("set", "list") and op in SET_LABELS else OPERATOR_LABELS[op]
    return pair[0] if language().startswith("zh") else pair[1]


def filter_operator(one: Filter, op: str) -> str:
    pair = FLAG_LABELS[op] if one.kind == "flag" else OPERATOR_LABELS[op]
    return pair[0] if language().startswith("zh") else pair[1]


Options = list[tuple[str, str, bool]]  # value, label, whether it is chosen


@dataclass
class Picked:
    """What one list of choices shows."""

    options: Options = field(default_factory=list)
    long: bool = False

    @property
    def chosen(self) -> list[str]:
        return [label for _value, label, picked in self.options if picked]


@dataclass
class FilterView:
    """One filter with everything its template needs."""

    n: int
    row: Narrow
    operators: list[tuple[str, str]]
    picked: Picked

    @property
    def label(self) -> str:
        return self.row.about.label.said(language())

    @property
    def names(self) -> dict[str, str]:
        """Of the fields of its list of choices."""
        return {"value": f"f{self.n}.value", "find": f"f{self.n}.find", "pick": f"f{self.n}"}

    @property
    def value(self) -> str:
        return self.row.values[0] if self.row.values else ""

    @property
    def value2(self) -> str:
        return self.row.values[1] if len(self.row.values) > 1 else ""


@dataclass
class NodeView:
    """A node of the draft with everything its template needs."""

    node: Draft
    faults: list[str] = field(default_factory=list)
    count: NodeCount | None = None
    share: float = 0.0
    children: list["NodeView"] = field(default_factory=list)
    operators: list[tuple[str, str]] = field(default_factory=list)
    options: list[tuple[str, str, bool]] = field(default_factory=list)
    of_options: list[tuple[str, str, bool]] = field(default_factory=list)
    long: bool = False
    of_long: bool = False
    filters: list[FilterView] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)  # what it can be filtered by
    then: Picked = field(default_factory=Picked)
    window_of: Picked = field(default_factory=Picked)
    windows: dict[str, Any] = field(default_factory=dict)
    palette: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)  # the facts a group can be given
    stray: bool = False  # asks for a field that is not offered any more
    nests: bool = True  # another group may stand in it

    @property
    def id(self) -> str:
        return self.node.id

    def walk(self) -> Iterator["NodeView"]:
        """It and everything in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def label(self) -> str:
        return self.node.about.label.said(language()) if isinstance(self.node, Row) else ""

    @property
    def unit(self) -> str:
        about = self.node.about if isinstance(self.node, Row) else None
        if about and about.kind in MONEY:
            return formats.currency_sign()
        return about.unit.said(language()) if about and about.unit else ""

    @property
    def subject(self) -> str:
        about = self.node.about if isinstance(self.node, Row) else None
        return about.subject.label.said(language()) if about and about.subject else ""

    @property
    def narrowable(self) -> bool:
        return bool(self.fields) and len(self.filters) < MAX_FILTERS

    @property
    def then_unit(self) -> str:
        return self.node.then.get("unit", "days") if isinstance(self.node, Row) else ""

    @property
    def note(self) -> str:
        about = self.node.about if isinstance(self.node, Row) else None
        return about.note.said(language()) if about and about.note else ""

    @property
    def chosen(self) -> list[str]:
        return [label for _value, label, picked in self.options if picked]

    @property
    def of_chosen(self) -> list[str]:
        return [label for _value, label, picked in self.of_options if picked]

    @property
    def value(self) -> str:
        return self.node.values[0] if isinstance(self.node, Row) and self.node.values else ""

    @property
    def value2(self) -> str:
        return self.node.values[1] if isinstance(self.node, Row) and len(self.node.values) > 1 else ""


@dataclass
class Preview:
    """One answer of the builder."""

    root: NodeView
    result: Result
    sentence: str
    translated: str  # the same in the other language
    sample: list[Member]
    bars: list[queries.Bar]
    rule: dict[str, Any]
    faults: list[Fault]
    orphans: list[str]  # faults of the rule as a whole, and why a button did nothing
    full: bool  # no condition more

    def tell(self, draft: Group, faults: list[Fault]) -> None:
        """Put what saving found wrong beside the rows it is about."""
        told = _by_node(faults, builder.as_rule(draft)[1])
        for view in self.root.walk():
            view.faults = [*view.faults, *told.pop(view.id, [])]
        self.orphans += [said for rest in told.values() for said in rest]


def preview(pool: Pool, root: Group, as_of: datetime) -> Preview:
    """Judge the whole draft, count the part of it that can be read."""
    rule, places = builder.as_rule(root)
    faults = read(rule)[1]
    told = _by_node(faults, places)
    tree, kept = _sound(root, set(told))
    if gone := evaluate.faults(pool, tree):
        faults, told = [*faults, *gone], {**told, **_by_node(gone, kept)}
        tree, kept = _sound(root, set(told))
    try:
        result = count(pool, tree, as_of)
    except RuleError as error:  # what it is made of went just now
        result = Result(0, 0, BitMap(), {}, 0.0, True, 0, as_of)
        faults, told = [*faults, *error.faults], {**told, **_by_node(error.faults, kept)}
    counts = {kept[path]: found for path, found in result.per_node.items() if path in kept}
    view = _Viewer(pool, result.total, counts, told)
    look = Evaluation(pool, as_of)
    return Preview(
        view.of(root),
        result,
        queries.sentence(pool, tree, view.names),
        queries.sentence(pool, tree, language="en" if language().startswith("zh") else "zh-hans"),
        queries.sample(result.bitmap),
        queries.reach(look, result.bitmap, language()),
        rule,
        faults,
        [*view.faults.get("", []), *([root.refused.said(language())] if root.refused else [])],
        builder.is_full(root),
    )


def _sound(root: Group, faulty: set[str]) -> tuple[Node, dict[str, str]]:
    """The draft without its faulty nodes, and which node stands at which path of it."""
    sound = builder.without(root, faulty) if faulty else root
    judged, kept = builder.as_rule(sound)
    return parse(judged if sound.children else {"all": []}), kept


def _by_node(faults: list[Fault], places: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(builder.place_of(fault.path, places), []).append(fault.text.said(language()))
    return found


class _Viewer:
    def __init__(self, pool: Pool, total: int, counts: dict[str, NodeCount], faults: dict[str, list[str]]) -> None:
        self.pool, self.total, self.counts, self.faults = pool, total, counts, faults
        self.names = choices.namer(pool)
        self.fields = fields.by_key(pool)
        self.versions = versions(pool.pk)
        self.facts = fact_groups(pool)

    def of(self, node: Draft, depth: int = 1) -> NodeView:
        found = self.counts.get(node.id)
        view = NodeView(node, self.faults.get(node.id, []), found, found.after / self.total if found and self.total else 0.0)
        if isinstance(node, Group):
            view.children = [self.of(child, builder.below(node, depth)) for child in node.children]
            view.nests = builder.nests(node, depth)
            view.palette = sought(self.facts, node.seek)
        else:
            self.row(view, node)
        return view

    def row(self, view: NodeView, row: Row) -> None:
        about = row.about
        if about.scheme:
            scheme = standings.scheme_of(self.pool, about)
            about = row.about = standings.dressed(about, scheme) if scheme else about
            view.stray = scheme is None or not scheme.is_active
        if about.attribute:
            field = self.fields.get(about.attribute)
            row.about = replace(own.dressed(about, field), choices=about.choices) if field else about
            view.stray = field is None or field.is_archived
        view.operators = [(op, operator_label(about, op)) for op in about.operators]
        if row.listed and row.takes_value:
            static = [(str(choice.value), choice.label.said(language())) for choice in about.choices]
            found = static or self.offered(about.source, row.find, tuple(row.of))
            view.options = self.picked(found, row.values, about.source, about.numeric)
            view.long = not static and (bool(row.find) or len(found) >= choices.LIMIT)
        if about.subject:
            found = self.offered(about.subject.source, row.find_of, ())
            view.of_options = self.picked(found, row.of, about.subject.source, about.subject.numeric)
            view.of_long = bool(row.find_of) or len(found) >= choices.LIMIT
        view.windows = windows_of(about)
        view.fields = [(each.key, each.label.said(language())) for each in about.filters]
        view.filters = [self.filter(n, each) for n, each in enumerate(row.filters)]
        if about.then == "asked":
            view.then = self.pick("happenings", row.then_of)
        if (anchor := ANCHORS.get(row.window.get("since", ""))) and anchor.source:
            view.window_of = self.pick(anchor.source, row.window_of)

    def filter(self, n: int, row: Narrow) -> FilterView:
        about = row.about
        operators = [(op, filter_operator(about, op)) for op in about.operators]
        if about.kind == "property":  # its name is written, with what is known to choose from
            known = self.pick(about.source, [])
        elif row.listed and about.choices:
            static = [(str(choice.value), choice.label.said(language())) for choice in about.choices]
            known = Picked(self.picked(static, row.values, "", about.numeric))
        else:
            known = self.pick(about.source, row.values, row.find, numeric=about.numeric) if row.listed else Picked()
        return FilterView(n, row, operators, known)

    def pick(self, source: str, chosen: list[str], find: str = "", *, numeric: bool = False) -> Picked:
        found = self.offered(source, find, ())
        return Picked(self.picked(found, chosen, source, numeric), bool(find) or len(found) >= choices.LIMIT)

    def offered(self, source: str, q: str, of: tuple[str, ...]) -> list[tuple[str, str]]:
        """Choices are remembered while their data stands still: some take a scan to find."""
        asked = hashlib.sha256(repr((source, q, of, language(), sorted(self.versions.items()))).encode()).hexdigest()
        key = f"choices:{self.pool.pk}:{asked}"

        def make() -> list[tuple[str, str]]:
            return [(str(value), label) for value, label in choices.options(self.pool, source, q, of)]

        return make() if source == "segments" else cache.get_or_set(key, make, HELD) or []

    def picked(self, found: list[tuple[str, str]], chosen: list[str], source: str, numeric: bool) -> list[tuple[str, str, bool]]:
        """What is chosen first, also when the search does not find it; then the rest."""
        labels, known = dict(found), set(chosen)
        first = [(value, self.named(source, value, labels.get(value, ""), numeric), True) for value in chosen]
        return first + [(value, self.named(source, value, label, numeric), False) for value, label in found if value not in known]

    def named(self, source: str, value: str, label: str, numeric: bool) -> str:
        """The label that was found; otherwise the name, looked up."""
        if label and source not in ("event_kinds", "happenings"):
            return label
        return self.names(source, int(value) if numeric and value.isdecimal() and len(value) < 19 else value)


# -- What every row offers -----------------------------------------------------------------------
def fact_groups(pool: Pool) -> list[tuple[str, list[tuple[str, str]]]]:
    """The grouped select of facts, the pool's own among them."""
    found: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
    for about in (*facts().values(), *own.facts(pool), *standings.facts(pool)):
        found[about.group].append((about.key, about.label.said(language())))
    return [(GROUPS[group].said(language()), items) for group, items in found.items() if items]


def sought(groups: list[tuple[str, list[tuple[str, str]]]], seek: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The facts whose name, or whose group's name, holds every word that is looked for."""
    words = seek.lower().split()
    if not words:
        return groups
    kept = [
        (group, [(key, label) for key, label in items if all(word in f"{group} {label} {key}".lower() for word in words)])
        for group, items in groups
    ]
    return [(group, items) for group, items in kept if items]


def windows_of(about: Fact) -> dict[str, Any]:
    """The choices of a fact's window."""
    kinds = [("last", _("最近")), ("period", _("日历周期")), ("dates", _("日期区间")), ("ago", _("多少天前"))]
    if about.ahead:
        kinds.insert(1, ("next", _("未来")))
    if about.anchored:
        kinds.append(("since", _("另一事件之后")))
    periods = PERIODS | AHEAD if about.ahead else PERIODS
    ahead = {unit: text for unit, text in UNITS.items() if unit != "hours"}
    return {
        "kinds": kinds,
        "units": [(unit, text.said(language())) for unit, text in UNITS.items()],
        "ahead": [(unit, text.said(language())) for unit, text in ahead.items()],
        "periods": [(period, text.said(language())) for period, text in periods.items()],
        "anchors": [(key, anchor.label.said(language()).replace("{of}", str(_("行为")))) for key, anchor in ANCHORS.items()],
    }


def windows() -> dict[str, Any]:
    """The units a sequence is timed in."""
    return {"then": [(unit, UNITS[unit].said(language())) for unit in ("hours", "days")]}
