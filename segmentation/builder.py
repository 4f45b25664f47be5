"""The rule builder's form: posted fields → a draft tree → JSON, and back; and the edits of its buttons.

Every node is a hidden `node` field "id:parent:kind" in page order, its inputs are `<id>.fact`,
`<id>.op`, `<id>.value` … A draft may be unfinished; only its JSON is judged, by the parser.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from segmentation import rows
from segmentation.rows import Row, uid
from segmentation.rules.catalog import Text
from segmentation.rules.parse import MAX_CONDITIONS, MAX_DEPTH

JOINS = ("all", "any", "none")
TOO_MANY = Text(
    f"复制后会超过 {MAX_CONDITIONS} 个条件，没有复制",
    f"A copy would make more than {MAX_CONDITIONS} conditions: nothing was copied",
)
NODE = re.compile(r"^[a-z0-9]{1,12}$")


@dataclass
class Group:
    """Conditions and groups joined by all, any or none."""

    join: str = "all"
    children: list["Row | Group"] = field(default_factory=list)
    id: str = field(default_factory=uid)
    seek: str = ""  # what is looked for among the facts
    refused: Text | None = None  # at the root: why the last button did nothing
    kind = "group"


Draft = Row | Group


def walk(node: Draft, depth: int = 1) -> Iterator[tuple[Draft, int]]:
    """Every node and how deep it stands in the rule's JSON."""
    yield node, depth
    if isinstance(node, Group):
        for child in node.children:
            yield from walk(child, below(node, depth))


def below(group: Group, depth: int) -> int:
    """How deep the children of a group stand: "none" is written as not any, two levels."""
    return depth + (2 if group.join == "none" else 1)


def nests(group: Group, depth: int) -> bool:
    """Whether one more group with a condition may stand in this one."""
    return below(group, depth) + 1 <= MAX_DEPTH


def is_full(root: Group) -> bool:
    """Whether the rule has as many conditions as it may."""
    return _size(root) >= MAX_CONDITIONS


def _size(node: Draft) -> int:
    return sum(isinstance(each, Row) for each, _ in walk(node))


# -- Form to draft -------------------------------------------------------------------------------
def decode(data: QueryDict) -> Group:
    """The draft a form holds; without one, an empty group."""
    nodes: dict[str, Draft] = {}
    root: Group | None = None
    rows_left = MAX_CONDITIONS
    for token in data.getlist("node")[: 4 * MAX_CONDITIONS]:
        key, _, rest = token.partition(":")
        parent, _, kind = rest.partition(":")
        if not NODE.match(key) or key in nodes or (kind != "group" and not rows_left):
            continue
        made: Draft = _group(data, key) if kind == "group" else rows.decode(data, key)
        above = nodes.get(parent)
        if isinstance(above, Group):
            above.children.append(made)
        elif root is None and isinstance(made, Group):
            root = made
        else:
            continue
        nodes[key] = made
        rows_left -= isinstance(made, Row)
    return root or Group()


def _group(data: QueryDict, key: str) -> Group:
    join = data.get(f"{key}.join", "all")
    return Group(join if join in JOINS else "all", id=key, seek=data.get(f"{key}.seek", "")[:40])


# -- Draft to JSON -------------------------------------------------------------------------------
def as_rule(root: Group) -> tuple[dict[str, Any], dict[str, str]]:
    """The JSON of a draft, and which node stands at which JSON path."""
    places: dict[str, str] = {}
    return _json(root, "$", places), places


def _json(node: Draft, path: str, places: dict[str, str], depth: int = 1) -> dict[str, Any]:
    places[path] = node.id
    if isinstance(node, Row):
        return rows.condition(node)
    if node.join != "none":
        return {node.join: _list(node, f"{path}.{node.join}", places, depth + 1)}
    if _is_tight(node, depth):
        return {"not": _json(node.children[0], f"{path}.not", places, depth + 1)}
    places[f"{path}.not"] = node.id
    return {"not": {"any": _list(node, f"{path}.not.any", places, depth + 2)}}


def _is_tight(group: Group, depth: int) -> bool:
    """Whether "not any" of one would be a level too deep: then "not" alone is written, as programs may have done."""
    return len(group.children) == 1 and max(below for _, below in walk(group, depth)) > MAX_DEPTH


def _list(group: Group, path: str, places: dict[str, str], depth: int) -> list[dict[str, Any]]:
    places[path] = group.id
    return [_json(child, f"{path}[{n}]", places, depth) for n, child in enumerate(group.children)]


def place_of(path: str, places: Mapping[str, str]) -> str:
    """The node an error's path belongs to: the longest known beginning of the path."""
    while path and path not in places:
        path = re.sub(r"(\[\d+\]|\.[a-z_]+|\$)$", "", path)
    return places.get(path, "")


# -- JSON to draft -------------------------------------------------------------------------------
def draft(rule: Any) -> Group:
    """The draft of a kept rule, for editing."""
    made = _draft(rule)
    return made if isinstance(made, Group) else Group("all", [made])


def _draft(node: Any) -> Draft:
    if "fact" in node:
        return rows.drafted(node)
    if "not" in node:
        inner = node["not"]
        return Group("none", [_draft(child) for child in inner.get("any", [inner])])
    join = "all" if "all" in node else "any"
    return Group(join, [_draft(child) for child in node.get(join, [])])


# -- Edits ---------------------------------------------------------------------------------------
def edit(root: Group, command: str) -> Group:
    """Apply one button: "add-row:g1:orders", "add-group:g1", "copy:r1", "up:r1", "add-filter:r1", "drop-filter:r1:0"."""
    verb, _, rest = command.partition(":")
    key, _, what = rest.partition(":")
    found = {node.id: (node, depth) for node, depth in walk(root)}
    if key not in found:
        return root
    node, depth = found[key]
    parent = next((each for each, _ in walk(root) if isinstance(each, Group) and node in each.children), None)
    if isinstance(node, Group) and verb in ("add-row", "add-group"):
        _add(root, node, depth, what, group=verb == "add-group")
    elif isinstance(node, Row) and verb in ("add-filter", "drop-filter"):
        _filter(node, what)
    elif parent is not None:
        _move(root, parent, node, verb)
    return root


def _filter(row: Row, what: str) -> None:
    """One filter more, or one less."""
    if what.isdecimal() and len(what) < 9 and int(what) < len(row.filters):
        del row.filters[int(what)]
    elif not what:
        row.narrow()


def _add(root: Group, parent: Group, depth: int, what: str, *, group: bool) -> None:
    parent.seek = ""
    if is_full(root):
        return
    if not group:
        parent.children.append(Row(what) if what else Row())
    elif nests(parent, depth):
        parent.children.append(Group("any", [Row()]))


def _move(root: Group, parent: Group, node: Draft, verb: str) -> None:
    siblings, here = parent.children, parent.children.index(node)
    if verb == "copy":
        if _size(root) + _size(node) > MAX_CONDITIONS:
            root.refused = TOO_MANY
        else:
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
    copied = deepcopy(node)
    copied.id = uid()
    return copied


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
