"""The rule builder's form: posted fields → a draft tree → JSON, and back; and the edits of its buttons.

Every node is a hidden `node` field "id:parent:kind" in page order, its inputs are `<id>.fact`,
`<id>.op`, `<id>.value` … A draft may be unfinished; only its JSON is judged, by the parser.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from segmentation.rules.catalog import Fact, Unknown, fact
from segmentation.rules.parse import MAX_CONDITIONS, MAX_DEPTH

JOINS = ("all", "any", "none")
FIRST_FACT = "last_order_at"
NODE = re.compile(r"^[a-z0-9]{1,12}$")
MONEY = ("money", "amount")
NUMBER = re.compile(r"^-?\d{1,16}(\.\d{1,6})?$")
WINDOW_KINDS = ("last", "ago", "period", "dates")


def uid() -> str:
    return "n" + secrets.token_hex(3)


@dataclass
class Row:
    """One condition as it stands in the form: raw texts."""

    fact: str = FIRST_FACT
    op: str = ""
    values: list[str] = field(default_factory=list)
    of: list[str] = field(default_factory=list)
    window: dict[str, str] = field(default_factory=dict)
    find: str = ""
    find_of: str = ""
    id: str = field(default_factory=uid)
    kind = "row"

    def __post_init__(self) -> None:
        try:
            self.about: Fact = fact(self.fact)
        except Unknown:
            self.fact, self.op = FIRST_FACT, ""
            self.about = fact(FIRST_FACT)
        if self.op not in self.about.operators:
            self.op, self.values = self.about.operators[0], []
        if self.about.kind == "date" and self.takes_window and not self.window:
            self.window = {"kind": "last", "n": "90", "unit": "days"}

    @property
    def takes_window(self) -> bool:
        return self.about.takes_window(self.op)

    @property
    def takes_value(self) -> bool:
        return self.about.takes_value(self.op)

    @property
    def listed(self) -> bool:
        """Whether its value is picked from a list."""
        return self.about.kind in ("choice", "set", "list") or (self.about.kind == "text" and self.op in ("in", "not_in"))

    @property
    def window_kind(self) -> str:
        return self.window.get("kind", "")

    @property
    def money(self) -> bool:
        return self.about.kind in MONEY


@dataclass
class Group:
    """Conditions and groups joined by all, any or none."""

    join: str = "all"
    children: list["Row | Group"] = field(default_factory=list)
    id: str = field(default_factory=uid)
    kind = "group"


Draft = Row | Group


def walk(node: Draft, depth: int = 1) -> Iterator[tuple[Draft, int]]:
    yield node, depth
    for child in node.children if isinstance(node, Group) else ():
        yield from walk(child, depth + 1)


# -- Form to draft -------------------------------------------------------------------------------
def decode(data: QueryDict) -> Group:
    """The draft a form holds; without one, an empty group."""
    nodes: dict[str, Draft] = {}
    root: Group | None = None
    for token in data.getlist("node")[: 4 * MAX_CONDITIONS]:
        key, _, rest = token.partition(":")
        parent, _, kind = rest.partition(":")
        if not NODE.match(key) or key in nodes:
            continue
        made: Draft = _group(data, key) if kind == "group" else _row(data, key)
        above = nodes.get(parent)
        if isinstance(above, Group):
            above.children.append(made)
        elif root is None and isinstance(made, Group):
            root = made
        else:
            continue
        nodes[key] = made
    return root or Group()


def _group(data: QueryDict, key: str) -> Group:
    join = data.get(f"{key}.join", "all")
    return Group(join if join in JOINS else "all", id=key)


def _row(data: QueryDict, key: str) -> Row:
    about, old = data.get(f"{key}.fact", FIRST_FACT), data.get(f"{key}.was", "")
    same = not old or old == about
    texts = {name: data.get(f"{key}.w{name}", "") for name in ("kind", "n", "unit", "far", "near", "period", "from", "to")}
    return Row(
        about,
        data.get(f"{key}.op", "") if same else "",
        [value for value in data.getlist(f"{key}.value") if value.strip()] if same else [],
        [value for value in data.getlist(f"{key}.of") if value.strip()] if same else [],
        {name: text for name, text in texts.items() if text} if same and texts["kind"] in WINDOW_KINDS else {},
        data.get(f"{key}.find", "")[:60] if same else "",
        data.get(f"{key}.findof", "")[:60] if same else "",
        key,
    )


# -- Draft to JSON -------------------------------------------------------------------------------
def as_rule(root: Group) -> tuple[dict[str, Any], dict[str, str]]:
    """The JSON of a draft, and which node stands at which JSON path."""
    places: dict[str, str] = {}
    return _json(root, "$", places), places


def _json(node: Draft, path: str, places: dict[str, str]) -> dict[str, Any]:
    places[path] = node.id
    if isinstance(node, Row):
        return _condition(node)
    if node.join == "none":
        places[f"{path}.not"] = node.id
        return {"not": {"any": _list(node, f"{path}.not.any", places)}}
    return {node.join: _list(node, f"{path}.{node.join}", places)}


def _list(group: Group, path: str, places: dict[str, str]) -> list[dict[str, Any]]:
    places[path] = group.id
    return [_json(child, f"{path}[{n}]", places) for n, child in enumerate(group.children)]


def place_of(path: str, places: Mapping[str, str]) -> str:
    """The node an error's path belongs to: the longest known beginning of the path."""
    while path and path not in places:
        path = re.sub(r"(\[\d+\]|\.[a-z_]+|\$)$", "", path)
    return places.get(path, "")


def _condition(row: Row) -> dict[str, Any]:
    made: dict[str, Any] = {"fact": row.fact, "op": row.op}
    if row.takes_value and row.values:
        made["value"] = _value(row)
    if row.about.subject and row.of:
        made["of"] = [_whole(text) for text in row.of] if row.about.subject.numeric else row.of
    if row.takes_window and row.window:
        made["window"] = _window(row.window)
    return made


def _value(row: Row) -> Any:
    if row.listed:
        return [_whole(text) for text in row.values] if row.about.numeric else row.values
    if row.about.kind == "text":
        return row.values[0]
    numbers = [_number(text, row.money) for text in row.values]
    return numbers[:2] if row.op == "between" else numbers[0]


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else text


def _number(text: str, money: bool) -> int | float | str:
    """What was typed as a number, money in minor units; the text itself when it is none."""
    plain = re.sub(r"[,，\s¥￥]", "", text)
    if not NUMBER.match(plain):
        return text
    found = round(float(plain) * 100, 2) if money else float(plain)
    return int(found) if found.is_integer() else found


def _window(window: dict[str, str]) -> dict[str, Any]:
    match window.get("kind"):
        case "last":
            return {"last": _whole(window.get("n", "")), "unit": window.get("unit", "days")}
        case "ago":
            return {"ago": [_whole(window.get("far", "")), _whole(window.get("near", ""))]}
        case "period":
            return {"period": window.get("period", "this_month")}
    return {name: window[name] for name in ("from", "to") if window.get(name)} or {"from": None, "to": None}


# -- JSON to draft -------------------------------------------------------------------------------
def draft(rule: Any) -> Group:
    """The draft of a kept rule, for editing."""
    made = _draft(rule)
    return made if isinstance(made, Group) else Group("all", [made])


def _draft(node: Any) -> Draft:
    if "fact" in node:
        return _drafted(node)
    if "not" in node:
        inner = node["not"]
        return Group("none", [_draft(child) for child in inner.get("any", [inner])])
    join = "all" if "all" in node else "any"
    return Group(join, [_draft(child) for child in node.get(join, [])])


def _drafted(node: dict[str, Any]) -> Row:
    about = fact(node["fact"])
    value = node.get("value")
    values = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
    shown = [_shown(each, about.kind in MONEY) for each in values]
    return Row(about.key, node["op"], shown, [str(each) for each in node.get("of", [])], _drawn(node.get("window")))


def _shown(value: Any, money: bool) -> str:
    if money:
        return f"{value / 100:.2f}".rstrip("0").rstrip(".")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _drawn(window: dict[str, Any] | None) -> dict[str, str]:
    if not window:
        return {}
    if "last" in window:
        return {"kind": "last", "n": str(window["last"]), "unit": window.get("unit", "days")}
    if "ago" in window:
        return {"kind": "ago", "far": str(window["ago"][0]), "near": str(window["ago"][1])}
    if "period" in window:
        return {"kind": "period", "period": window["period"]}
    return {"kind": "dates", **{name: day for name, day in window.items() if day}}


# -- Edits ---------------------------------------------------------------------------------------
def edit(root: Group, command: str) -> Group:
    """Apply one button: "add-row:g1", "add-group:g1", "copy:r1", "remove:r1", "up:r1", "down:r1"."""
    verb, _, key = command.partition(":")
    found = {node.id: (node, depth) for node, depth in walk(root)}
    if key not in found:
        return root
    node, depth = found[key]
    parent = next((each for each, _ in walk(root) if isinstance(each, Group) and node in each.children), None)
    if isinstance(node, Group) and verb in ("add-row", "add-group"):
        _add(root, node, depth, group=verb == "add-group")
    elif parent is not None:
        _move(root, parent, node, verb)
    return root


def _add(root: Group, parent: Group, depth: int, *, group: bool) -> None:
    if sum(isinstance(node, Row) for node, _ in walk(root)) >= MAX_CONDITIONS:
        return
    if not group:
        parent.children.append(Row())
    elif depth + 2 <= MAX_DEPTH:
        parent.children.append(Group("any", [Row()]))


def _move(root: Group, parent: Group, node: Draft, verb: str) -> None:
    siblings, here = parent.children, parent.children.index(node)
    if verb == "copy":
        siblings.insert(here + 1, _copied(node))
    elif verb == "remove":
        siblings.remove(node)
    elif verb in ("up", "down"):
        there = here + (1 if verb == "down" else -1)
        if 0 <= there < len(siblings):
            siblings[here], siblings[there] = siblings[there], siblings[here]
        else:
            _out(root, parent, node, after=verb == "down")


def _out(root: Group, parent: Group, node: Draft, *, after: bool) -> None:
    """Past the edge of its group a node moves into the group around it."""
    above = next((each for each, _ in walk(root) if isinstance(each, Group) and parent in each.children), None)
    if above is not None:
        parent.children.remove(node)
        above.children.insert(above.children.index(parent) + after, node)


def _copied(node: Draft) -> Draft:
    if isinstance(node, Group):
        return Group(node.join, [_copied(child) for child in node.children])
    return Row(node.fact, node.op, list(node.values), list(node.of), dict(node.window))


def without(root: Group, ids: set[str]) -> Group:
    """The draft without some nodes and without groups that become empty."""
    kept: list[Draft] = []
    for child in root.children:
        if child.id in ids:
            continue
        if isinstance(child, Group):
            child = without(child, ids)
            if not child.children:
                continue
        kept.append(child)
    return Group(root.join, kept, root.id)
